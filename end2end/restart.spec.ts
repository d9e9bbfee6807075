// A server that is restarted or killed under open pages: the status line tells of it, and nothing else does.

import type { Page } from "@playwright/test";

import { expect, test, type Person } from "./support/test.ts";

const SERVER_GONE = /WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/;

/** Every text that the connection's status shows from now on, and every alert and notice of the page. */
async function watch(page: Page): Promise<() => Promise<{ status: string[]; told: string[] }>> {
  await page.evaluate(() => {
    const seen = { status: [] as string[], told: [] as string[] };
    Object.assign(window, { seen });
    const look = () => {
      const status = document.querySelector('[role="status"][aria-label="Connection"]')?.textContent ?? "";
      if (seen.status.at(-1) !== status) seen.status.push(status);
      for (const one of document.querySelectorAll('[role="alert"], .notices > *')) {
        if (one.textContent && !seen.told.includes(one.textContent)) seen.told.push(one.textContent);
      }
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => (window as unknown as { seen: { status: string[]; told: string[] } }).seen);
}

const CALM = /^(Connected|Connecting…|Reconnecting in \d+ s)$/;

/** Nothing but the status said anything, and that nothing but what belongs to a gap. */
async function expectCalm(seen: () => Promise<{ status: string[]; told: string[] }>): Promise<void> {
  const { status, told } = await seen();
  expect(told).toEqual([]);
  expect(status.filter((text) => !CALM.test(text))).toEqual([]);
  expect(status.at(-1)).toBe("Connected");
}

async function texts(person: Person): Promise<string[]> {
  return person.log.locator("article p").allTextContents();
}

test("a restart is a short gap that shows in the status line alone", async ({ person, ownServer, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const [anna, ben] = [await person("anna", ownServer), await person("ben", ownServer)];
  const id = await anna.conversation("Office", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  await anna.sendAndSee("before");
  const seen = await Promise.all([watch(anna.page), watch(ben.page)]);

  await ownServer.drain();
  await anna.send("during");
  await ownServer.restart();
  for (const one of [anna, ben]) await one.connected();
  await expect(anna.message("during")).toHaveAttribute("data-state", "sent");
  await ben.sendAndSee("after");
  for (const one of [anna, ben]) {
    await expect(one.message("after")).toHaveCount(1);
    expect(await texts(one)).toEqual(["before", "during", "after"]);
  }
  for (const one of seen) await expectCalm(one);
});

test("a server that is killed while three people type and send loses nothing", async ({ person, ownServer, allowInConsole }) => {
  test.setTimeout(60_000);
  allowInConsole(SERVER_GONE);
  const people = [await person("anna", ownServer), await person("ben", ownServer), await person("carla", ownServer)];
  const id = await people[0]!.conversation("Storm", { members: people.slice(1) });
  await Promise.all(people.map((one) => one.openLive(id)));
  const seen = await Promise.all(people.map((one) => watch(one.page)));

  const killing = (async () => {
    for (let n = 0; n < 2; n++) {
      await expect(people[0]!.log.getByRole("article").nth(6 * (n + 1))).toBeVisible();
      await ownServer.kill();
      await ownServer.restart();
    }
  })();
  const written = await Promise.all(
    people.map(async (one) => {
      const mine: string[] = [];
      for (let n = 0; n < 8; n++) {
        mine.push(`${one.name} ${n}`);
        await one.composer.pressSequentially(mine.at(-1)!, { delay: 20 });
        await one.composer.press("Enter");
      }
      return mine;
    }),
  );
  await killing;
  for (const one of people) {
    await one.connected();
    await expect(one.log.locator('article[data-state="sent"]')).toHaveCount(24, { timeout: 20_000 });
  }
  const order = await texts(people[0]!);
  for (const [n, one] of people.entries()) {
    expect(await texts(one)).toEqual(order);
    expect(order.filter((text) => text.startsWith(one.name))).toEqual(written[n]);
  }
  for (const one of seen) await expectCalm(one);
});

test("two tabs and a phone of one person stay in step", async ({ person, stranger }) => {
  test.setTimeout(60_000);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Mine", { members: [ben] });
  const phone = anna.on(await stranger());
  await phone.page.goto("/login");
  await phone.signIn();
  const tab = anna.on(await anna.page.context().newPage());
  const devices = [anna, tab, phone];
  for (const one of [...devices, ben]) await one.openLive(id);

  await ben.composer.pressSequentially("hm");
  for (const one of devices) await expect(one.typing).toHaveText(`${ben.name} is typing…`);
  await ben.composer.press("Enter");
  for (const one of devices) await expect(one.message("hm")).toHaveCount(1);

  await tab.sendAndSee("teh cat");
  for (const one of devices) await expect(one.message("teh cat")).toHaveCount(1);
  await phone.message("teh cat").hover();
  await phone.message("teh cat").getByRole("button", { name: "Edit" }).click();
  await phone.page.getByRole("textbox", { name: "Edit message" }).fill("the cat");
  await phone.page.getByRole("button", { name: "Save" }).click();
  for (const one of [...devices, ben]) await expect(one.message("the cat")).toHaveCount(1);

  // What is read on one is read on all of them.
  const other = await anna.conversation("Other");
  for (const one of devices) await one.openLive(other);
  await ben.sendAndSee("news");
  const row = (one: Person) => one.list.getByRole("link", { name: "Mine" });
  for (const one of devices) await expect(row(one)).toContainText("1");
  await row(phone).click();
  await expect(phone.message("news")).toBeVisible();
  for (const one of devices) await expect(row(one)).not.toContainText("1");
});
