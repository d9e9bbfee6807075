// A real model, over the real protocol, in a real browser: its answer streams in, is stopped, and outlives a server.

import { Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

const model = {
  MAGPIE_LLM_PROVIDER: "openai",
  MAGPIE_LLM_BASE_URL: process.env.MODEL_URL!,
  MAGPIE_LLM_MODEL: process.env.MODEL_NAME!,
  MAGPIE_RATE_LIMIT: "off",
};

test("a model's answer streams into the page, is stopped, and goes on after the server is killed", async ({ person, allowInConsole }) => {
  // While the server is gone.
  allowInConsole(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/);
  const server = await Server.start(model);
  try {
    const ready = (await (await fetch(`${server.url}/health/ready`)).json()) as { llm_status: string };
    expect(ready.llm_status).toBe("connected");
    const anna = await person("anna", { url: server.url });
    await anna.openLive(await anna.conversation("A real model", { agents: true }));

    // Streams in: the text of the answer grows while it is written.
    await anna.sendAndSee("@writer Say hello in one short sentence.");
    const done = anna.timeline.getByRole("group", { name: "Run, completed" });
    const streaming = anna.log.locator('[data-state="streaming"]');
    await expect(streaming).toBeVisible({ timeout: 120_000 });
    await expect(done).toHaveCount(1, { timeout: 120_000 });
    const answer = anna.log.getByRole("article").last();
    await expect(answer).toHaveAttribute("data-state", "sent");
    expect((await answer.innerText()).length).toBeGreaterThan(3);

    // Is stopped: the model's words end where they are.
    await anna.sendAndSee("@writer Write a very long story about a magpie, in twenty chapters.");
    await expect(streaming).toContainText(/\w+ \w+ \w+/, { timeout: 120_000 });
    await anna.page.getByRole("button", { name: "Stop" }).click();
    await expect(anna.timeline.getByRole("group", { name: "Run, cancelled" })).toHaveCount(1, { timeout: 20_000 });
    await expect(anna.log.getByRole("article").last()).toContainText("Stopped before it was finished.");

    // Outlives the server: killed in the middle, it goes on, and comes to its end.
    await anna.sendAndSee("@writer Describe the sea in about eighty words.");
    await expect(streaming).toContainText(/\w+ \w+ \w+/, { timeout: 120_000 });
    await server.kill();
    await server.restart();
    await expect(done).toHaveCount(2, { timeout: 180_000 });
    await expect(anna.log.locator('[data-state="streaming"]')).toHaveCount(0);
    await expect(anna.log.getByRole("article").last()).toHaveAttribute("data-state", "sent");

    // The leader of the team, who has to write a ledger first: whatever it writes, there is an answer.
    await anna.sendAndSee("What is the capital of France?");
    await expect(done).toHaveCount(3, { timeout: 180_000 });
  } finally {
    await server.stop();
  }
});
