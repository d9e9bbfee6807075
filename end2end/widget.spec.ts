// The widget on somebody's website: two origins, a visitor, agents and an operator.

import { AxeBuilder } from "@axe-core/playwright";
import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { expect, test, type Person, type Server } from "./support/test.ts";
import { Shop, Visitor } from "./support/shop.ts";

/** What a visitor's socket must never be told. */
const HOUSE = ["agent_step", "tool_call", "tool_result", "progress", "approval", "approval_resolved"];
const GONE = /WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/;

type Dialog = { id: string; kind: string; status: string; owner: { kind: string }; dialog: { epoch: number; visitor: { name: string } } };

/** The dialogs as the admin's list has them. */
async function dialogs(admin: Person): Promise<Dialog[]> {
  const { conversations } = (await (await admin.api("get", "/conversations")).json()) as { conversations: Dialog[] };
  return conversations.filter(({ kind }) => kind === "dialog");
}

async function control(admin: Person, dialog: Dialog, action: string): Promise<void> {
  await admin.api("post", `/conversations/${dialog.id}/control`, { action, epoch: dialog.dialog.epoch });
}

/** A server with an admin, and a shop that its site allows. */
async function house(person: (name: string, on: Server) => Promise<Person>, server: Server): Promise<{ root: Person; shop: Shop }> {
  const root = await person("root", server);
  return { root, shop: await Shop.on(server, root) };
}

test("a visitor asks, the assistant answers, a person takes over, and no word of the house is ever on the visitor's socket", async ({ ownServer, person, stranger }) => {
  test.slow();
  const { root, shop } = await house(person, ownServer);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await expect(visitor.page.locator("magpie-chat iframe")).toHaveCount(0);
  await visitor.open();
  await expect(visitor.composer).toBeFocused();
  await expect(visitor.log).toContainText("Hello! How can we help?");
  await visitor.say("What is 17 * 23?");
  await expect(visitor.message("391")).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
  // It was written before their eyes.
  expect(visitor.types).toContain("token");

  // Another page of the shop: the same visitor, the same dialog, without a click.
  await visitor.come("/other");
  await visitor.open();
  await expect(visitor.message("17 * 23")).toHaveCount(1);
  await expect(visitor.message("391")).toHaveCount(1);
  expect(await dialogs(root)).toHaveLength(1);

  await visitor.frame.getByRole("button", { name: "Talk to a person" }).click();
  await expect(visitor.hands).toContainText("You are in the queue");
  await expect(visitor.frame.getByRole("button", { name: "Talk to a person" })).toHaveCount(0);
  const [waiting] = await dialogs(root);
  expect(waiting!.owner.kind).toBe("queue");

  await root.api("post", `/conversations/${waiting!.id}/messages`, { client_id: crypto.randomUUID(), message: "XYZZY is what we think", visibility: "note" });
  await root.post(waiting!.id, "Hello, a person here");
  const reply = visitor.message("Hello, a person here");
  await expect(reply).toBeVisible();
  await expect(reply).toHaveAttribute("aria-label", new RegExp(`^${root.name}, `));
  await expect(visitor.hands).toHaveText(`${root.name} is here.`);
  await visitor.say("Thank you");

  // The whole log once more, by a fresh page.
  await visitor.come();
  await visitor.open();
  await expect(visitor.message("Thank you")).toHaveCount(1);
  expect(visitor.types.filter((type) => HOUSE.includes(type))).toEqual([]);
  expect(visitor.frames.filter((frame) => frame.includes("XYZZY"))).toEqual([]);
  expect(visitor.types).toContain("hidden");
  // The token is in no address.
  const addresses = visitor.page.frames().map((frame) => frame.url());
  expect(addresses.join(" ")).not.toMatch(/eyJ|token/);
  await shop.close();
});

