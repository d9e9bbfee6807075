// The connection's status opens to show how fast it is and what became of it, and what it measured reaches the
// server's metrics; a page that stays open for longer than its token does not notice.

import { AxeBuilder } from "@axe-core/playwright";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Locator, Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { expect, test, type Person, type Server } from "./support/test.ts";

const SERVER_GONE = /WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/;

function button(page: Page): Locator {
  return page.getByRole("button", { name: "Connection quality" });
}

function quality(page: Page): Locator {
  return page.getByRole("region", { name: "Connection quality" });
}

/** Median, p95 and count of a row, as it stands there. */
async function row(page: Page, name: string): Promise<string[]> {
  return quality(page).getByRole("row", { name }).getByRole("cell").allTextContents();
}

const MS = /^(under 1 ms|\d+ ms|\d+\.\d s)$/;

test("the status opens to show how fast the connection is", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Watch", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  for (let n = 0; n < 3; n++) {
    await anna.sendAndSee(`from anna ${n}`);
    await ben.sendAndSee(`from ben ${n}`);
  }
  await expect(anna.message("from ben 2")).toBeVisible();

  await expect(button(anna.page)).toHaveAttribute("aria-expanded", "false");
  await button(anna.page).click();
  await expect(button(anna.page)).toHaveAttribute("aria-expanded", "true");
  for (const name of ["Sent to confirmed", "Server to screen"]) {
    await expect.poll(async () => (await row(anna.page, name))[2]).toBe("3");
    const [median, p95] = await row(anna.page, name);
    expect(median).toMatch(MS);
    expect(p95).toMatch(MS);
  }
  await expect(quality(anna.page)).toContainText("None since this page was opened.");
  await ben.sendAndSee("while it is open");
  await expect.poll(async () => (await row(anna.page, "Server to screen"))[2]).toBe("4");
  // The status itself says what it always said.
  await expect(anna.connection).toHaveText("Connected");
});

