// Who comes by keyboard, on a narrow screen, or with a screen reader.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { expect, test, type Person } from "./support/test.ts";

async function expectNoViolations(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  expect(found, where).toEqual([]);
}

/** A conversation with something of everything in it. */
async function furnished(person: Person): Promise<string> {
  const id = await person.conversation("Everything", { agents: true });
  await person.openLive(id);
  await person.sendAndSee("Draw a chart of 1, 4, 9, 16");
  await expect(person.timeline.getByRole("group", { name: "Run, completed" })).toHaveCount(1, { timeout: 15_000 });
  await person.post(id, "A **list**:\n\n- one\n- two\n\n```\ncode\n```\n\n> and [a link](https://example.com)");
  await expect(person.timeline.getByRole("group", { name: "Run, completed" })).toHaveCount(2, { timeout: 15_000 });
  await person.timeline.getByRole("button", { expanded: false }).first().click();
  return id;
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ person, stranger }) => {
    test.slow();
    const out = await stranger();
    await out.emulateMedia({ colorScheme });
    await out.goto("/login");
    await expectNoViolations(out, "/login");

    const anna = await person();
    const { page } = anna;
    await page.emulateMedia({ colorScheme });
    await page.goto("/");
    await anna.connected();
    await expectNoViolations(page, "/ without a conversation");
    await page.getByRole("button", { name: "New conversation" }).click();
    await expect(page.getByRole("textbox", { name: "Title" })).toBeVisible();
    await expectNoViolations(page, "the dialog New conversation");
    await page.keyboard.press("Escape");

    await furnished(anna);
    await expectNoViolations(page, "a conversation");
    await page.setViewportSize({ width: 390, height: 844 });
    await expectNoViolations(page, "a conversation, narrow");
    await page.goto("/settings");
    await expectNoViolations(page, "/settings");
  });
}

test("the keyboard alone is enough", async ({ person }) => {
  const anna = await person();
  const { page } = anna;
  await page.goto("/");
  await anna.connected();
  const make = page.getByRole("button", { name: "New conversation" });
  for (let i = 0; i < 20 && !(await make.evaluate((one) => one === document.activeElement)); i++) await page.keyboard.press("Tab");
  await expect(make).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Title" })).toBeFocused();
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/c\//);

  await anna.composer.focus();
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await expect(anna.composer).toHaveValue("first line\nsecond line");
  await page.keyboard.press("Enter");
  await expect(anna.message("second line")).toHaveAttribute("data-state", "sent");
  await expect(anna.composer).toHaveValue("");
  await expect(anna.composer).toBeFocused();
});

test("the Enter of an input method does not send", async ({ person }) => {
  const anna = await person();
  await anna.openLive(await anna.conversation("IME"));
  await anna.composer.fill("かな");
  await anna.composer.dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
  await expect(anna.composer).toHaveValue("かな");
  await expect(anna.log.getByRole("article")).toHaveCount(0);
});

test("a dialog gives the focus back", async ({ person }) => {
  const anna = await person();
  await anna.page.goto("/");
  await anna.connected();
  const make = anna.page.getByRole("button", { name: "New conversation" });
  await make.focus();
  await anna.page.keyboard.press("Enter");
  await expect(anna.page.getByRole("textbox", { name: "Title" })).toBeFocused();
  await anna.page.keyboard.press("Escape");
  await expect(anna.page.getByRole("textbox", { name: "Title" })).toBeHidden();
  await expect(make).toBeFocused();
});

test("a narrow screen shows one pane, with a way back @plain", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Pocket");
  await anna.post(id, "a word that is rather long: Donaudampfschifffahrtsgesellschaftskapitänskajütentürschlossschlüssel");
  await anna.page.setViewportSize({ width: 390, height: 844 });
  await anna.open(id);
  await expect(anna.composer).toBeVisible();
  await expect(anna.list).toBeHidden();
  for (const width of [390, 320]) {
    await anna.page.setViewportSize({ width, height: 844 });
    if (await canMeasure(anna.page)) {
      expect(await tooWide(anna.page), `${width} px`).toEqual([]);
    }
  }
  await anna.page.getByRole("link", { name: "Back to conversations" }).or(anna.page.getByRole("button", { name: "Back to conversations" })).click();
  await expect(anna.list.getByRole("link", { name: /Pocket/ })).toBeVisible();
  await expect(anna.composer).toBeHidden();
  await anna.list.getByRole("link", { name: /Pocket/ }).click();
  await expect(anna.composer).toBeVisible();
});

/** Without scripts in the page there is nothing to ask it. */
async function canMeasure(page: Page): Promise<boolean> {
  return page.evaluate(() => true).catch(() => false);
}

test("a wide screen shows list, thread and timeline side by side", async ({ person }) => {
  const anna = await person();
  await anna.openLive(await anna.conversation("Wide", { agents: true }));
  const boxes = await Promise.all([anna.list, anna.log, anna.timeline].map((one) => one.boundingBox()));
  for (const box of boxes) expect(box).not.toBeNull();
  expect(boxes[0]!.x + boxes[0]!.width).toBeLessThanOrEqual(boxes[1]!.x + 1);
  expect(boxes[1]!.x + boxes[1]!.width).toBeLessThanOrEqual(boxes[2]!.x + 1);
});

test("a draft is kept for each conversation", async ({ person }) => {
  const anna = await person();
  const [one, two] = [await anna.conversation("One"), await anna.conversation("Two")];
  await anna.openLive(one);
  await anna.composer.fill("half a thought");
  await anna.list.getByRole("link", { name: /Two/ }).click();
  await expect(anna.page).toHaveURL(new RegExp(two));
  await expect(anna.composer).toHaveValue("");
  await anna.list.getByRole("link", { name: /One/ }).click();
  await expect(anna.composer).toHaveValue("half a thought");
});
