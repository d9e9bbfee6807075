// What is written without a network: kept in the browser, shared by its tabs, sent once.

import type { Page } from "@playwright/test";
import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { site } from "./support/server.ts";
import { expect, freshName, Person, Server, test } from "./support/test.ts";

// Chromium itself writes these when a server is gone.
const SERVER_GONE = /WebSocket connection to .* failed|net::ERR_(CONNECTION_|EMPTY_RESPONSE|INTERNET_DISCONNECTED|FAILED)|Failed to fetch|status of 401/;
const WORDS = ["first", "second", "third"];

/** The words of a thread, in the order in which they stand there. */
async function order(person: Person, words = WORDS): Promise<string[]> {
  const texts = await person.texts();
  return texts.flatMap((text) => words.filter((word) => text.includes(word)));
}

/** The same person in another tab of the same browser. */
async function otherTab(person: Person, conversation: string): Promise<Person> {
  const tab = new Person(await person.page.context().newPage(), person.name, person.url);
  await tab.openLive(conversation);
  return tab;
}

/** Everything that the browser's database has, by store. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const answer = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const db = await answer(indexedDB.open("magpie"));
    const stores = [...db.objectStoreNames].map(async (name) => [name, await answer(db.transaction(name).objectStore(name).getAll())]);
    const all = JSON.stringify(Object.fromEntries(await Promise.all(stores)));
    db.close();
    return all;
  });
}

/** Waits until the service worker has the whole shell, and the page wrote down what it shows. */
async function settled(person: Person, text: string): Promise<void> {
  await person.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await expect.poll(() => kept(person.page)).toContain(text);
}

/** Has the browser look for a new service worker; what became of that one. */
async function update(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const registration = (await navigator.serviceWorker.getRegistration())!;
    const end = new Promise<string>((resolve) =>
      registration.addEventListener("updatefound", () => {
        const worker = registration.installing!;
        worker.addEventListener("statechange", () => {
          if (["redundant", "activated"].includes(worker.state)) resolve(worker.state);
        });
      }),
    );
    await registration.update();
    return end;
  });
}

test.beforeEach(({ allowInConsole }) => allowInConsole(SERVER_GONE));

test("three messages written offline arrive once each, in order, when the browser is opened again", async ({ profile, person }) => {
  test.slow();
  const ben = await person("ben");
  const browser = await profile();
  const page = await browser.page();
  const anna = await Person.register(page, freshName("anna"), ben.url);
  const id = await anna.conversation("Train", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);

  await page.context().setOffline(true);
  for (const word of WORDS) await anna.send(word);
  await expect(anna.connection).toHaveText("You're offline. 3 messages will be sent when you're back.");
  await page.close();
  await browser.close();
  expect(await order(ben)).toEqual([]);

  const again = new Person(await browser.page(), anna.name, anna.url);
  await again.openLive(id);
  for (const word of WORDS) await expect(again.message(word)).toHaveAttribute("data-state", "sent");
  await expect(ben.message("third")).toBeVisible();
  expect(await order(ben)).toEqual(WORDS);
  expect(await order(again)).toEqual(WORDS);
  await again.page.reload();
  await again.connected();
  expect(await order(again)).toEqual(WORDS);
});

test("what two tabs write offline each shows in the other, and is sent once", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Tunnel", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  const tab = await otherTab(anna, id);

  await anna.page.context().setOffline(true);
  await anna.send("first");
  await expect(tab.message("first")).toHaveAttribute("data-state", "sending");
  await tab.send("second");
  await anna.send("third");
  for (const one of [anna, tab]) {
    await expect(one.connection).toHaveText("You're offline. 3 messages will be sent when you're back.");
    expect(await order(one)).toEqual(WORDS);
  }

  const frames: string[] = [];
  for (const one of [anna, tab]) {
    one.page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        const frame = JSON.parse(payload.toString());
        if (frame.type === "chat") frames.push(frame.payload.message);
      }),
    );
  }
  await anna.page.context().setOffline(false);
  for (const one of [anna, tab]) {
    await one.connected();
    for (const word of WORDS) await expect(one.message(word)).toHaveAttribute("data-state", "sent");
  }
  await expect(ben.message("third")).toBeVisible();
  expect(await order(ben)).toEqual(WORDS);
  expect(frames).toEqual(WORDS);
});

test("when the tab that sends is closed, the other one sends what it left", async ({ person, ownServer }) => {
  const anna = await person("anna", ownServer);
  const id = await anna.conversation("Relay");
  await anna.openLive(id);
  const tab = await otherTab(anna, id);
  await anna.sendAndSee("first");
  await ownServer.kill();
  await expect(anna.connection).not.toHaveText("Connected");
  await anna.send("second");
  await expect(tab.message("second")).toHaveAttribute("data-state", "sending");
  await anna.page.close();
  await tab.send("third");
  await ownServer.restart();
  for (const word of WORDS) await expect(tab.message(word)).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
  expect(await order(tab)).toEqual(WORDS);
  await tab.page.reload();
  expect(await order(tab)).toEqual(WORDS);
});

