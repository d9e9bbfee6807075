// A model's server that says what a test tells it to: OpenAI's streaming protocol over a real socket. Each request
// plays the next reply of the script; one beyond it is answered with 500.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** One thing that the model does. */
export type Beat =
  | { kind: "say"; text: string }
  | { kind: "pause"; ms: number }
  /** Until the test says so. */
  | { kind: "wait"; until: Promise<void> }
  | { kind: "call"; name: string; arguments: unknown }
  /** Instead of an answer. */
  | { kind: "status"; code: number; body: string }
  /** Nothing more, with the connection open. */
  | { kind: "hang" };

export const say = (text: string): Beat => ({ kind: "say", text });
export const pause = (ms: number): Beat => ({ kind: "pause", ms });
export const call = (name: string, args: unknown): Beat => ({ kind: "call", name, arguments: args });
export const status = (code: number, body = "{}"): Beat => ({ kind: "status", code, body });
export const hang: Beat = { kind: "hang" };

/** A promise that a test keeps when it likes. */
export function gate(): { beat: Beat; open: () => void } {
  let open = () => {};
  const until = new Promise<void>((resolve) => (open = resolve));
  return { beat: { kind: "wait", until }, open };
}

/** A text in pieces of so many characters, at so many bytes a second. */
export function stream(text: string, bytesPerS: number, chars = 400): Beat[] {
  const beats: Beat[] = [];
  for (let at = 0; at < text.length; at += chars) {
    beats.push(say(text.slice(at, at + chars)), pause((chars * 1000) / bytesPerS));
  }
  return beats;
}

/** One agent, which answers everything; more lines of the agents file may follow. */
const ALONE = `leader = "Solo"

[[agents]]
name = "Solo"
emoji = "🐦"
description = "Answers everything."
prompt = "You are Solo."
tools = ["calculate", "make_chart"]
`;

export class Model {
  private readonly script: Beat[][] = [];
  /** What was asked, as it came. */
  readonly requests: { messages: unknown[] }[] = [];
  /** Requests whose client has not gone. */
  open = 0;

  private constructor(
    private readonly listener: HttpServer,
    private readonly folder: string,
  ) {}

  static async start(agents = ""): Promise<Model> {
    const folder = await mkdtemp(path.join(tmpdir(), "magpie-model-"));
    await writeFile(path.join(folder, "agents.toml"), ALONE + agents);
    const listener = createServer();
    const model = new Model(listener, folder);
    listener.on("request", (request, response) => void model.answer(request, response));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return model;
  }

  /** What a server is started with to ask this model. */
  get env(): Record<string, string> {
    return {
      MAGPIE_LLM_PROVIDER: "openai",
      MAGPIE_LLM_BASE_URL: `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}/v1`,
      MAGPIE_LLM_MODEL: "scripted",
      MAGPIE_AGENTS_FILE: path.join(this.folder, "agents.toml"),
    };
  }

  /** What it does at the next request. */
  will(...beats: Beat[]): void {
    this.script.push(beats);
  }

  async close(): Promise<void> {
    this.listener.closeAllConnections();
    this.listener.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += piece;
    if (!request.url?.endsWith("/chat/completions")) {
      response.writeHead(200, { "content-type": "application/json" }).end('{"object":"list","data":[{"id":"scripted"}]}');
      return;
    }
    this.requests.push(JSON.parse(body));
    this.open += 1;
    response.on("close", () => (this.open -= 1));
    const beats = this.script.shift() ?? [status(500, '{"error":{"message":"the script is over"}}')];
    const first = beats[0];
    if (first?.kind === "status") {
      response.writeHead(first.code, { "content-type": "application/json" }).end(first.body);
      return;
    }
    await this.play(beats, response);
  }

  private async play(beats: Beat[], response: ServerResponse): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = (delta: unknown, finish: string | null = null, usage?: unknown) =>
      response.write(
        `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "scripted", choices: [{ index: 0, delta, finish_reason: finish }], usage })}\n\n`,
      );
    let calls = 0;
    for (const beat of beats) {
      if (response.closed) return;
      if (beat.kind === "say") chunk({ content: beat.text });
      if (beat.kind === "pause") await new Promise((resolve) => setTimeout(resolve, beat.ms));
      if (beat.kind === "wait") await beat.until;
      if (beat.kind === "hang") return;
      if (beat.kind === "call") {
        const made = { name: beat.name, arguments: JSON.stringify(beat.arguments) };
        chunk({ tool_calls: [{ index: calls, id: `call-${(calls += 1)}`, type: "function", function: made }] });
      }
    }
    chunk({}, calls > 0 ? "tool_calls" : "stop", { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 });
    response.end("data: [DONE]\n\n");
  }
}
