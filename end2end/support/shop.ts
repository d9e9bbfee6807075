// Somebody's website: pages on an origin of their own that embed the widget, and what its visitor does there.

import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inflateSync } from "node:zlib";

import { expect, type FrameLocator, type Locator, type Page } from "@playwright/test";

import type { Person } from "./person.ts";
import type { Server } from "./server.ts";

/** A frame is a page of its own: a browser compiles the app for it, which takes a while where all tests run at once. */
const CONNECT_MS = Number(process.env.MAGPIE_CONNECT_MS ?? 30_000);
const STUB = "window.magpie = window.magpie || function () { (magpie.q = magpie.q || []).push(arguments); };";

export class Shop {
  /** The embed code; `""`: the page without the widget. */
  tag = "";
  /** Runs in the page before the loader does. */
  before = "";

  private constructor(private readonly http: HttpServer) {}

  /** On `localhost`, which is another site than the server's `127.0.0.1`. */
  static async open(): Promise<Shop> {
    const http = createServer((request, response) => {
      if (request.url === "/favicon.ico") return void response.writeHead(204).end();
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(shop.html());
    });
    const shop = new Shop(http);
    http.listen(0, "localhost");
    await once(http, "listening");
    return shop;
  }

  /** A shop whose origin the server's site allows. */
  static async on(server: Server, admin: Person, site = "default"): Promise<Shop> {
    const shop = await Shop.open();
    await shop.allowedBy(server, admin, site);
    return shop;
  }

  async allowedBy(server: Server, admin: Person, site: string): Promise<void> {
    const answer = await admin.page.request.patch(`${server.url}/api/v1/sites/${site}`, {
      data: { allowed_origins: [this.url] },
      headers: { Origin: server.url },
    });
    expect(answer.ok(), await answer.text()).toBe(true);
    this.embed(server, site);
  }

  embed(server: Server, site = "default"): void {
    this.tag = `<script async src="${server.url}/widget.js" data-site="${site}"></script>`;
  }

  get url(): string {
    return `http://localhost:${(this.http.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    this.http.close();
  }

  private html(): string {
    const lines = Array.from({ length: 40 }, (_, n) => `<p>Article ${n}: ${"feathers and stones ".repeat(12)}</p>`).join("");
    // A style that would reach into anything that is not apart: the page's is as rude as can be.
    const rude = "<style>body{font:16px serif;margin:2rem} button,iframe,p,div{letter-spacing:.02em} button{display:block;width:90%;background:lime}</style>";
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shop</title>${rude}<script>${STUB}${this.before}</script>${this.tag}</head><body><main><h1>Shop</h1>${lines}</main></body></html>`;
  }
}

/** Somebody on a page of the shop. */
export class Visitor {
  /** Every frame that came to a socket of the page, as text. */
  readonly frames: string[] = [];

  constructor(
    readonly page: Page,
    readonly shop: Shop,
  ) {
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) =>
        this.frames.push(typeof payload === "string" ? payload : inflateSync(payload).toString()),
      ),
    );
  }

  async come(path = "/"): Promise<void> {
    await this.page.goto(this.shop.url + path);
    await expect(this.launcher).toBeVisible();
  }

  async open(): Promise<void> {
    await this.launcher.click();
    await this.connected();
  }

  async connected(): Promise<void> {
    await expect(this.connection).toHaveText("Connected", { timeout: CONNECT_MS });
  }

  get launcher(): Locator {
    return this.page.getByRole("button", { name: "Chat with us" });
  }

  get frame(): FrameLocator {
    return this.page.frameLocator("magpie-chat iframe");
  }

  get connection(): Locator {
    return this.frame.getByRole("status", { name: "Connection" });
  }

  get composer(): Locator {
    return this.frame.getByRole("textbox", { name: "Message", exact: true });
  }

  get log(): Locator {
    return this.frame.getByRole("log", { name: "Messages" });
  }

  get hands(): Locator {
    return this.frame.getByRole("status", { name: "Who is here" });
  }

  message(text: string | RegExp): Locator {
    return this.log.getByRole("article").filter({ hasText: text });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.frame.getByRole("button", { name: "Send" }).click();
    await expect(this.message(text).first()).toHaveAttribute("data-state", "sent");
  }

  /** Calls the widget as the page's own script does. */
  async call(...all: unknown[]): Promise<void> {
    await this.page.evaluate((all) => (window as never as { magpie: (...all: unknown[]) => void }).magpie(...all), all);
  }

  /** The types of the frames so far. */
  get types(): string[] {
    return this.frames.map((frame) => JSON.parse(frame).type);
  }
}
