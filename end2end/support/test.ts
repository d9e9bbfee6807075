// What every spec starts from: a server per worker, people with a browser each, and pages whose console must stay
// silent: an error, a warning (a hydration mismatch is one) or an uncaught exception fails the test.

import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";

import { Model } from "./model.ts";
import { Person } from "./person.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

export { expect, Person, Profile, Server };

/** Words of the console that a test expects, because it breaks something on purpose. */
export type Allow = (pattern: RegExp) => void;

type Fixtures = {
  /** Makes an account and a browser of its own, signed in. */
  person: (name?: string, on?: { url: string }) => Promise<Person>;
  /** A browser in which nobody is signed in. */
  stranger: (on?: { url: string }) => Promise<Page>;
  /** A browser whose data stays when it is closed. */
  profile: (on?: { url: string }) => Promise<Profile>;
  allowInConsole: Allow;
  /** A server for this test alone: to be killed. */
  ownServer: Server;
  /** A model that says what the test tells it to, and a server that asks it; `agents`: more of its agents file. */
  scripted: (agents?: string) => Promise<{ model: Model; server: Server }>;
  consoleWatch: ConsoleWatch;
};

type WorkerFixtures = { server: Server };

class ConsoleWatch {
  readonly allowed: RegExp[] = [
    // Chromium's advice where a slow or busy machine takes seconds to compile the WASM: nothing of the page's.
    /preloaded using link preload but not used within a few seconds/,
    // Where a test's server is gone before its page came to rest and asked for the service worker.
    /An unknown error occurred when fetching the script/,
  ];
  readonly heard: string[] = [];

  listen(context: BrowserContext): void {
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.note(`${message.type()}: ${message.text()} ${message.location().url}`);
    });
    context.on("weberror", (error) => this.note(`uncaught: ${error.error().stack ?? error.error()}`));
  }

  private note(text: string): void {
    this.heard.push(text);
  }

  get unexpected(): string[] {
    return this.heard.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }
}

let count = 0;

/** A name that nobody on this server has yet. */
export function freshName(name: string): string {
  count += 1;
  return `${name}-${process.pid.toString(36)}-${count}`;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  ownServer: async ({}, use, info) => {
    const server = await Server.start();
    await use(server);
    if (info.status !== info.expectedStatus) await info.attach("server log", { body: server.log });
    await server.stop();
  },

  scripted: async ({ consoleWatch }, use, info) => {
    const started: { model: Model; server: Server }[] = [];
    await use(async (agents = "") => {
      const model = await Model.start(agents);
      const server = await Server.start(model.env);
      started.push({ model, server });
      return { model, server };
    });
    // Their pages are still there when they go.
    consoleWatch.allowed.push(/WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/);
    for (const { model, server } of started) {
      if (info.status !== info.expectedStatus) await info.attach("server log", { body: server.log });
      await server.stop();
      await model.close();
    }
  },

  consoleWatch: [
    async ({}, use) => {
      const watch = new ConsoleWatch();
      await use(watch);
      expect(watch.unexpected, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],

  allowInConsole: async ({ consoleWatch }, use) => {
    await use((pattern) => consoleWatch.allowed.push(pattern));
  },

  stranger: async ({ browser, contextOptions, javaScriptEnabled, server, consoleWatch }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (on = server) => {
      const context = await browser.newContext({ ...contextOptions, javaScriptEnabled, baseURL: on.url });
      contexts.push(context);
      consoleWatch.listen(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  profile: async ({ launchOptions, server, consoleWatch }, use) => {
    const profiles: Profile[] = [];
    await use(async (on = server) => {
      const profile = await Profile.make(launchOptions, on.url, (context) => consoleWatch.listen(context));
      profiles.push(profile);
      return profile;
    });
    for (const profile of profiles) await profile.remove();
  },

  person: async ({ stranger, server }, use) => {
    await use(async (name = "anna", on = server) => Person.register(await stranger(on), freshName(name), on.url));
  },
});
