// The timeline by itself: frames of every kind, sent into the page's own socket behind those of a real server.

import { AxeBuilder } from "@axe-core/playwright";
import type { WebSocketRoute } from "@playwright/test";

import { call, say } from "./support/model.ts";
import { expect, Person, test } from "./support/test.ts";

type Fields = Record<string, unknown>;

/** Sends events into a conversation as if they were the next of its log. */
class Script {
  private seq = 0;
  private socket: WebSocketRoute | undefined;
  private readonly id: string;

  private constructor(id: string) {
    this.id = id;
  }

  static async open(person: Person, id: string): Promise<Script> {
    const script = new Script(id);
    await person.page.routeWebSocket(/\/ws/, (socket) => {
      script.socket = socket;
      const server = socket.connectToServer();
      server.onMessage((message) => {
        if (typeof message === "string" && message.includes('"subscribed"')) script.seq = JSON.parse(message).head;
        socket.send(message);
      });
    });
    await person.openLive(id);
    await expect.poll(() => script.seq).toBeGreaterThan(0);
    return script;
  }

  tell(...events: Fields[]): void {
    for (const event of events) {
      this.seq += 1;
      const timestamp = new Date(Date.UTC(2026, 10, 20, 8) + this.seq).toISOString();
      this.socket!.send(JSON.stringify({ conversation_id: this.id, seq: this.seq, timestamp, ...event }));
    }
  }
}

const ids = (n: number) => "01JD3WQ8ZC" + String(n).padStart(16, "0");

function everything(run_id: string, call: number): Fields[] {
  const by = { run_id, agent: "Researcher", emoji: "🔎" };
  const step = (turn: number, message: string, more: Fields = {}) => ({ type: "agent_step", ...by, turn, message, ...more });
  const table = { columns: ["month", "rain"], rows: [["Jan", "40"], ["Feb", "35"]] };
  return [
    { type: "agent_run", run_id, status: "initializing" },
    { type: "agent_run", run_id, status: "processing" },
    step(1, "The plan", { agent: "Orchestrator", emoji: "🎩", topic: "plan", detail: { facts: ["It rains"], plan: ["Look it up"] } }),
    step(1, "looks it up"),
    step(1, "", { topic: "model", model: "small-1", usage: { input_tokens: 1204, output_tokens: 310, cost_micros: 4200, currency: "EUR" }, first_token_ms: 320, duration_ms: 1400 }),
    step(1, "The model was asked again: too many requests", { topic: "retry" }),
    { type: "tool_call", ...by, call_id: ids(call), tool_name: "search", arguments: { query: "rain" } },
    { type: "tool_result", ...by, call_id: ids(call), tool_name: "search", success: true, result_preview: "40 mm", duration_ms: 12 },
    step(2, "said", { topic: "said", detail: "Much was found. ".repeat(40) }),
    step(2, "Where it stands", { agent: "Orchestrator", emoji: "🎩", topic: "ledger", detail: { is_satisfied: { answer: false, reason: "no chart yet" }, next_speaker: { answer: "Analyst", reason: "draws" } } }),
    { type: "chart_generated", run_id, chart_id: ids(call + 1), url: "/favicon.svg", title: "Rain", table },
    { type: "progress", run_id, current_turn: 2, max_turns: 8, percentage: 25 },
    { type: "tool_call", ...by, call_id: ids(call + 2), tool_name: "send", arguments: { to: "Ben" }, class: "write" },
    { type: "approval", ...by, call_id: ids(call + 2), tool_name: "send", arguments: { to: "Ben" }, expires_at: new Date(Date.now() + 500_000).toISOString() },
    { type: "agent_run", run_id, status: "waiting", usage: { input_tokens: 1204, output_tokens: 310, cost_micros: 4200, currency: "EUR" } },
  ];
}