test("a closed chat counts what is unread, tells the page, and opens where it was", async ({ ownServer, person, stranger }) => {
  test.slow();
  const { root, shop } = await house(person, ownServer);
  shop.before = `window.heard = []; for (const name of ["message", "unread", "open", "close"]) magpie("on", name, (value) => heard.push([name, value && value.text || value]));`;
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await visitor.open();
  await visitor.say("What is 1 + 1?");
  await expect(visitor.log.getByRole("article")).toHaveCount(2);
  await expect(visitor.log.getByRole("article").last()).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
  await visitor.page.keyboard.press("Escape");
  await expect(visitor.page.locator("magpie-chat iframe")).toBeHidden();
  await expect(visitor.launcher).toBeFocused();
  await expect.poll(async () => (await dialogs(root)).length).toBe(1);
  const [dialog] = await dialogs(root);
  await control(root, dialog!, "take");
  await root.post(dialog!.id, "Yes, one");
  await root.post(dialog!.id, "And another");
  const heard = () => visitor.page.evaluate(() => (window as never as { heard: unknown[] }).heard);
  await expect.poll(heard).toContainEqual(["message", "And another"]);
  await expect(visitor.page.locator("magpie-chat i")).toHaveText("2 unread");

  // On the next page the frame is loaded at rest, for the badge.
  await visitor.come("/other");
  await expect(visitor.page.locator("magpie-chat b")).toHaveText("2", { timeout: 20_000 });
  await visitor.call("open");
  await expect(visitor.message("And another")).toBeVisible();
  await expect(visitor.page.locator("magpie-chat b")).toBeHidden();
  await visitor.call("toggle");
  await expect(visitor.page.locator("magpie-chat iframe")).toBeHidden();
  expect((await heard()).map((one) => (one as string[])[0])).toEqual(expect.arrayContaining(["open", "close", "unread"]));
  await shop.close();
});

function signed(secret: string, sub: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, exp: Math.floor(Date.now() / 1000) + 600 })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("a page says who its visitor is: believed with the site's signature, and not with another", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(/this identity is not taken|status of 422/);
  const root = await person("root", ownServer);
  const made = await (await root.api("post", "/sites", { name: "Shop" })).json();
  const shop = await Shop.open();
  await shop.allowedBy(ownServer, root, made.id);
  const visit = async (jwt: string): Promise<Visitor> => {
    const visitor = new Visitor(await stranger(), shop);
    shop.before = `magpie("identify", ${JSON.stringify({ id: "u-7", name: "Zoe", email: "zoe@example.com", jwt })});`;
    await visitor.come();
    await visitor.open();
    return visitor;
  };
  const details = async (dialog: Dialog) => (await (await root.api("get", `/conversations/${dialog.id}`)).json()).visitor;

  const zoe = await visit(signed(made.secret, "u-7"));
  await zoe.say("It is me");
  const [dialog] = await dialogs(root);
  expect(await details(dialog!)).toMatchObject({ name: "Zoe", email: "zoe@example.com", external_id: "u-7", verified: true });
  // The same person on another device.
  const phone = await visit(signed(made.secret, "u-7"));
  await expect(phone.message("It is me")).toBeVisible();

  // Whoever only says so is somebody else, and may talk all the same.
  const eve = await visit(signed("guessed", "u-7"));
  await eve.say("I am Zoe, really");
  await expect(eve.message("It is me")).toHaveCount(0);
  const list = await dialogs(root);
  expect(list).toHaveLength(2);
  const other = list.find(({ id }) => id !== dialog!.id)!;
  expect(await details(other)).toMatchObject({ verified: false });
  expect((await details(other)).external_id).toBeUndefined();

  // Signed out on the page: the next one is nobody that we know.
  await zoe.call("reset");
  await expect(zoe.page.locator("magpie-chat iframe")).toHaveCount(0);
  await zoe.launcher.click();
  await zoe.connected();
  await expect(zoe.message("It is me")).toHaveCount(0);
  await shop.close();
});

