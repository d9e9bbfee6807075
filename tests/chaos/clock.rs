//! The server's wall clock, which jumps when a test says so: see `clock_jump.c`. Where the machine cannot
//! preload a library (anything but Linux, or no C compiler), it says so and the clock stays as it is.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Clock {
    library: PathBuf,
    offset: PathBuf,
    file: File,
}

impl Clock {
    /// Builds the library in `folder`.
    pub fn build(folder: &Path) -> Option<Self> {
        let library = folder.join("clock_jump.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chaos/clock_jump.c");
        let built = cfg!(target_os = "linux")
            && Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-o"])
                .arg(&library)
                .arg(source)
                .arg("-ldl")
                .status()
                .is_ok_and(|status| status.success());
        if !built {
            eprintln!("chaos: no clock jumps here, for want of Linux or of a C compiler");
            return None;
        }
        let offset = folder.join("clock_offset");
        std::fs::write(&offset, [0; 8]).expect("a file for the offset");
        let file = File::options().write(true).open(&offset).expect("the file just written");
        Some(Self { library, offset, file })
    }

    pub fn apply(&self, server: &mut Command) {
        server.env("LD_PRELOAD", &self.library).env("CHAOS_CLOCK", &self.offset);
    }

    /// From now on the server's wall clock is off by so much.
    pub fn set(&self, seconds: i64) {
        let nanoseconds = seconds * 1_000_000_000;
        self.file.write_all_at(&nanoseconds.to_ne_bytes(), 0).expect("the offset is written");
    }
}