test("the server is killed while people type: everything arrives once, and the status alone tells", async ({ person, ownServer }) => {
  test.slow();
  const people = [];
  for (const name of ["anna", "ben", "carla", "dan"]) people.push(await person(name, ownServer));
  const id = await people[0]!.conversation("Storm", { members: people.slice(1) });
  await Promise.all(people.map((one) => one.openLive(id)));
  const written = people.map((one) => Array.from({ length: 12 }, (_, n) => `${one.name} says ${n}.`));
  const typing = people.map(async (one, at) => {
    for (const text of written[at]!) {
      await one.composer.pressSequentially(text, { delay: 5 });
      await one.composer.press("Enter");
    }
  });
  for (let kills = 0; kills < 2; kills++) {
    await expect(people[0]!.message(`says ${4 + 4 * kills}.`).first()).toBeVisible({ timeout: 20_000 });
    await ownServer.kill();
    await ownServer.restart();
  }
  await Promise.all(typing);
  for (const one of people) {
    await one.connected();
    await expect(one.log.locator('[data-state="sent"]')).toHaveCount(48, { timeout: 20_000 });
    await expect(one.page.getByRole("alert")).toHaveCount(0);
    const texts = await one.texts();
    for (const theirs of written) {
      expect(texts.map((text) => theirs.find((own) => text.includes(own))).filter(Boolean)).toEqual(theirs);
    }
  }
});

test("a message into a conversation that one was taken out of is not lost, and can be deleted", async ({ person, allowInConsole }) => {
  allowInConsole(/status of 404/);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await ben.conversation("Closed circle", { members: [anna] });
  await ben.post(id, "a secret");
  await anna.openLive(id);
  await settled(anna, "a secret");
  await anna.page.context().setOffline(true);
  await anna.send("my last words");
  await expect(anna.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await ben.api("delete", `/conversations/${id}/members/${anna.name}`);

  await anna.page.context().setOffline(false);
  const told = anna.page.getByRole("alert").filter({ hasText: "my last words" });
  await expect(told).toContainText("no longer in that conversation");
  await expect.poll(() => kept(anna.page)).not.toContain("a secret");
  await anna.page.reload();
  await expect(told).toBeVisible();
  await told.getByRole("button", { name: "Delete" }).click();
  await expect(told).toHaveCount(0);
  await anna.page.reload();
  await anna.page.goto("/");
  await anna.connected();
  await expect(told).toHaveCount(0);
});

test("a message that was refused is shown with its reason after a reload, to be retried or deleted", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Long");
  await anna.openLive(id);
  await anna.composer.fill(`long ${"x".repeat(33_000)}`);
  await anna.page.getByRole("button", { name: "Send" }).click();
  await expect(anna.message("too long")).toHaveAttribute("data-state", "failed");
  await anna.page.reload();
  const failed = anna.message("too long");
  await expect(failed).toHaveAttribute("data-state", "failed");
  await failed.getByRole("button", { name: "Retry" }).click();
  await expect(failed).toHaveAttribute("data-state", "failed");
  await failed.getByRole("button", { name: "Delete" }).click();
  await expect(failed).toHaveCount(0);
  await anna.sendAndSee("a short one");
  await anna.page.reload();
  await anna.connected();
  await expect(anna.log.getByRole("article")).toHaveCount(1);
});

/** Writes a message offline, and has the session end meanwhile. */
async function leftBehind(anna: Person, id: string): Promise<void> {
  await anna.openLive(id);
  await anna.page.context().setOffline(true);
  await anna.send("left behind");
  await expect(anna.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await anna.composer.fill("unfinished");
  // Playwright's own request goes out all the same.
  await anna.api("post", "/auth/logout");
  await anna.page.context().setOffline(false);
  await expect(anna.page).toHaveURL(/\/login/);
}

test("a session that ended offline keeps the queue for the same person", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Mine");
  await leftBehind(anna, id);
  await anna.signIn();
  await anna.connected();
  await expect(anna.message("left behind")).toHaveAttribute("data-state", "sent");
  await expect(anna.message("left behind")).toHaveCount(1);
  await expect(anna.composer).toHaveValue("unfinished");
});

test("another person who signs in neither sees the queue nor sends it", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Shared", { members: [ben] });
  await leftBehind(anna, id);
  const here = new Person(anna.page, ben.name, ben.url);
  await here.signIn();
  await here.connected();
  await expect(here.message("left behind")).toHaveCount(0);
  await here.sendAndSee("only mine");
  await expect.poll(() => kept(here.page)).toContain("only mine");
  expect(await kept(here.page)).not.toContain("left behind");
  expect(await here.page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain("unfinished");
});

