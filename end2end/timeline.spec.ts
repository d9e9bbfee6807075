// The timeline by itself: frames of every kind, sent into the page's own socket behind those of a real server.

import { AxeBuilder } from "@axe-core/playwright";
import type { WebSocketRoute } from "@playwright/test";

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
