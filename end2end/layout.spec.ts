// Nothing leaves its place: with the longest names, addresses and words, from the narrowest window on.

import type { Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { gate, say } from "./support/model.ts";
import { expect, Person, type Server, test } from "./support/test.ts";
import { Visitor } from "./support/visitor.ts";

const WIDTHS = [320, 390, 820];
const SETTINGS = ["", "/connections", "/broadcast", "/webhooks", "/audit"];
const WORD = "w".repeat(110);
const ADDRESS = `https://shop.example/cart?${"utm_source=a-long-campaign&".repeat(14)}`;

type Stranger = (on?: { url: string }) => Promise<Page>;

/** The longest username that begins so. */
function longest(name: string): string {
  return `${name}-`.padEnd(32, "x");
}

/** The first of a server is its admin, the second an operator. */
async function people(server: Server, stranger: Stranger): Promise<[Person, Person]> {
  const root = await Person.register(await stranger(server), longest("root"), server.url);
  const ben = await Person.register(await stranger(server), longest("ben"), server.url);
  const patched = await root.page.request.patch(`${server.url}/api/v1/users/${ben.name}`, {
    data: { role: "operator" },
    headers: { Origin: server.url },
  });
  expect(patched.ok()).toBe(true);
  return [root, ben];
}

async function resize(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 800 });
}

async function broadcast(root: Person, text: string): Promise<void> {
  await root.page.goto("/settings/broadcast");
  await root.page.getByRole("textbox", { name: "Message" }).fill(text);
  await root.page.getByRole("button", { name: "Send broadcast" }).click();
  await expect(root.page.getByRole("status").filter({ hasText: "Sent to" })).toBeVisible();
}

test("no page of the settings is wider than its pane, and its head is all there", async ({ ownServer, stranger }) => {
  test.slow();
  const [root, ben] = await people(ownServer, stranger);
  await ben.openLive(await ben.conversation("Watch"));
  const { page } = root;
  await page.goto("/settings/webhooks");
  await page.getByRole("textbox", { name: "URL" }).fill(`https://hooks.example/${"a-long-path/".repeat(12)}`);
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(page.getByRole("row").filter({ hasText: "a-long-path" })).toBeVisible();
  for (const [one, pages] of [[root, SETTINGS], [ben, [""]]] as const) {
    for (const name of pages) {
      await one.page.goto(`/settings${name}`);
      await one.connected();
      for (const width of WIDTHS) {
        await resize(one.page, width);
        expect(await tooWide(one.page), `/settings${name}, ${width} px`).toEqual([]);
        const head = one.page.locator(".thread-head");
        const inside = await head.evaluate((head) => head.scrollHeight <= head.clientHeight);
        expect(inside, `the head of /settings${name}, ${width} px`).toBe(true);
      }
    }
  }
});

test("the pages of the settings stand in one place", async ({ ownServer, stranger }) => {
  const [root, ben] = await people(ownServer, stranger);
  for (const width of [1280, 1600]) {
    const places = new Set<string>();
    for (const [{ page }, pages] of [[root, SETTINGS], [ben, [""]]] as const) {
      await resize(page, width);
      for (const name of pages) {
        await page.goto(`/settings${name}`);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        const place = await page.locator(".settings-inner").boundingBox();
        places.add(`${place!.x}, ${place!.width} wide`);
      }
    }
    expect([...places], `${width} px`).toHaveLength(1);
  }
});

test("a word of a table is not broken while the table can scroll", async ({ ownServer, stranger }) => {
  const [root] = await people(ownServer, stranger);
  await root.page.goto("/settings/audit");
  for (const width of [320, 1280]) {
    await resize(root.page, width);
    const cell = root.page.getByRole("cell", { name: /^registered/ }).first();
    const lines = await cell.evaluate((cell) => {
      const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode()!;
      const word = document.createRange();
      word.setStart(text, 0);
      word.setEnd(text, "registered".length);
      return word.getClientRects().length;
    });
    expect(lines, `${width} px`).toBe(1);
  }
});

test("no conversation is wider than its pane, whoever takes part", async ({ ownServer, stranger }) => {
  const [root, ben] = await people(ownServer, stranger);
  const id = await root.conversation(WORD, { members: [ben] });
  await root.post(id, WORD);
  await ben.post(id, "I am here");
  for (const path of ["/", `/c/${id}`, `/c/${id}?details=1`]) {
    await root.page.goto(path);
    for (const width of [...WIDTHS, 1280]) {
      await resize(root.page, width);
      await expect.poll(() => tooWide(root.page), { message: `${path}, ${width} px` }).toEqual([]);
    }
  }
});

