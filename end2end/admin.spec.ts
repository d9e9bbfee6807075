// What admins see and do of the server at work: banners for everybody, who is connected, roles, the audit log,
// webhooks and what became of telling them.

import { AxeBuilder } from "@axe-core/playwright";
import { createHmac } from "node:crypto";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Locator, Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { expect, Server, test } from "./support/test.ts";

type Told = { delivery: string; signature: string; body: string };

/** A server that webhooks are sent to: it refuses the first, and takes the others. */
class Receiver {
  readonly told: Told[] = [];

  private constructor(private readonly server: HttpServer) {}

  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const header = (name: string) => String(request.headers[name]);
        receiver.told.push({ delivery: header("magpie-delivery"), signature: header("magpie-signature"), body });
        response.writeHead(receiver.told.length === 1 ? 500 : 200).end(receiver.told.length === 1 ? "not yet" : "thank you");
      });
    });
    const receiver = new Receiver(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return receiver;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function row(page: Page, text: string | RegExp): Locator {
  return page.getByRole("row").filter({ hasText: text });
}

test("everybody reads a broadcast until they dismiss it", async ({ ownServer, person }) => {
  const root = await person("root", ownServer);
  const anna = await person("anna", ownServer);
  await anna.openLive(await anna.conversation("Watch"));
  await root.page.goto("/settings/broadcast");
  await root.page.getByRole("textbox", { name: "Message" }).fill("We are back at noon.");
  await root.page.getByRole("button", { name: "Send broadcast" }).click();
  await expect(root.page.getByRole("status").filter({ hasText: "Sent to" })).toBeVisible();

  const banner = anna.page.getByRole("status").filter({ hasText: `${root.name}: We are back at noon.` });
  await expect(banner).toBeVisible();
  // It stays while one goes elsewhere, and is gone for good once it is dismissed.
  await anna.page.getByRole("link", { name: "Settings" }).first().click();
  await expect(anna.page.getByRole("heading", { name: "Account", exact: true })).toBeVisible();
  await expect(banner).toBeVisible();
  await banner.getByRole("button", { name: "Dismiss" }).click();
  await expect(banner).toHaveCount(0);
  await anna.page.goBack();
  await anna.connected();
  await expect(banner).toHaveCount(0);
});

test("an admin sees who is connected, live, and disconnects somebody", async ({ ownServer, person, allowInConsole }) => {
  allowInConsole(/WebSocket connection to .* failed/);
  const root = await person("root", ownServer);
  await root.page.goto("/settings/connections");
  await root.connected();
  const anna = await person("anna", ownServer);
  await anna.openLive(await anna.conversation("Watch"));
  // Without a reload.
  const hers = row(root.page, anna.name);
  await expect(hers).toHaveCount(1, { timeout: 10_000 });
  await expect(hers).toContainText("127.0.0.1");
  await expect(hers).toContainText("/ws");
  // The focus stays where it is while the list is read again.
  const button = root.page.getByRole("button", { name: `Disconnect ${root.name}` });
  await button.focus();
  const [again] = await Promise.all([
    root.page.waitForResponse((response) => response.url().endsWith("/fn/sheet")),
    root.page.waitForResponse((response) => response.url().endsWith("/fn/sheet")),
  ]);
  expect(again.ok()).toBe(true);
  await expect(button).toBeFocused();

  await root.page.getByRole("button", { name: `Disconnect ${anna.name}` }).click();
  await expect(root.page.getByRole("status").filter({ hasText: "Disconnected." })).toBeVisible();
  await expect(anna.connection).not.toHaveText("Connected");
  await expect(hers).toHaveCount(0, { timeout: 10_000 });
  await root.page.getByRole("link", { name: "Audit log" }).click();
  await expect(row(root.page, "Closed a connection")).toContainText(`${anna.name} at /ws`);
});

test("a change of role and a sign-in that failed stand in the audit log @plain", async ({ ownServer, person, stranger }) => {
  const root = await person("root", ownServer);
  const anna = await person("anna", ownServer);
  const { page } = root;
  await page.goto("/settings");
  await page.getByRole("combobox", { name: `Role of ${anna.name}` }).selectOption("operator");
  await row(page, anna.name).getByRole("button", { name: "Change role" }).click();
  await expect(page.getByRole("combobox", { name: `Role of ${anna.name}` })).toHaveValue("operator");
  const somebody = await stranger(ownServer);
  await somebody.goto("/login");
  await somebody.getByRole("textbox", { name: "Username" }).fill(anna.name);
  await somebody.getByLabel("Password").fill("a wrong guess");
  await somebody.getByRole("button", { name: "Sign in" }).click();
  await expect(somebody.getByRole("alert")).toBeVisible();

  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Audit log" }).click();
  await expect(row(page, "Changed a role")).toContainText("from member to operator");
  await expect(row(page, "Failed to sign in")).toContainText(anna.name);
  expect(await page.content()).not.toContain("a wrong guess");
});

test("an admin makes accounts where registration is closed @plain", async ({ person, stranger }) => {
  const server = await Server.start({ MAGPIE_REGISTRATION: "closed" });
  const { page } = await person("root", server);
  await page.goto("/settings");
  const section = page.getByRole("region", { name: "New account" });
  await section.getByRole("textbox", { name: "Username" }).fill("carla");
  await section.getByLabel("Password").fill("correct horse battery");
  await section.getByRole("button", { name: "Create account" }).click();
  await expect(section.getByRole("status")).toContainText("carla has an account now.");
  await expect(row(page, "carla")).toHaveCount(1);
  const carla = await stranger(server);
  await carla.goto("/login");
  await carla.getByRole("textbox", { name: "Username" }).fill("carla");
  await carla.getByLabel("Password").fill("correct horse battery");
  await carla.getByRole("button", { name: "Sign in" }).click();
  await expect(carla.getByRole("navigation", { name: "Conversations" })).toBeVisible();
  await page.close();
  await carla.close();
  await server.stop();
});

test("a webhook is added, told, and its delivery sent again @plain", async ({ person }) => {
  const receiver = await Receiver.start();
  const server = await Server.start({ MAGPIE_WEBHOOK_HOSTS: receiver.host });
  const root = await person("root", server);
  const { page } = root;
  await page.goto("/settings/webhooks");
  const section = page.getByRole("region", { name: "New webhook" });
  await section.getByRole("textbox", { name: "URL" }).fill("http://example.com/");
  await section.getByRole("button", { name: "Add webhook" }).click();
  await expect(section.getByRole("alert")).toBeVisible();
  await section.getByRole("textbox", { name: "URL" }).fill(`http://${receiver.host}/hook`);
  await expect(section.getByRole("checkbox", { name: "Operators' notes" })).not.toBeChecked();
  await section.getByRole("button", { name: "Add webhook" }).click();
  const word = section.getByRole("status");
  await expect(word).toContainText("whsec_");
  const secret = /whsec_\S+/.exec(await word.innerText())![0];
  await page.reload();
  expect(await page.content()).not.toContain(secret);

  const opened = await (await root.api("post", "/widget/sessions", { site_id: "default" })).json();
  await page.request.post(`${server.url}/api/v1/conversations/${opened.dialog_id}/messages`, {
    data: { message: "Hello" },
    headers: { Authorization: `Bearer ${opened.token}` },
  });
  // The first is refused and comes again.
  await expect.poll(() => receiver.told.length).toBeGreaterThanOrEqual(2);
  const [first, second] = receiver.told;
  expect(second!.delivery).toBe(first!.delivery);
  const [, time, mac] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(second!.signature)!;
  expect(createHmac("sha256", secret).update(`${time}.${second!.body}`).digest("hex")).toBe(mac);

  await page.getByRole("link", { name: "Deliveries" }).click();
  const delivery = row(page, "message").last();
  await expect(async () => {
    await page.reload();
    await expect(delivery).toContainText("delivered", { timeout: 500 });
  }).toPass();
  await expect(delivery).toContainText("200 thank you");
  const sent = receiver.told.filter(({ delivery }) => delivery === first!.delivery).length;
  await delivery.getByRole("button", { name: /^Send again/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "It is sent again." })).toBeVisible();
  await expect.poll(() => receiver.told.filter(({ delivery }) => delivery === first!.delivery).length).toBe(sent + 1);

  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Webhooks" }).click();
  await page.getByRole("button", { name: /^Delete/ }).click();
  await expect(page.getByText("Nobody yet.")).toBeVisible();
  await page.close();
  await server.stop();
  receiver.stop();
});

test("who is no admin sees none of it @plain", async ({ ownServer, person, allowInConsole }) => {
  allowInConsole(/status of 403/);
  await person("root", ownServer);
  const { page } = await person("anna", ownServer);
  await page.goto("/settings");
  await expect(page.getByRole("navigation", { name: "Settings" })).toHaveCount(0);
  for (const name of ["connections", "broadcast", "audit", "webhooks"]) {
    await page.goto(`/settings/${name}`);
    await expect(page.getByRole("alert")).toContainText("Only an admin");
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ contextOptions: { colorScheme } });

    test("the pages of an admin have no fault that axe finds", async ({ ownServer, person }) => {
      const { page, connected } = await person("root", ownServer).then((root) => ({ page: root.page, connected: () => root.connected() }));
      for (const name of ["connections", "broadcast", "audit", "webhooks"]) {
        await page.goto(`/settings/${name}`);
        await connected();
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        const { violations } = await new AxeBuilder({ page })
          .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
          .analyze();
        expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
        await page.setViewportSize({ width: 320, height: 640 });
        expect(await tooWide(page), name).toEqual([]);
        await page.setViewportSize({ width: 1280, height: 800 });
      }
    });
  });
}
