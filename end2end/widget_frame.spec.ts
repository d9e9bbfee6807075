// What is the frame's alone, within a website of another origin: its sound, its way without a socket, its charts, and
// what it does when the page says that somebody else is here.

import { createHmac } from "node:crypto";

import { Shop, Visitor } from "./support/shop.ts";
import { expect, test } from "./support/test.ts";

type Dialog = { id: string; kind: string; dialog: { epoch: number } };

test("a message of others makes a sound where the visitor wants it, and only there", async ({ ownServer, person, stranger }) => {
  test.slow();
  const root = await person("root", ownServer);
  const shop = await Shop.on(ownServer, root);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.page.addInitScript(() => {
    const counter = window as never as { tones: number };
    counter.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      counter.tones += 1;
      return start.apply(this, when);
    };
  });
  const tones = () =>
    visitor.page.frames().find((frame) => frame.url().includes("/widget/"))!.evaluate(() => (window as never as { tones: number }).tones);
  const sound = visitor.frame.getByRole("button", { name: "Sound" });
  await visitor.come();
  await visitor.open();
  await expect(sound).toHaveAttribute("aria-pressed", "false");
  await visitor.say("Hello?");
  const { conversations } = (await (await root.api("get", "/conversations")).json()) as { conversations: Dialog[] };
  const dialog = conversations.find(({ kind }) => kind === "dialog")!;
  await expect(visitor.log.getByRole("article").nth(1)).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
  expect(await tones()).toBe(0);
  await root.api("post", `/conversations/${dialog.id}/control`, { action: "take", epoch: dialog.dialog.epoch });
  await root.post(dialog.id, "quietly");
  await expect(visitor.message("quietly")).toBeVisible();
  expect(await tones()).toBe(0);

  await sound.click();
  await expect(sound).toHaveAttribute("aria-pressed", "true");
  await root.post(dialog.id, "aloud");
  await expect.poll(tones).toBe(2);
  // One's own words are no news.
  await visitor.say("I hear you");
  expect(await tones()).toBe(2);

  // It is remembered, and several at once are one sound.
  await visitor.come("/other");
  await visitor.open();
  await expect(sound).toHaveAttribute("aria-pressed", "true");
  await visitor.composer.click();
  expect(await tones()).toBe(0);
  await visitor.page.context().setOffline(true);
  await expect(visitor.connection).toHaveText("You're offline.");
  for (const word of ["one", "two", "three"]) await root.post(dialog.id, word);
  await visitor.page.context().setOffline(false);
  await expect(visitor.message("three")).toBeVisible({ timeout: 20_000 });
  expect(await tones()).toBe(2);
  await sound.click();
  await root.post(dialog.id, "hush");
  await expect(visitor.message("hush")).toBeVisible();
  expect(await tones()).toBe(2);
  await shop.close();
});

test("where no socket gets through, the frame polls: what is asked is answered, and a person can be had", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(/WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/);
  const root = await person("root", ownServer);
  const shop = await Shop.on(ownServer, root);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.page.addInitScript(() => {
    const Real = window.WebSocket;
    window.WebSocket = class extends Real {
      constructor(_: string | URL, protocols?: string | string[]) {
        super(new URL("/no-socket-here", location.href), protocols);
      }
    };
  });
  await visitor.come();
  await visitor.launcher.click();
  await expect(visitor.connection).toHaveText("Polling", { timeout: 40_000 });
  await visitor.say("What is 17 * 23?");
  await expect(visitor.message("391")).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
  await visitor.frame.getByRole("button", { name: "Talk to a person" }).click();
  await expect(visitor.hands).toContainText("You are in the queue", { timeout: 15_000 });
  const { conversations } = (await (await root.api("get", "/conversations")).json()) as { conversations: Dialog[] };
  const dialog = conversations.find(({ kind }) => kind === "dialog")!;
  await root.api("post", `/conversations/${dialog.id}/messages`, { client_id: crypto.randomUUID(), message: "XYZZY", visibility: "note" });
  await root.post(dialog.id, "A person, by the slow way");
  await expect(visitor.message("A person, by the slow way")).toHaveCount(1, { timeout: 15_000 });
  await expect(visitor.hands).toHaveText(`${root.name} is here.`);
  await expect(visitor.message("XYZZY")).toHaveCount(0);
  await shop.close();
});

