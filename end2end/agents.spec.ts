import { expect, test, type Person } from "./support/test.ts";

/** What a timeline says: its runs' names and their lines. */
async function story(person: Person): Promise<string[]> {
  const runs = person.timeline.getByRole("group", { name: /^Run, / });
  const names = await runs.evaluateAll((all) => all.map((run) => run.getAttribute("aria-label") ?? ""));
  return [...names, ...(await person.timeline.getByRole("listitem").allInnerTexts())];
}

test("a question is answered, in the timeline and in the thread, and stays so", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Sums", { agents: true });
  await anna.openLive(id);
  await anna.sendAndSee("What is 17 * 23?");

  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible({ timeout: 15_000 });
  const answer = anna.log.getByRole("article").last();
  await expect(answer).toContainText("391");
  await expect(answer).toHaveAttribute("data-state", "sent");
  await expect(answer).toHaveAttribute("data-seq", /^\d+$/);

  const call = anna.timeline.getByRole("group", { name: /^Run, / }).getByRole("button", { expanded: false }).first();
  await call.click();
  await expect(anna.timeline.getByRole("button", { expanded: true }).first()).toBeVisible();
  await expect(anna.timeline).toContainText("391");

  const live = await story(anna);
  await anna.page.reload();
  await anna.connected();
  await expect(anna.message("391")).toHaveCount(1);
  await expect.poll(() => story(anna).then((after) => after.length)).toBe(live.length);
  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible();
});

test("the answer is written before one's eyes", async ({ person }) => {
  const anna = await person();
  await anna.openLive(await anna.conversation("Sums", { agents: true }));
  // Every state that an answer's element ever had, noted as it changes.
  await anna.page.evaluate(() => {
    const seen: string[] = ((window as unknown as { seen: string[] }).seen = []);
    new MutationObserver(() => {
      for (const article of document.querySelectorAll("article[aria-busy=true]")) {
        seen.push(`${article.getAttribute("data-state")} ${article.hasAttribute("data-seq")} ${article.textContent!.length}`);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await anna.sendAndSee("What is 3 miles in kilometres?");
  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible({ timeout: 15_000 });
  const seen = await anna.page.evaluate(() => (window as unknown as { seen: string[] }).seen);
  expect(new Set(seen).size, "it grew").toBeGreaterThan(2);
  expect(seen.every((state) => state.startsWith("streaming false "))).toBe(true);
  await expect(anna.message("4.8")).toHaveCount(1);
});

test("numbers become a chart, which has a name", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Rain", { agents: true });
  await anna.openLive(id);
  await anna.sendAndSee("Draw a chart of the rain: Jan 40, Feb 35, Mar 52, Apr 61");
  const chart = anna.page.getByRole("img", { name: /.+/ }).first();
  await expect(chart).toBeVisible({ timeout: 15_000 });
  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible({ timeout: 15_000 });
  await anna.page.reload();
  await expect(anna.timeline.getByRole("img", { name: /.+/ }).first()).toBeVisible();
});

test("with several people the agents answer when they are addressed, and all see it", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Both", { members: [ben], agents: true });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  await anna.sendAndSee("What is 6 * 7? I only wonder.");
  await anna.sendAndSee("@agents what is 12 * 12?");
  await expect(ben.message("144")).toHaveCount(1, { timeout: 15_000 });
  await expect(anna.message("144")).toHaveCount(1);
  await expect(anna.timeline.getByRole("group", { name: /^Run, / })).toHaveCount(1);
  await expect(ben.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible();
  expect((await ben.texts()).join("\n")).not.toContain("42");
});

