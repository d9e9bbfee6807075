// AG-UI's own client against a real server: its verifier refuses a stream of events that breaks the protocol.

import { randomUUID } from "node:crypto";

import { HttpAgent, type BaseEvent } from "@ag-ui/client";

import { Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

let server: Server;
let token: string;

test.beforeAll(async () => {
  server = await Server.start();
  const body = JSON.stringify({ username: "anna", password: "correct horse" });
  const headers = { "content-type": "application/json" };
  const signedIn = await fetch(`${server.url}/api/v1/auth/register`, { method: "POST", headers, body });
  token = ((await signedIn.json()) as { token: string }).token;
});

test.afterAll(() => server.stop());

function agent(name: string, threadId: string = randomUUID()): HttpAgent {
  return new HttpAgent({ url: `${server.url}/agui/${name}`, headers: { Authorization: `Bearer ${token}` }, threadId });
}

/** Asks, and returns every event that passed the verifier. */
async function ask(agent: HttpAgent, text: string): Promise<BaseEvent[]> {
  agent.addMessage({ id: randomUUID(), role: "user", content: text });
  return run(agent);
}

async function run(agent: HttpAgent): Promise<BaseEvent[]> {
  const events: BaseEvent[] = [];
  await agent.runAgent({}, { onEvent: ({ event }) => void events.push(event) });
  return events;
}

const types = (events: BaseEvent[]) => events.map((event) => event.type as string);

async function messages(): Promise<{ sender: string; text: string }[]> {
  const headers = { Authorization: `Bearer ${token}` };
  const list = (await (await fetch(`${server.url}/api/v1/conversations`, { headers })).json()) as {
    conversations: { id: string }[];
  };
  const all = list.conversations.map(async ({ id }) => {
    const page = await fetch(`${server.url}/api/v1/conversations/${id}/messages`, { headers });
    return ((await page.json()) as { messages: { sender: string; text: string }[] }).messages;
  });
  return (await Promise.all(all)).flat();
}

test("a run with a tool passes the verifier, and its answer is in the client's messages", async () => {
  const one = agent("assistant");
  const seen = types(await ask(one, "What is 17 * 23?"));
  expect(seen[0]).toBe("RUN_STARTED");
  expect(seen.at(-1)).toBe("RUN_FINISHED");
  for (const type of ["STEP_STARTED", "TOOL_CALL_START", "TOOL_CALL_RESULT", "TEXT_MESSAGE_CONTENT", "ACTIVITY_SNAPSHOT"]) {
    expect(seen).toContain(type);
  }
  const answer = one.messages.filter((message) => message.role === "assistant").at(-1);
  expect(String(answer?.content)).toContain("391");
});

test("a thread goes on where it was, and the agent that is named answers", async () => {
  const one = agent("analyst");
  await ask(one, "What is 2 + 3?");
  const seen = types(await ask(one, "What is 20 + 30?"));
  expect(seen.at(-1)).toBe("RUN_FINISHED");
  expect(String(one.messages.at(-1)?.content)).toContain("50");
});

test("the same request again joins the same run and asks nothing twice", async () => {
  const one = agent("assistant");
  one.addMessage({ id: randomUUID(), role: "user", content: "What is 40 + 2?" });
  const question = one.messages.slice();
  await run(one);
  const again = agent("assistant", one.threadId);
  again.setMessages(question);
  expect(types(await run(again)).at(-1)).toBe("RUN_FINISHED");
  expect(String(again.messages.at(-1)?.content)).toContain("42");
  expect((await messages()).filter((message) => message.text.includes("40 + 2") && message.sender === "user")).toHaveLength(1);
});

test("what is asked of nobody, by nobody, or in no words is refused", async () => {
  const post = (path: string, body: unknown, authorization = `Bearer ${token}`) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify(body),
    });
  const input = { threadId: "t", runId: "r", messages: [{ id: "1", role: "user", content: "hi" }], tools: [], context: [] };
  expect((await post("/agui/nobody", input)).status).toBe(404);
  expect((await post("/agui/assistant", input, "Bearer no")).status).toBe(401);
  expect((await post("/agui/assistant", { ...input, messages: [] })).status).toBe(422);
});