test("signing out leaves nothing in the browser", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Traces");
  await anna.openLive(id);
  await anna.sendAndSee("a trace");
  await anna.composer.fill("a draft");
  await settled(anna, "a trace");
  await anna.page.getByRole("button", { name: "Sign out" }).click();
  await expect(anna.page).toHaveURL(/\/login/);
  const traces = () =>
    anna.page.evaluate(async () => {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open("magpie");
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const names = Array.from(db.objectStoreNames);
      const transaction = db.transaction(names);
      const counts = names.map(
        (name) =>
          new Promise<[string, number]>((resolve) => {
            const request = transaction.objectStore(name).count();
            request.onsuccess = () => resolve([name, request.result]);
          }),
      );
      const kept = Object.fromEntries(await Promise.all(counts));
      db.close();
      return { ...kept, drafts: Object.keys(localStorage).length };
    });
  await expect.poll(traces).toEqual({ outbox: 0, seen: 0, who: 0, drafts: 0 });
});

test("a draft is there again when the browser is opened again", async ({ profile, server }) => {
  test.slow();
  const browser = await profile();
  const anna = await Person.register(await browser.page(), freshName("anna"), server.url);
  const id = await anna.conversation("Slow letter");
  await anna.openLive(id);
  await anna.composer.fill("half a thought");
  await browser.close();
  const again = new Person(await browser.page(), anna.name, anna.url);
  await again.openLive(id);
  await expect(again.composer).toHaveValue("half a thought");
});

test("a reload without a network shows what was last seen and what waits", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Mountain hut", { members: [ben] });
  const other = await anna.conversation("Valley");
  await anna.post(other, "down in the valley");
  await anna.post(id, "seen before");
  await anna.openLive(id);
  await ben.openLive(id);
  await ben.sendAndSee("seen live");
  await expect(anna.message("seen live")).toBeVisible();
  await settled(anna, "seen live");
  const context = anna.page.context();

  await context.setOffline(true);
  await anna.send("first");
  await expect(anna.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await anna.page.reload();
  await expect(anna.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await expect(anna.message("seen before")).toHaveAttribute("data-state", "sent");
  await expect(anna.message("seen live")).toBeVisible();
  await expect(anna.message("first")).toHaveAttribute("data-state", "sending");
  await anna.send("second");
  await expect(anna.connection).toHaveText("You're offline. 2 messages will be sent when you're back.");

  // One that was never opened here is not kept; one that was is, from the list as well.
  await anna.list.getByRole("link", { name: /Valley/ }).click();
  await expect(anna.page.getByRole("heading", { name: "This conversation is not here yet" })).toBeVisible();
  await anna.page.goto("/");
  await anna.list.getByRole("link", { name: /Mountain hut/ }).click();
  await expect(anna.message("seen live")).toBeVisible();
  expect(await order(anna)).toEqual(["first", "second"]);
  const cached = await anna.page.evaluate(async () => {
    const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return all.flat().map(({ url }) => new URL(url).pathname);
  });
  expect(cached.length).toBeGreaterThan(4);
  expect(cached.filter((path) => !/^\/shell\/[0-9a-f]{16}($|\/(pkg\/|persist\.js$|favicon\.svg$))/.test(path))).toEqual([]);

  await context.setOffline(false);
  await anna.connected();
  for (const word of ["first", "second"]) await expect(anna.message(word)).toHaveAttribute("data-state", "sent");
  await expect(ben.message("second")).toBeVisible();
  expect(await order(ben)).toEqual(["first", "second"]);
  await ben.sendAndSee("third");
  await expect(anna.message("third")).toBeVisible();
  await anna.list.getByRole("link", { name: /Valley/ }).click();
  await expect(anna.message("down in the valley")).toBeVisible();
});

test("while the server is down the app opens, and goes on by itself when it is back", async ({ person, ownServer }) => {
  const anna = await person("anna", ownServer);
  const id = await anna.conversation("Night shift");
  await anna.openLive(id);
  await anna.sendAndSee("before");
  await settled(anna, "before");
  await ownServer.kill();
  const tab = new Person(await anna.page.context().newPage(), anna.name, anna.url);
  await tab.open(id);
  await expect(tab.message("before")).toBeVisible();
  await expect(tab.connection).toHaveText(/^Reconnecting in \d+ s$|^Connecting…$/);
  await tab.send("meanwhile");
  await expect(tab.message("meanwhile")).toHaveAttribute("data-state", "sending");
  await ownServer.restart();
  await expect(tab.message("meanwhile")).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
  await expect(anna.message("meanwhile")).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
});

test("a new build takes the place of the old one whole, or not at all", async ({ person, allowInConsole }) => {
  allowInConsole(/another build/);
  const copy = await mkdtemp(path.join(tmpdir(), "magpie-site-"));
  await cp(site, copy, { recursive: true });
  const server = await Server.start({ LEPTOS_SITE_ROOT: copy });
  const anna = await person("anna", server);
  const id = await anna.conversation("Moving house");
  await anna.openLive(id);
  await anna.sendAndSee("a box");
  await settled(anna, "a box");
  const builds = () => anna.page.evaluate(() => caches.keys());
  const first = await builds();
  expect(first).toHaveLength(1);

  // Half of an update: the script is new, what is served in its place is still compressed from the old one.
  const script = path.join(copy, "pkg/magpie.js");
  await appendFile(script, "\n// newer");
  expect(await update(anna.page)).toBe("redundant");
  expect(await builds()).toEqual(first);

  await Promise.all([".br", ".gz"].map((kind) => rm(script + kind)));
  expect(await update(anna.page)).toBe("activated");
  const [second, ...others] = await builds();
  expect(second).not.toBe(first[0]);
  expect(others).toEqual([]);

  await server.kill();
  await anna.page.reload();
  await expect(anna.message("a box")).toBeVisible();
  const loaded = await anna.page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname));
  const packed = loaded.filter((one) => /\.(js|wasm|css)$/.test(one));
  expect(packed.length).toBeGreaterThan(2);
  expect(packed.filter((one) => !one.startsWith(`/shell/${second!.replace("magpie-", "")}/`))).toEqual([]);
  await server.stop();
  await rm(copy, { recursive: true });
});