test("it tells of a restart, and why", async ({ person, ownServer, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const anna = await person("anna", ownServer);
  await anna.openLive(await anna.conversation("Watch"));
  await anna.connection.click();
  await ownServer.drain();
  await expect(quality(anna.page)).toContainText(/\d\d:\d\d\s*Server restarted, not back yet/);
  await ownServer.restart();
  await anna.connected();
  await expect(quality(anna.page)).toContainText(/Server restarted, back after \d/);
  await ownServer.kill();
  await ownServer.restart();
  await anna.connected();
  await expect(quality(anna.page).getByRole("listitem")).toHaveText([/Connection lost, back after/, /Server restarted, back after/]);
});

test("the keyboard opens and closes it, and whoever goes on elsewhere", async ({ person }) => {
  const anna = await person();
  await anna.openLive(await anna.conversation("Watch"));
  await button(anna.page).focus();
  await anna.page.keyboard.press("Enter");
  await expect(quality(anna.page)).toBeVisible();
  await anna.page.keyboard.press("Escape");
  await expect(quality(anna.page)).toBeHidden();
  await expect(button(anna.page)).toBeFocused();
  await anna.page.keyboard.press("Enter");
  await anna.composer.click();
  await expect(quality(anna.page)).toBeHidden();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in it, wide or narrow, ${colorScheme}`, async ({ person }) => {
    test.slow();
    const anna = await person();
    const { page } = anna;
    await page.emulateMedia({ colorScheme });
    const id = await anna.conversation("Watch");
    for (const [url, width] of [[`/c/${id}`, 1280], [`/c/${id}`, 390], ["/", 1280], ["/", 390]] as const) {
      await page.setViewportSize({ width, height: 844 });
      await page.goto(url);
      await anna.connected();
      await button(page).click();
      await expect(quality(page)).toBeInViewport({ ratio: 1 });
      expect(await tooWide(page), `${url} ${width}`).toEqual([]);
      const { violations } = await new AxeBuilder({ page })
        .include(".connection-box")
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
        .analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
    }
  });
}

test("what a page measured reaches the metrics when nobody looks at it any more", async ({ person, ownServer, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const [anna, ben] = [await person("anna", ownServer), await person("ben", ownServer)];
  const id = await anna.conversation("Watch", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  await anna.sendAndSee("measured");
  await ben.sendAndSee("and back");
  await expect(anna.message("and back")).toBeVisible();
  await button(anna.page).click();
  await expect.poll(async () => (await row(anna.page, "Server to screen"))[2]).toBe("1");
  await anna.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
  const metrics = async () => (await (await fetch(`${ownServer.url}/metrics`)).text()).split("\n");
  await expect.poll(metrics).toEqual(expect.arrayContaining(["magpie_client_ack_seconds_count 1", "magpie_client_render_seconds_count 1"]));
});

/** A token of the same session that holds for so many seconds. */
async function shortLived(person: Person, server: Server, seconds: number): Promise<string> {
  const secret = await readFile(path.join(server.dataDir, "jwt_secret"));
  const cookie = (await person.page.context().cookies()).find(({ name }) => name === "magpie_session")!;
  const [header, body] = cookie.value.split(".") as [string, string];
  const claims = { ...JSON.parse(Buffer.from(body, "base64url").toString()), exp: Math.floor(Date.now() / 1000) + seconds };
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

test("a page that is open for longer than its token holds does not notice", async ({ person, ownServer, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const anna = await person("anna", ownServer);
  const context = anna.page.context();
  const id = await anna.conversation("Long");
  const tab = anna.on(await context.newPage());
  await Promise.all([anna.openLive(id), tab.openLive(id)]);
  // Both come back with a token that ends soon.
  const value = await shortLived(anna, ownServer, 9);
  const end = Date.now() + 10_000;
  await context.setOffline(true);
  await context.addCookies([{ name: "magpie_session", value, url: ownServer.url }]);
  await context.setOffline(false);
  await anna.connected();
  await tab.connected();

  let refreshes = 0;
  context.on("response", (response) => {
    if (response.url().endsWith("/auth/refresh")) refreshes += response.ok() ? 1 : 100;
  });
  const left = [anna, tab].map(({ page }) =>
    page.evaluate(async (end) => {
      const status = document.querySelector('[role="status"][aria-label="Connection"]')!;
      while (Date.now() < end) {
        if (status.textContent !== "Connected") return status.textContent;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return "Connected";
    }, end),
  );
  expect(await Promise.all(left)).toEqual(["Connected", "Connected"]);
  expect(refreshes).toBeGreaterThanOrEqual(1);
  expect(refreshes).toBeLessThanOrEqual(2);
  await anna.sendAndSee("still here");
  await expect(tab.message("still here")).toHaveCount(1);
});

test("large frames come deflated, and in order among small ones", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Long texts", { members: [ben] });
  let deflated = 0;
  ben.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => (deflated += typeof payload === "string" ? 0 : 1)));
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  const texts = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? `large ${n} ${"ä lorem ".repeat(1_500)}`.trim() : `small ${n}`));
  const post = (message: string) => anna.api("post", `/conversations/${id}/messages`, { client_id: crypto.randomUUID(), message });
  for (const text of texts) await post(text);
  await expect(ben.log.getByRole("article")).toHaveCount(12);
  expect(await ben.log.locator("article p").allTextContents()).toEqual(texts);
  expect(deflated).toBeGreaterThanOrEqual(6);
});

test("a frame that cannot be inflated costs a reconnect and nothing else", async ({ person, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const anna = await person();
  const id = await anna.conversation("Garbage");
  let sockets = 0;
  await anna.page.routeWebSocket(/\/ws/, (socket) => {
    sockets += 1;
    const isFirst = sockets === 1;
    const server = socket.connectToServer();
    server.onMessage((message) => {
      socket.send(message);
      if (isFirst && String(message).includes('"subscribed"')) socket.send(Buffer.from("this is no zlib"));
    });
  });
  await anna.open(id);
  await expect.poll(() => sockets).toBe(2);
  await anna.connected();
  await anna.sendAndSee("as if nothing had been");
});
