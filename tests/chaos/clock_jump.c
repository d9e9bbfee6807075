/* Preloaded into the server's process: its wall clock is off by the nanoseconds that the file named by
   CHAOS_CLOCK holds (eight bytes, this machine's order), and jumps when somebody writes others there. The
   monotonic clock goes on as ever, as it does when somebody sets a machine's time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *off_by;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *map = mmap(0, sizeof *off_by, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (map != MAP_FAILED) off_by = map;
}

int clock_gettime(clockid_t which, struct timespec *time) {
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(which, time);
    if (result == 0 && off_by && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + *off_by;
        time->tv_sec = ns / INT64_C(1000000000);
        time->tv_nsec = ns % INT64_C(1000000000);
    }
    return result;
}