test("a page that the site does not allow says so, and shows no frame", async ({ ownServer, person, stranger, allowInConsole }) => {
  allowInConsole(/does not allow the widget on pages of|frame-ancestors|status of 403|status of 404|Failed to load resource|X-Frame-Options|Refused to display/);
  await person("root", ownServer);
  const shop = await Shop.open();
  shop.embed(ownServer);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await visitor.launcher.click();
  await expect(visitor.page.getByRole("alert")).toContainText("not available on this page");
  await expect(visitor.page.locator("magpie-chat iframe")).toHaveCount(0);
  await expect(visitor.launcher).toHaveAttribute("aria-expanded", "false");

  const frame = await fetch(`${ownServer.url}/widget/default`);
  expect(frame.headers.get("x-frame-options")).toBeNull();
  expect(frame.headers.get("content-security-policy")).toContain("frame-ancestors 'self'");
  expect(frame.headers.get("set-cookie")).toBeNull();
  const login = await fetch(`${ownServer.url}/login`);
  expect(login.headers.get("x-frame-options")).toBe("DENY");
  expect(login.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  const unknown = await fetch(`${ownServer.url}/widget/nowhere`);
  expect(unknown.status).toBe(404);
  expect(unknown.headers.get("x-frame-options")).toBe("DENY");
  await shop.close();
});

test("what is written without a network is sent when there is one, once", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(GONE);
  const { root, shop } = await house(person, ownServer);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await visitor.open();
  await visitor.say("first");
  await visitor.page.context().setOffline(true);
  await expect(visitor.connection).toHaveText("You're offline.");
  await visitor.composer.fill("from a tunnel");
  await visitor.composer.press("Enter");
  await expect(visitor.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await visitor.page.context().setOffline(false);
  await visitor.connected();
  await expect(visitor.message("from a tunnel")).toHaveAttribute("data-state", "sent");
  const [dialog] = await dialogs(root);
  const { messages } = await (await root.api("get", `/conversations/${dialog!.id}/messages`)).json();
  expect(messages.filter(({ text }: { text: string }) => text === "from a tunnel")).toHaveLength(1);
  await shop.close();
});

test("a visitor whom the server has forgotten meanwhile begins anew", async ({ ownServer, person, stranger, allowInConsole }) => {
  test.slow();
  allowInConsole(GONE);
  const { root, shop } = await house(person, ownServer);
  const visitor = new Visitor(await stranger(), shop);
  const sessions = /\/api\/v1\/widget\/sessions$/;
  await visitor.come();
  const opened = visitor.page.waitForResponse(sessions);
  await visitor.open();
  const session = (await (await opened).json()) as { token: string; dialog_id: string };
  await visitor.page.context().setOffline(true);
  await expect(visitor.connection).toHaveText("You're offline.");
  // As after a sweep: neither of the two tokens is known any more.
  const revoked = await fetch(`${ownServer.url}/api/v1/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${session.token}` } });
  expect(revoked.status).toBe(204);
  await visitor.page.route(sessions, (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), visitor_token: "forgotten" }) }));
  const again = visitor.page.waitForResponse(sessions);
  await visitor.page.context().setOffline(false);
  const anew = (await (await again).json()) as { dialog_id: string };
  expect(anew.dialog_id).not.toBe(session.dialog_id);
  await visitor.connected();
  await visitor.say("What is 2 + 40?");
  await expect(visitor.message("42")).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
  expect((await dialogs(root)).map(({ id }) => id)).toEqual([anew.dialog_id]);
  await shop.close();
});

test("a frame that may keep nothing works from memory", async ({ ownServer, person, stranger }) => {
  test.slow();
  const { shop } = await house(person, ownServer);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.page.addInitScript(() => {
    const deny = () => {
      throw new DOMException("denied", "SecurityError");
    };
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) Object.defineProperty(window, name, { get: deny });
    Object.defineProperty(navigator, "locks", { value: { request: async () => deny() } });
    (window as never as { BroadcastChannel: unknown }).BroadcastChannel = class {
      constructor() {
        deny();
      }
    };
  });
  await visitor.come();
  await visitor.open();
  await visitor.say("What is 2 + 40?");
  await expect(visitor.message("42")).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
  await shop.close();
});