for (const scheme of ["light", "dark"] as const) {
  test(`the timeline tells all of a run, and is accessible in ${scheme}`, async ({ person }) => {
    const anna = await person();
    await anna.page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const script = await Script.open(anna, await anna.conversation("All", { agents: true }));
    script.tell(
      { type: "agent_run", run_id: ids(1), status: "processing" },
      { type: "agent_run", run_id: ids(1), status: "failed", message: "The model cannot be reached. An admin can look at the settings." },
      ...everything(ids(2), 10),
      { type: "agent_run", run_id: ids(3), status: "initializing", message: "Waiting for the answer before this one." },
    );
    const run = anna.timeline.getByRole("group", { name: "Run, waiting" });
    for (const text of ["Turn 1", "Turn 2", "Turn 2 of 8", "small-1 · 1.4 s, first word after 320 ms", "1,204 tokens read, 310 written, cost 0.0042 EUR", "asked again"]) {
      await expect(run.getByText(text, { exact: false }).first()).toBeVisible();
    }
    await expect(run.getByRole("progressbar", { name: "Progress" })).toBeVisible();
    await run.getByText("Where it stands").click();
    await expect(run.getByText("Is satisfied: no (no chart yet)")).toBeVisible();
    await run.getByRole("button", { name: "Show all" }).click();
    await expect(run.getByRole("button", { name: "Show less" })).toBeVisible();
    await expect(run.getByRole("img", { name: "Rain" })).toBeVisible();
    await run.getByText("Data table").click();
    await expect(run.getByRole("row", { name: "Jan 40" })).toBeVisible();
    await expect(run.locator(".tool").filter({ hasText: "send" }).getByText("write", { exact: true })).toBeVisible();
    await expect(run.locator(".tool").filter({ hasText: "search" }).getByText("read", { exact: true })).toHaveCount(0);
    await run.getByRole("button", { name: "search" }).click();
    await expect(run.getByText("40 mm")).toBeVisible();
    await expect(run.getByRole("group", { name: "Approval: send" }).getByRole("button", { name: "Approve" })).toBeVisible();
    await expect(anna.timeline.getByRole("group", { name: "Run, initializing" }).getByRole("button", { name: "Do not run" })).toBeVisible();
    await expect(anna.timeline.getByRole("group", { name: "Run, failed" }).getByRole("button", { name: "Retry" })).toBeVisible();
    const found = await new AxeBuilder({ page: anna.page }).analyze();
    expect(found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
    await anna.page.setViewportSize({ width: 390, height: 844 });
    await anna.page.getByRole("button", { name: "Show", exact: true }).click();
    await expect(run.getByRole("group", { name: "Approval: send" })).toBeInViewport();
    const narrow = await new AxeBuilder({ page: anna.page }).analyze();
    expect(narrow.violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
  });
}

/** Frames given to the page's own socket, some a task, and how long the page took for all of them, drawn. */
class Flood {
  private constructor(
    private readonly person: Person,
    private readonly id: string,
    private seq: number,
  ) {}

  static async open(person: Person, id: string): Promise<Flood> {
    await person.page.addInitScript(() => {
      const Real = window.WebSocket;
      window.WebSocket = class extends Real {
        constructor(...how: ConstructorParameters<typeof WebSocket>) {
          super(...how);
          (window as unknown as { socket: WebSocket }).socket = this;
        }
      };
    });
    await person.openLive(id);
    const log = await (await person.api("get", `/conversations/${id}/events?after=0`)).json();
    return new Flood(person, id, log.head);
  }

  get last(): number {
    return this.seq;
  }

  async tell(events: Fields[]): Promise<{ ms: number; long: number }> {
    const frames = events.map((event) => {
      this.seq += 1;
      const timestamp = new Date(Date.UTC(2026, 10, 20, 8) + this.seq).toISOString();
      return JSON.stringify({ conversation_id: this.id, seq: this.seq, timestamp, ...event });
    });
    return this.person.page.evaluate(async (frames) => {
      const { socket } = window as unknown as { socket: WebSocket };
      const tasks = new PerformanceObserver(() => {});
      tasks.observe({ entryTypes: ["longtask"] });
      const task = () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = resolve;
          port2.postMessage(0);
        });
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const began = performance.now();
      for (const [index, data] of frames.entries()) {
        socket.dispatchEvent(new MessageEvent("message", { data }));
        if (index % 10 === 9) await task();
      }
      await frame();
      await frame();
      return { ms: performance.now() - began, long: tasks.takeRecords().length };
    }, frames);
  }
}

/** So many events of one run at work: turns of ten events, calls and what they gave. */
function work(run_id: string, from: number, count: number): Fields[] {
  const by = { run_id, agent: "Solo", emoji: "🐦" };
  return Array.from({ length: count }, (_, index) => {
    const n = from + index;
    if (n % 10 === 0) return { type: "agent_step", ...by, turn: n / 10 + 1, message: `thinks of ${n}` };
    if (n % 10 === 9) return { type: "progress", run_id, current_turn: Math.ceil(n / 10), max_turns: 1_000, percentage: n / 100 };
    const call = { ...by, call_id: ids(100_000 + n - ((n + 1) % 2)), tool_name: "search" };
    if (n % 2 === 1) return { type: "tool_call", ...call, arguments: { query: `number ${n}` } };
    return { type: "tool_result", ...call, success: true, result_preview: `found ${n}`, duration_ms: 12 };
  });
}

