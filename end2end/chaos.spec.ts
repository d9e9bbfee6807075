// People who write while their network fails and their server is killed, by a schedule that one number makes. In the
// end each page shows exactly what the server's log holds: nothing lost, nothing twice, nothing out of order.
//
// One seed in the normal run; more, or one again: CHAOS_SEEDS=20 scripts/e2e.sh chaos.spec.ts, CHAOS_SEED=123 …

import type { Page } from "@playwright/test";

import { Proxy, randomFrom, schedule, type Step } from "./support/proxy.ts";
import { expect, test, type Person, type Server } from "./support/test.ts";

const SERVER_GONE = /WebSocket connection to .* failed|net::ERR_|Failed to (fetch|load resource)/;
const STEPS = 4;
const FIRST_SEED = Number(process.env.CHAOS_SEED ?? 20_261_120);
const SEEDS = Array.from({ length: Number(process.env.CHAOS_SEEDS ?? 1) }, (_, n) => FIRST_SEED + n);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Told = { seq: number; id: string; text: string };

/** The messages of the conversation as the server's log has them. */
async function logOf(person: Person, server: Server, id: string): Promise<Told[]> {
  const told: Told[] = [];
  for (let after = 0; ; ) {
    const answer = await person.page.request.get(`${server.url}/api/v1/conversations/${id}/events?after=${after}&limit=500`);
    const { events, head } = (await answer.json()) as { events: (Told & { type: string })[]; head: number };
    for (const event of events) {
      after = event.seq;
      if (event.type === "message") told.push({ seq: event.seq, id: event.id, text: event.text });
    }
    if (after >= head) return told;
  }
}

/** The messages that a page shows, from above. */
function shownBy(page: Page): Promise<Told[]> {
  return page.getByRole("log", { name: "Messages" }).evaluate((log) =>
    [...log.querySelectorAll<HTMLElement>("article[data-message-id]")].map((article) => ({
      seq: Number(article.dataset.seq),
      id: article.dataset.messageId!,
      text: article.querySelector("p")!.textContent!,
    })),
  );
}

async function suffer(proxy: Proxy, steps: Step[]): Promise<void> {
  for (const { wellMs, fault, forMs } of steps) {
    proxy.set({ kind: "none" });
    await pause(wellMs);
    proxy.set(fault);
    await pause(forMs);
  }
  proxy.set({ kind: "none" });
}

/** Writes until `until` is over; returns what was written. */
async function write(person: Person, seed: number, until: Promise<void>): Promise<string[]> {
  const random = randomFrom(seed);
  const written: string[] = [];
  let going = true;
  void until.then(() => (going = false));
  while (going) {
    // Some long enough to come deflated, and to be cut in the middle.
    const filler = random() < 0.25 ? ` ${"lorem ipsum ".repeat(200)}` : "";
    const text = `${person.name} says ${written.length}.${filler}`.trim();
    await person.send(text);
    written.push(text);
    await pause(100 + random() * 400);
  }
  return written;
}

for (const seed of SEEDS) {
  test(`nothing is lost, doubled or moved while the network fails: seed ${seed}`, async ({ person, ownServer, allowInConsole }) => {
    test.setTimeout(90_000);
    allowInConsole(SERVER_GONE);
    console.log(`chaos: CHAOS_SEED=${seed} scripts/e2e.sh chaos.spec.ts`);
    const proxies = [await Proxy.before(ownServer.port), await Proxy.before(ownServer.port)];
    const people = [await person("anna", proxies[0]!), await person("ben", proxies[1]!)];
    const [anna, ben] = people as [Person, Person];
    const id = await anna.conversation("Train", { members: [ben] });
    await Promise.all(people.map((one) => one.openLive(id)));

    const killing = (async () => {
      await pause(2_000 + randomFrom(seed + 2)() * 4_000);
      await ownServer.kill();
      await ownServer.restart();
    })();
    const faults = Promise.all([...proxies.map((proxy, n) => suffer(proxy, schedule(seed + n, STEPS))), killing]).then(() => {});
    const written = await Promise.all(people.map((one, n) => write(one, seed + 10 + n, faults)));

    for (const one of people) {
      await one.connected();
      await expect(one.log.locator('article:not([data-state="sent"])')).toHaveCount(0, { timeout: 20_000 });
    }
    const log = await logOf(anna, ownServer, id);
    console.log(`chaos: seed ${seed}: ${written.map((texts) => texts.length).join(" + ")} messages`);
    expect(log.length, "enough was written to lose some of it").toBeGreaterThan(10);
    for (const one of people) {
      await one.connection.click();
      const lost = one.page.getByRole("region", { name: "Connection quality" }).getByRole("listitem");
      expect(await lost.count(), `how often ${one.name} was cut off`).toBeGreaterThan(1);
    }
    for (const [n, one] of people.entries()) {
      const texts = log.map(({ text }) => text).filter((text) => text.startsWith(`${one.name} says`));
      expect(texts, `what ${one.name} wrote is in the log, once and in order`).toEqual(written[n]);
      await expect.poll(() => shownBy(one.page), { message: `what ${one.name} sees`, timeout: 15_000 }).toEqual(log);
    }
    for (const proxy of proxies) await proxy.close();
  });
}

for (const [what, time] of [
  ["a connection that a router forgot is noticed without a word from anybody", "00:50"],
  ["a laptop that slept is up to date within seconds", "02:00:00"],
] as const) {
  test(what, async ({ person, ownServer, allowInConsole }) => {
    allowInConsole(SERVER_GONE);
    const proxy = await Proxy.before(ownServer.port);
    const [anna, ben] = [await person("anna", proxy), await person("ben", ownServer)];
    const id = await anna.conversation("Lid", { members: [ben] });
    await anna.page.clock.install();
    await Promise.all([anna.openLive(id), ben.openLive(id)]);
    proxy.set({ kind: "half-open", forGood: true });
    proxy.set({ kind: "none" });
    await ben.sendAndSee("while you slept");
    await expect(anna.message("while you slept")).toHaveCount(0);
    await anna.page.clock.fastForward(time);
    await expect(anna.message("while you slept")).toHaveCount(1, { timeout: 12_000 });
    await anna.connected();
    await anna.sendAndSee("good morning");
    await expect(ben.message("good morning")).toHaveCount(1);
    await proxy.close();
  });
}

test("where upgrades are refused the page polls, and goes back to its socket when they are not", async ({
  person,
  ownServer,
  allowInConsole,
}) => {
  test.setTimeout(60_000);
  allowInConsole(SERVER_GONE);
  const proxy = await Proxy.before(ownServer.port);
  proxy.refusesUpgrades = true;
  const [anna, ben] = [await person("anna", proxy), await person("ben", ownServer)];
  const id = await anna.conversation("Office", { members: [ben] });
  await Promise.all([anna.open(id), ben.openLive(id)]);
  await expect(anna.connection).toHaveText("Polling", { timeout: 20_000 });
  await anna.sendAndSee("past the proxy");
  await ben.sendAndSee("and back");
  await expect(anna.message("and back")).toHaveCount(1);

  proxy.refusesUpgrades = false;
  await expect(anna.connection).toHaveText("Connected", { timeout: 30_000 });
  await anna.sendAndSee("by socket again");
  await expect(ben.message("by socket again")).toHaveCount(1);
  expect(await shownBy(anna.page)).toEqual(await logOf(anna, ownServer, id));
  await proxy.close();
});
