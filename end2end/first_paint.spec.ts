import { expect, test } from "./support/test.ts";

test("the first paint has the messages in it, without a script", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Long thread");
  for (let i = 1; i <= 65; i++) await anna.post(id, `line number ${i}.`);

  const answer = await anna.page.request.get(`/c/${id}`);
  expect(answer.status()).toBe(200);
  const html = await answer.text();
  expect(html).not.toContain("<template");
  expect(html.match(/<article/g)?.length).toBe(60);
  expect(html).toContain("line number 65.");
  expect(html).not.toContain("line number 5.");
  expect(html).toMatch(/data-state="sent"/);
});

test("the newest message is in view, and the page does not jump when it comes alive", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Long thread");
  for (let i = 1; i <= 40; i++) await anna.post(id, `line number ${i}.`);
  await anna.openLive(id);
  await expect(anna.message("line number 40.")).toBeInViewport();
  const shift = await anna.page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) sum += (entry as unknown as { value: number }).value;
        }).observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
      }),
  );
  expect(shift).toBeLessThanOrEqual(0.02);
});

test("a page takes few requests and is compressed ahead of time", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Weight");
  const requests: string[] = [];
  const encodings = new Map<string, string | undefined>();
  anna.page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    requests.push(pathname);
    encodings.set(pathname.split(".").pop()!, response.headers()["content-encoding"]);
  });
  await anna.openLive(id);
  expect(requests.length, requests.join(" ")).toBeLessThanOrEqual(10);
  for (const kind of ["wasm", "js", "css"]) expect(encodings.get(kind), kind).toMatch(/br|gzip/);
});