test("ten thousand events stay fluid: the last come as quickly as the first", async ({ person }) => {
  test.setTimeout(300_000);
  const anna = await person();
  const flood = await Flood.open(anna, await anna.conversation("Many", { agents: true }));
  const run_id = ids(1);
  await flood.tell([
    { type: "agent_run", run_id, status: "initializing" },
    { type: "agent_run", run_id, status: "processing" },
  ]);
  const first = flood.last + 1;
  const took: { ms: number; long: number }[] = [];
  for (let thousand = 0; thousand < 10; thousand++) {
    took.push(await flood.tell(work(run_id, thousand * 1_000, 1_000)));
  }
  const run = anna.timeline.getByRole("group", { name: /^Run, / });
  await expect(run.getByText("thinks of 9990")).toBeAttached();
  const figures = took.map(({ ms, long }) => `${Math.round(ms)} ms (${long} long)`).join(", ");
  console.log(`each thousand events: ${figures}`);
  expect(took.at(-1)!.ms / took[0]!.ms, figures).toBeLessThanOrEqual(3);

  // It can be read: back from the newest, and from a link on both ways.
  const steps = run.getByRole("list").getByRole("listitem");
  await expect(steps).toHaveCount(100);
  const earlier = run.getByRole("button", { name: "Show 100 earlier steps" });
  for (const count of [200, 300, 300]) {
    await earlier.click();
    await expect(steps).toHaveCount(count);
  }
  await run.getByRole("button", { name: "Show 100 later steps" }).click();
  await expect(run.getByText("thinks of 9990")).toBeAttached();
  await anna.page.evaluate((seq) => (location.hash = `#step-${seq}`), first);
  await expect(anna.page.locator(`#step-${first}`)).toContainText("thinks of 0");
  await expect(anna.page.locator(`#step-${first}`)).toBeInViewport();
  await expect(anna.page.locator(`#step-${first}`)).toBeFocused();
  await run.getByRole("button", { name: "search" }).first().click();
  await expect(run.getByText("found 2", { exact: true })).toBeVisible();
  await run.getByRole("button", { name: "Show 100 later steps" }).click();
  await expect(steps).toHaveCount(200);
  expect(await steps.first().getAttribute("id")).toBe(`step-${first}`);
  // What goes on meanwhile is not lost, and moves nothing away.
  await flood.tell([...work(run_id, 10_000, 10), { type: "agent_run", run_id, status: "completed" }]);
  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible();
  await expect(steps).toHaveCount(200);
});

const BUSY = `
[[agents]]
name = "Busy"
description = "Calculates a lot."
prompt = "You are Busy."
tools = ["calculate"]
max_turns = 64
`;

test("a run of a thousand events is there after a reload, to its first step", async ({ person, scripted }) => {
  test.setTimeout(120_000);
  const { model, server } = await scripted(BUSY);
  const anna = await person("anna", server);
  const id = await anna.conversation("Busy", { agents: true });
  await anna.openLive(id);
  for (let turn = 1; turn <= 60; turn++) {
    model.will(...Array.from({ length: 8 }, (_, n) => call("calculate", { expression: `${turn} * ${n}` })));
  }
  model.will(say("All of it is calculated."));
  await anna.send("@busy calculate");
  await expect(anna.timeline.getByRole("group", { name: "Run, completed" })).toBeVisible({ timeout: 90_000 });
  const of = async (after: number) => (await (await anna.api("get", `/conversations/${id}/events?after=${after}&limit=500`)).json()).events;
  const first = (await of(0)).find((event: Fields) => event.type === "tool_call");

  await anna.page.reload();
  await anna.connected();
  const run = anna.timeline.getByRole("group", { name: "Run, completed" });
  const steps = run.getByRole("list").getByRole("listitem");
  await expect(steps).toHaveCount(100);
  const top = async () => Number((await steps.first().getAttribute("id"))!.slice("step-".length));
  // Back to the first, the rest of them fetched from the server.
  const earlier = run.getByRole("button", { name: /^Show .*earlier steps$/ });
  while (await earlier.count()) {
    const before = await top();
    await earlier.click();
    await expect.poll(top).toBeLessThan(before);
  }
  await expect(anna.page.locator(`#step-${first.seq}`)).toBeAttached();
  await run.getByRole("button", { name: "calculate" }).first().click();
  await expect(run.getByText("running…")).toHaveCount(0);

  // And by a link alone, which fetches what lies between.
  await anna.page.goto("/");
  await anna.page.goto(`/c/${id}#step-${first.seq}`);
  await expect(anna.page.locator(`#step-${first.seq}`)).toBeFocused({ timeout: 20_000 });
  await expect(anna.page.locator(`#step-${first.seq}`)).toBeInViewport();
});
