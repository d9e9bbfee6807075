// What admins decide while the server runs: the model, in the page and in force.

import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test } from "./support/test.ts";

const KEY = "sk-end2end-0123456789";

/** A model's server that says one thing, and keeps what it was asked with. */
class Model {
  readonly keys: (string | undefined)[] = [];

  private constructor(private readonly server: HttpServer) {}

  static async start(text: string): Promise<Model> {
    const server = createServer((request: IncomingMessage, response) => {
      if (request.method !== "POST") return void response.writeHead(200, { "content-type": "application/json" }).end('{"data":[]}');
      model.keys.push(request.headers.authorization);
      const chunk = (delta: object, reason: string | null) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${chunk({ content: text }, null)}${chunk({}, "stop")}data: [DONE]\n\n`);
    });
    const model = new Model(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

test("an admin tests a model, saves it, and it answers @plain", async ({ ownServer, person }) => {
  const model = await Model.start("Hello from the model.");
  // The first account of a server is its admin's.
  const root = await person("root", ownServer);
  const { page } = root;
  await page.goto("/settings");
  const section = page.getByRole("region", { name: "Model" });
  await expect(section).toContainText("No model is set");
  await expect(section.getByLabel("API key", { exact: true })).toHaveAttribute("placeholder", "none");

  await section.getByLabel("Provider").selectOption("openai");
  await section.getByRole("textbox", { name: "Base URL" }).fill(model.url);
  await section.getByRole("textbox", { name: "Model" }).fill("scripted");
  await section.getByLabel("API key", { exact: true }).fill(KEY);
  await section.getByRole("button", { name: "Test" }).click();
  await expect(section.getByRole("status")).toContainText("Hello from the model.");
  // What was typed is still there; the key is the server's to remember.
  await expect(section.getByRole("textbox", { name: "Base URL" })).toHaveValue(model.url);
  await section.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("status")).toContainText("Saved");
  await expect(section.getByLabel("Provider")).toHaveValue("openai");
  await expect(section.getByLabel("API key", { exact: true })).toHaveAttribute("placeholder", "set");
  expect(await page.content()).not.toContain(KEY);
  expect(model.keys).toEqual([`Bearer ${KEY}`]);

  const id = await root.conversation("With a model", { agents: true });
  // By name, so that one agent answers and the model is asked once.
  await root.post(id, "@writer Who are you?");
  await expect(async () => {
    await root.open(id);
    await expect(page.getByRole("log", { name: "Messages" })).toContainText("Hello from the model.", { timeout: 500 });
  }).toPass({ timeout: 15_000 });
  expect(model.keys).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`]);
  model.stop();
});

test("what a model's settings lack is told, and what was typed stays @plain", async ({ ownServer, person }) => {
  const { page } = await person("root", ownServer);
  await page.goto("/settings");
  const section = page.getByRole("region", { name: "Model" });
  await section.getByLabel("Provider").selectOption("anthropic");
  await section.getByRole("textbox", { name: "Model" }).fill("claude-sonnet-4-5");
  await section.getByRole("button", { name: "Save" }).click();
  await expect(section.getByRole("alert")).toContainText("API key: ");
  await expect(section.getByLabel("Provider")).toHaveValue("anthropic");
  await expect(section.getByRole("textbox", { name: "Model" })).toHaveValue("claude-sonnet-4-5");

  await section.getByLabel("Provider").selectOption("openai");
  await section.getByRole("textbox", { name: "Base URL" }).fill("http://127.0.0.1:9/v1");
  await section.getByRole("button", { name: "Test" }).click();
  await expect(section.getByRole("alert")).toContainText("cannot be reached");
  await page.reload();
  await expect(section.getByRole("alert")).toHaveCount(0);
  await expect(section.getByLabel("Provider")).toHaveValue("offline");
});

test("a member sees no model settings @plain", async ({ ownServer, person }) => {
  const root = await person("root", ownServer);
  const anna = await person("anna", ownServer);
  for (const [one, count] of [[root, 1], [anna, 0]] as const) {
    await one.page.goto("/settings");
    await expect(one.page.getByRole("heading", { name: "Account" })).toBeVisible();
    await expect(one.page.getByRole("region", { name: "Model" })).toHaveCount(count);
  }
});