test("a new conversation begins beside the old ones", async ({ ownServer, person, stranger }) => {
  test.slow();
  const { root, shop } = await house(person, ownServer);
  const visitor = new Visitor(await stranger(), shop);
  await visitor.come();
  await visitor.open();
  // With its answer each time: what is answered last stands first in the list.
  const said = visitor.frame.getByRole("log", { name: "Messages" }).locator("article[data-state=sent]");
  await visitor.say("about shoes");
  await expect(said).toHaveCount(2, { timeout: 15_000 });
  await visitor.frame.getByRole("button", { name: "Your conversations" }).click();
  await visitor.frame.getByRole("button", { name: "New conversation" }).click();
  await expect(visitor.message("about shoes")).toHaveCount(0);
  await visitor.say("about hats");
  await expect(said).toHaveCount(2, { timeout: 15_000 });
  await visitor.frame.getByRole("button", { name: "Your conversations" }).click();
  await expect(visitor.frame.getByRole("listitem")).toHaveCount(2);
  await visitor.frame.getByRole("listitem").last().getByRole("button").click();
  await expect(visitor.message("about shoes")).toBeVisible();
  expect(await dialogs(root)).toHaveLength(2);
  await shop.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in launcher and frame, wide or at 320 px, ${colorScheme}`, async ({ ownServer, person, stranger }) => {
    test.slow();
    const { root, shop } = await house(person, ownServer);
    // Hard to read on white, so that what is text has to differ from it.
    const painted = await root.page.request.patch(`${ownServer.url}/api/v1/sites/default`, {
      data: { color: "#ffd400" },
      headers: { Origin: ownServer.url },
    });
    expect(painted.ok(), await painted.text()).toBe(true);
    const visitor = new Visitor(await stranger(), shop);
    const { page } = visitor;
    await page.emulateMedia({ colorScheme });
    const check = async (state: string) => {
      const { violations } = await new AxeBuilder({ page })
        .include("magpie-chat")
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
        .analyze();
      expect(violations.map(({ id, nodes }) => `${state}: ${id}: ${nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
    };
    await visitor.come();
    await check("closed");
    await visitor.open();
    await check("empty");
    await visitor.say("What is 17 * 23?");
    await expect(visitor.message("391")).toHaveAttribute("data-state", "sent", { timeout: 15_000 });
    // Not as it is under the pointer.
    await visitor.connection.hover();
    await expect(visitor.frame.getByRole("button", { name: "Send" })).toHaveCSS("background-color", "rgb(255, 212, 0)");
    await expect(visitor.message("391").locator(".tag")).toHaveCSS("color", colorScheme === "light" ? "rgb(115, 95, 0)" : "rgb(255, 212, 0)");
    await check("answered");
    const [dialog] = await dialogs(root);
    await control(root, dialog!, "take");
    await root.post(dialog!.id, "A person");
    await expect(visitor.hands).toContainText("is here");
    await check("with a person");
    await visitor.frame.getByRole("button", { name: "Your conversations" }).click();
    await check("list");
    await visitor.frame.getByRole("button", { name: "Your conversations" }).click();

    await page.setViewportSize({ width: 320, height: 640 });
    await visitor.say("w".repeat(110));
    const frame = page.locator("magpie-chat iframe");
    expect(await frame.boundingBox()).toEqual({ x: 0, y: 0, width: 320, height: 640 });
    await expect(visitor.composer).toBeInViewport({ ratio: 1 });
    const inner = page.frames().find((one) => one.url().includes("/widget/"))!;
    expect(await tooWide(inner)).toEqual([]);
    await check("320 px");
    await visitor.frame.getByRole("button", { name: "Close chat" }).click();
    await expect(visitor.launcher).toBeFocused();
    await shop.close();
  });
}