test("what is kept is bounded, and nobody else's", async ({ person }) => {
  const anna = await person();
  await anna.page.goto("/");
  await anna.connected();
  const me = (await (await anna.api("get", "/me")).json()).id;
  await settled(anna, me);
  const found = await anna.page.evaluate(async (me) => {
    const persist = await import(new URL("/persist.js", location.href).href);
    for (let n = 1; n <= 5; n++) {
      await persist.keep(me, `n${n}`, `text ${n}`, 3);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const names = await Promise.all([1, 2, 3, 4, 5].map((n) => persist.recall(me, `n${n}`)));
    return { names, other: await persist.recall("somebody", "n5"), queue: await persist.queue("somebody", "") };
  }, me);
  expect(found).toEqual({ names: [undefined, undefined, "text 3", "text 4", "text 5"], other: undefined, queue: null });
});

test("the queue is emptied in the background, with no tab open", async ({ person, ownServer }) => {
  const [anna, ben] = [await person("anna", ownServer), await person("ben", ownServer)];
  const id = await anna.conversation("Pigeon post", { members: [ben] });
  await anna.openLive(id);
  await anna.sendAndSee("hello");
  await settled(anna, "hello");
  const context = anna.page.context();
  const blank = await context.newPage();
  const worker = await context.newCDPSession(blank);
  const registration = new Promise<string>((resolve) => {
    worker.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const ours = registrations.find((one) => one.scopeURL.startsWith(ownServer.url) && !one.isDeleted);
      if (ours) resolve(ours.registrationId);
    });
  });
  await worker.send("ServiceWorker.enable");

  await ownServer.kill();
  await expect(anna.connection).not.toHaveText("Connected");
  for (const word of WORDS) await anna.send(word);
  await expect.poll(() => kept(anna.page)).toContain("third");
  await anna.page.close();
  await ownServer.restart();
  await ben.openLive(id);
  expect(await order(ben)).toEqual([]);

  await worker.send("ServiceWorker.dispatchSyncEvent", {
    origin: ownServer.url,
    registrationId: await registration,
    tag: "magpie",
    lastChance: false,
  });
  await expect(ben.message("third")).toBeVisible();
  expect(await order(ben)).toEqual(WORDS);
  const again = new Person(await context.newPage(), anna.name, anna.url);
  await again.openLive(id);
  expect(await order(again)).toEqual(WORDS);
  await expect(again.log.locator('[data-state="sending"]')).toHaveCount(0);
  expect(JSON.parse(await kept(again.page)).outbox).toEqual([]);
});

test("the worker and the shell are anybody's, and asked for again each time", async ({ stranger }) => {
  const page = await stranger();
  const worker = await page.request.get("/sw.js");
  expect(worker.headers()["content-type"]).toContain("text/javascript");
  expect(worker.headers()["cache-control"]).toBe("no-cache");
  expect(worker.headers()["content-security-policy"]).toContain("default-src 'none'");
  const shell = await page.request.get("/shell");
  expect(shell.headers()["cache-control"]).toBe("no-store");
  expect(shell.headers()["content-security-policy"]).toContain("worker-src 'self'");
  expect(shell.headers()["set-cookie"]).toBeUndefined();
  expect(await shell.text()).toContain(/const BUILD = "([0-9a-f]{16})";/.exec(await worker.text())![1]!);
});