test("no dialog is wider than its pane, and a visitor's long address takes three lines", async ({ ownServer, stranger }) => {
  const [root, ben] = await people(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera", ADDRESS);
  await vera.say(WORD);
  await ben.page.goto(`/operator/${vera.dialog}`);
  await ben.connected();
  for (const path of ["/operator", `/operator/${vera.dialog}`, `/operator/${vera.dialog}?details=1`]) {
    await root.page.goto(path);
    for (const width of [...WIDTHS, 1280]) {
      await resize(root.page, width);
      await expect.poll(() => tooWide(root.page), { message: `${path}, ${width} px` }).toEqual([]);
    }
  }
  const link = root.page.getByRole("link", { name: /utm_source/ });
  const fact = root.page.getByRole("definition").filter({ has: link });
  expect((await fact.boundingBox())!.height).toBeLessThan(70);
  // All of it is there for who goes there.
  await link.focus();
  expect((await fact.boundingBox())!.height).toBeGreaterThan(100);
  vera.close();
});

test("a broadcast of one long word is read and dismissed, and covers no button of a dialog", async ({ ownServer, stranger }) => {
  const [root, ben] = await people(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello");
  const conversation = await ben.conversation("Watch");
  const { page } = ben;
  const banner = page.getByRole("status").filter({ hasText: WORD });
  for (const path of [`/c/${conversation}`, `/operator/${vera.dialog}`]) {
    await page.goto(path);
    await ben.connected();
    await broadcast(root, WORD);
    for (const width of [...WIDTHS, 1280]) {
      await resize(page, width);
      await expect(banner).toBeInViewport({ ratio: 1 });
      await expect(banner.getByRole("button", { name: "Dismiss" })).toBeInViewport({ ratio: 1 });
      expect(await tooWide(page), `${path}, ${width} px`).toEqual([]);
    }
  }
  // A press on what is covered fails.
  for (const width of [820, 1280]) {
    await resize(page, width);
    for (const name of ["Snooze", "Transfer"]) await page.getByRole("button", { name }).click({ trial: true });
  }
  await banner.getByRole("button", { name: "Dismiss" }).click();
  await expect(banner).toHaveCount(0);
  vera.close();
});

test("at 320 px the title keeps its room, with a connection and without one", async ({ person, allowInConsole }) => {
  allowInConsole(/ERR_INTERNET_DISCONNECTED|WebSocket connection to .* failed/);
  const anna = await person();
  const { page } = anna;
  await resize(page, 320);
  await anna.openLive(await anna.conversation("First steps in a new house"));
  const head = page.locator(".thread-head");
  const title = head.getByRole("heading", { level: 1 });
  const before = (await head.boundingBox())!.height;
  expect((await title.boundingBox())!.width).toBeGreaterThan(100);
  await page.context().setOffline(true);
  await anna.send("later");
  await expect(anna.connection).toHaveText(/You're offline. 1 message/);
  await expect(anna.connection).toBeInViewport({ ratio: 1 });
  expect((await head.boundingBox())!.height).toBe(before);
  expect((await title.boundingBox())!.width).toBeGreaterThan(100);
  // What waits says so.
  const content = anna.message("later").locator(".content");
  await expect.poll(() => content.evaluate((one) => getComputedStyle(one, "::after").content)).toBe('"Waiting to be sent"');
  await page.context().setOffline(false);
  await expect(anna.message("later")).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
});

test("the composer does not grow by the button Stop", async ({ scripted, person }) => {
  const { model, server } = await scripted();
  const rest = gate();
  model.will(say("I "), rest.beat, say("am done."));
  const anna = await person("anna", server);
  await resize(anna.page, 320);
  await anna.openLive(await anna.conversation("Watch", { agents: true }));
  const box = anna.page.locator(".composer-box");
  const before = (await box.boundingBox())!.height;
  await anna.send("Go");
  await expect(anna.page.getByRole("button", { name: "Stop" })).toBeVisible();
  expect((await box.boundingBox())!.height).toBe(before);
  rest.open();
  await expect(anna.message("am done.")).toHaveAttribute("data-state", "sent");
});