/** What the page's own measurement says, after it has come to rest. */
async function figures(page: Page): Promise<{ cls: number; fcp_ms: number; lcp_ms: number; blocking_ms: number }> {
  return page.evaluate(async () => {
    const entries = (type: string) =>
      new Promise<PerformanceEntry[]>((done) => {
        const seen: PerformanceEntry[] = [];
        new PerformanceObserver((list) => seen.push(...list.getEntries())).observe({ type, buffered: true });
        setTimeout(() => done(seen), 100);
      });
    const shifts = (await entries("layout-shift")) as never as { value: number }[];
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    const lcp = (await entries("largest-contentful-paint")).at(-1);
    const long = await entries("longtask");
    return {
      cls: shifts.reduce((sum, { value }) => sum + value, 0),
      fcp_ms: Math.round(paint?.startTime ?? 0),
      lcp_ms: Math.round(lcp?.startTime ?? 0),
      blocking_ms: Math.round(long.reduce((sum, { duration }) => sum + Math.max(0, duration - 50), 0)),
    };
  });
}

test("the loader is small, and the page around it does not move", async ({ ownServer, person, stranger }, info) => {
  test.slow();
  const { shop } = await house(person, ownServer);
  const script = Buffer.from(await (await fetch(`${ownServer.url}/widget.js`)).arrayBuffer());
  const gzip = gzipSync(script).length;
  expect(gzip).toBeLessThanOrEqual(3072);

  const { tag } = shop;
  const told: Record<string, unknown> = { gzip_bytes: gzip };
  for (const name of ["without", "with", "opened"]) {
    shop.tag = name === "without" ? "" : tag;
    const visitor = new Visitor(await stranger(), shop);
    await visitor.page.goto(shop.url);
    await visitor.page.waitForLoadState("networkidle");
    if (name === "opened") {
      await visitor.launcher.click();
      await visitor.connected();
    }
    // Shifts within half a second of a click count as the visitor's own: they are counted here, too.
    const measured = await figures(visitor.page);
    told[name] = measured;
    expect(measured.cls, name).toBe(0);
  }
  console.log(`widget: ${JSON.stringify(told)}`);
  await info.attach("figures", { body: JSON.stringify(told, null, 2) });
  await shop.close();
});

test("an admin makes a site, reads its secret once, and takes its tag along @plain", async ({ ownServer, person }) => {
  const { page } = await person("root", ownServer);
  await page.goto("/settings");
  await expect(page.getByRole("textbox", { name: "Embed code" })).toHaveValue(`<script async src="${ownServer.url}/widget.js" data-site="default"></script>`);
  await page.getByRole("textbox", { name: "Name of the new website" }).fill("Feather shop");
  await page.getByRole("button", { name: "Add website" }).click();
  const section = page.getByRole("region", { name: "Website: Feather shop" });
  await expect(section.getByRole("textbox", { name: "Secret" })).toHaveValue(/^[0-9a-f]{64}$/);
  await expect(section.getByRole("textbox", { name: "Embed code" })).toHaveValue(/data-site="[0-9a-z]{26}"/);

  await section.getByRole("textbox", { name: "Allowed origins" }).fill("https://shop.example\nnot an origin");
  await section.getByRole("textbox", { name: "Greeting" }).fill("Caw!");
  await section.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("alert")).toBeVisible();
  await expect(section.getByRole("textbox", { name: "Allowed origins" })).toHaveAccessibleDescription(/not an origin/);
  await expect(section.getByRole("textbox", { name: "Greeting" })).toHaveValue("Caw!");
  await expect(section.getByRole("textbox", { name: "Secret" })).toHaveCount(0);

  await section.getByRole("textbox", { name: "Allowed origins" }).fill("https://shop.example\n\nhttps://www.shop.example");
  await section.getByRole("checkbox", { name: "Agents answer until a person takes over" }).uncheck();
  await section.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("status")).toHaveText("Saved.");
  await expect(section.getByRole("textbox", { name: "Allowed origins" })).toHaveValue("https://shop.example\nhttps://www.shop.example");
  await expect(section.getByRole("checkbox", { name: "Agents answer until a person takes over" })).not.toBeChecked();
  await page.reload();
  await expect(section.getByRole("textbox", { name: "Greeting" })).toHaveValue("Caw!");
  await expect(section.getByRole("status")).toHaveCount(0);
});

test("a member sees no sites @plain", async ({ ownServer, person }) => {
  await person("root", ownServer);
  const { page } = await person("anna", ownServer);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Account" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Embed code" })).toHaveCount(0);
});