test("a chart of an answer is fetched with the frame's token, at a click, and a failure is told", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(/net::ERR_FAILED|Failed to load resource/);
  const root = await person("root", ownServer);
  const shop = await Shop.on(ownServer, root);
  const visitor = new Visitor(await stranger(), shop);
  const asked: string[] = [];
  visitor.page.on("request", (request) => request.url().includes("/charts/") && asked.push(request.headers()["authorization"] ?? "nothing"));
  await visitor.come();
  await visitor.open();
  await visitor.say("Draw a chart of 1, 4, 9, 16");
  const link = visitor.log.getByRole("link", { name: "Open the picture" });
  await expect(link).toBeVisible({ timeout: 15_000 });
  expect(asked).toEqual([]);
  await visitor.page.route("**/api/v1/charts/**", (route) => route.abort(), { times: 1 });
  await link.click();
  await expect(visitor.frame.getByRole("alert")).toBeVisible();
  await expect(link).toBeVisible();
  await link.press("Enter");
  const picture = visitor.log.getByRole("img", { name: "Open the picture" });
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBeGreaterThan(100);
  await expect(picture).toBeFocused();
  expect(asked.at(-1)).toMatch(/^Bearer /);
  expect(visitor.page.context().pages()).toHaveLength(1);
  await shop.close();
});

function signed(secret: string, sub: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, exp: Math.floor(Date.now() / 1000) + 600 })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("another account on the page is another visitor: nothing of the one before stays, and the first comes back", async ({ ownServer, person, stranger }) => {
  test.slow();
  const root = await person("root", ownServer);
  const made = await (await root.api("post", "/sites", { name: "Shop" })).json();
  const shop = await Shop.open();
  await shop.allowedBy(ownServer, root, made.id);
  const visitor = new Visitor(await stranger(), shop);
  const account = (id: string) => ({ id, name: id, jwt: signed(made.secret, id) });
  await visitor.come();
  // While the first session is still being asked for.
  await visitor.page.evaluate((who) => {
    const magpie = (window as never as { magpie: (...all: unknown[]) => void }).magpie;
    magpie("open");
    setTimeout(() => magpie("identify", who), 0);
  }, account("zoe"));
  await visitor.connected();
  await visitor.say("I am Zoe");
  const visitors = async () => {
    const { conversations } = (await (await root.api("get", "/conversations")).json()) as { conversations: (Dialog & { last_message?: unknown; dialog: { visitor: { name: string } } })[] };
    return conversations.filter(({ kind, last_message }) => kind === "dialog" && last_message).map(({ dialog }) => dialog.visitor.name).sort();
  };
  expect(await visitors()).toEqual(["zoe"]);
  await visitor.composer.fill("a draft of Zoe's");

  await visitor.call("identify", account("max"));
  await expect(visitor.message("I am Zoe")).toHaveCount(0);
  await visitor.connected();
  await expect(visitor.composer).toHaveValue("");
  await visitor.say("I am Max");
  expect(await visitors()).toEqual(["max", "zoe"]);
  await visitor.frame.getByRole("button", { name: "Your conversations" }).click();
  await expect(visitor.frame.getByRole("listitem")).toHaveCount(1);
  await expect(visitor.frame.getByRole("listitem")).toContainText("I am Max");

  await visitor.call("identify", account("zoe"));
  await expect(visitor.message("I am Zoe")).toBeVisible({ timeout: 20_000 });
  await expect(visitor.message("I am Max")).toHaveCount(0);

  // Signed out: nobody whom the server knows, here and on the next page.
  await visitor.call("reset");
  await expect(visitor.page.locator("magpie-chat iframe")).toHaveCount(0);
  await expect(visitor.page.locator("magpie-chat b")).toBeHidden();
  const kept = await visitor.page.evaluate((site) => localStorage.getItem(`magpie.${site}`), made.id as string);
  expect(JSON.parse(kept!)).not.toHaveProperty("token");
  await visitor.come("/other");
  await visitor.open();
  await expect(visitor.log).toContainText("Hello!");
  await expect(visitor.log.getByRole("article")).toHaveCount(0);
  await shop.close();
});

test("who asked for a person and was not heard is told so, and can ask again", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(/net::ERR_FAILED|Failed to load resource/);
  const shop = await Shop.on(ownServer, await person("root", ownServer));
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await visitor.open();
  await visitor.say("Hello?");
  await visitor.page.route("**/control", (route) => route.abort(), { times: 1 });
  const ask = visitor.frame.getByRole("button", { name: "Talk to a person" });
  await ask.click();
  await expect(visitor.frame.getByRole("alert")).toBeVisible();
  await expect(ask).toBeEnabled();
  await ask.click();
  await expect(visitor.hands).toContainText("You are in the queue");
  await shop.close();
});
