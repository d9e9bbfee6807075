// Runs of a scripted model, in the browsers of those who watch.

import { call, gate, hang, pause, say, status, stream } from "./support/model.ts";
import { expect, Person, test } from "./support/test.ts";

const run = (person: Person, status: string) => person.timeline.getByRole("group", { name: `Run, ${status}` });

test("two people watch the same run; one stops it, both see it", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const [anna, ben] = [await person("anna", server), await person("ben", server)];
  const id = await anna.conversation("Long", { members: [ben], agents: true });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  model.will(say("It begins, "), hang);
  await anna.sendAndSee("@solo tell us");
  for (const one of [anna, ben]) {
    await expect(one.log.locator("article[aria-busy=true]")).toContainText("It begins,");
    await expect(run(one, "processing")).toBeVisible();
  }
  await ben.page.getByRole("button", { name: "Stop" }).click();
  for (const one of [anna, ben]) {
    await expect(run(one, "cancelled")).toBeVisible();
    await expect(one.message("It begins,")).toContainText("Stopped before it was finished.");
    await expect(one.page.getByRole("button", { name: "Stop" })).toHaveCount(0);
  }
  await expect.poll(() => model.open, "the model's connection is closed").toBe(0);
  // And so it stays.
  await anna.page.reload();
  await expect(run(anna, "cancelled")).toBeVisible();
  await expect(anna.message("It begins,")).toContainText("Stopped before it was finished.");
});

test("a reload in the middle shows it going on", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const anna = await person("anna", server);
  const id = await anna.conversation("Reload", { agents: true });
  await anna.openLive(id);
  const rest = gate();
  model.will(say("The first half. "), rest.beat, say("The second half."));
  await anna.sendAndSee("go on");
  const writing = anna.log.locator("article[aria-busy=true]");
  await expect(writing).toContainText("The first half.");
  await anna.page.reload();
  await anna.connected();
  await expect(writing).toContainText("The first half.");
  await expect(run(anna, "processing")).toBeVisible();
  rest.open();
  await expect(anna.message("The first half. The second half.")).toHaveAttribute("data-state", "sent");
  await expect(anna.message("first half")).toHaveCount(1);
});

test("a run that failed says why, and is tried again by anybody", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const [anna, ben] = [await person("anna", server), await person("ben", server)];
  const id = await anna.conversation("Again", { members: [ben], agents: true });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  model.will(status(401, '{"error":{"message":"no such key"}}'));
  await anna.sendAndSee("@solo are you there?");
  await expect(run(ben, "failed")).toBeVisible({ timeout: 20_000 });
  // Where the question was asked, too.
  const why = anna.page.getByRole("log").getByText(/^The answer failed: /);
  await expect(why).toBeVisible();
  await anna.page.reload();
  await anna.connected();
  await expect(why).toBeVisible();
  model.will(say("Now I am."));
  await ben.page.getByRole("log").getByRole("button", { name: "Retry" }).click();
  await expect(anna.message("Now I am.")).toHaveAttribute("data-state", "sent");
  await expect(run(anna, "completed")).toBeVisible();
  await expect(run(anna, "failed")).toBeVisible();
  await expect(why).toHaveCount(0);
});

test("an answer is made anew from its own button", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const anna = await person("anna", server);
  await anna.openLive(await anna.conversation("Anew", { agents: true }));
  model.will(say("Short."));
  await anna.sendAndSee("tell me more");
  await expect(anna.message("Short.")).toHaveAttribute("data-state", "sent");
  model.will(say("Much longer."));
  await anna.message("Short.").hover();
  await anna.message("Short.").getByRole("button", { name: "Regenerate" }).click();
  await expect(anna.message("Much longer.")).toHaveAttribute("data-state", "sent");
});

test("a question that waits says so, and need not be answered", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const anna = await person("anna", server);
  await anna.openLive(await anna.conversation("Queue", { agents: true }));
  const rest = gate();
  model.will(say("One "), rest.beat, say("done."));
  await anna.sendAndSee("the first");
  await expect(anna.log.locator("article[aria-busy=true]")).toContainText("One");
  await anna.sendAndSee("the second");
  const waiting = run(anna, "initializing");
  await expect(waiting).toContainText("Waiting for the answer before this one");
  await waiting.getByRole("button", { name: "Do not run" }).click();
  await expect(run(anna, "cancelled")).toBeVisible();
  rest.open();
  await expect(anna.message("One done.")).toHaveAttribute("data-state", "sent");
});

test("what needs consent is asked of everyone in the room; one decides, the others see who", async ({ person, scripted }) => {
  const { model, server } = await scripted('ask_before = ["calculate"]\n');
  const [anna, ben] = [await person("anna", server), await person("ben", server)];
  const id = await anna.conversation("Consent", { members: [ben], agents: true });
  await anna.page.setViewportSize({ width: 900, height: 800 });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  model.will(call("calculate", { expression: "6 * 7" }));
  model.will(say("That is it."));
  await anna.sendAndSee("@solo how much?");

  // The drawer is closed there: a line over the composer leads to the card.
  await anna.page.getByRole("status").filter({ hasText: "asks for approval: calculate" }).getByRole("button").click();
  const card = (one: Person) => one.timeline.getByRole("group", { name: "Approval: calculate" });
  await expect(card(anna)).toBeVisible();
  await expect(card(anna)).toContainText(/left/);
  const args = card(ben).getByRole("textbox", { name: "Arguments" });
  await args.fill("6 * 8");
  await card(ben).getByRole("button", { name: "Approve" }).click();
  await expect(card(ben).getByRole("alert")).toBeVisible();
  await args.fill('{ "expression": "6 * 8" }');
  await card(ben).getByRole("button", { name: "Approve" }).click();
  for (const one of [anna, ben]) {
    await expect(card(one)).toContainText(`Approved, with other arguments, by ${ben.name}`);
    await expect(card(one).getByRole("button", { name: "Approve" })).toHaveCount(0);
    await expect(run(one, "completed")).toBeVisible();
  }
  expect(JSON.stringify(model.requests.at(-1)), "the model has the result").toContain("48");
  await expect(anna.message("That is it.")).toHaveCount(1);
  await expect(anna.page.getByRole("status").filter({ hasText: "asks for approval" })).toHaveCount(0);
});

test("a link leads to a step, in the drawer too", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const anna = await person("anna", server);
  const id = await anna.conversation("Link", { agents: true });
  await anna.openLive(id);
  model.will(call("calculate", { expression: "2 + 2" }));
  model.will(say("Four."));
  await anna.sendAndSee("2 + 2?");
  await expect(run(anna, "completed")).toBeVisible();
  model.will(say("Five is next."));
  await anna.sendAndSee("and then?");
  await expect(anna.message("Five is next.")).toHaveAttribute("data-state", "sent");
  const link = anna.timeline.getByRole("link", { name: "Link to this step" }).first();
  await anna.page.setViewportSize({ width: 800, height: 700 });
  // The first run is closed after a reload: the address opens it.
  const calls = anna.timeline.getByRole("button", { name: "calculate" });
  await anna.page.goto(`/c/${id}`);
  await anna.connected();
  await expect(calls).toHaveCount(0);
  const seq = await anna.page.evaluate(async (id) => {
    const { events } = await (await fetch(`/api/v1/conversations/${id}/events?after=0`)).json();
    return events.find((event: { type: string }) => event.type === "tool_call").seq;
  }, id);
  await anna.page.goto(`/c/${id}#step-${seq}`);
  await anna.connected();
  await expect(calls).toBeVisible();
  await expect(anna.page.locator(`#step-${seq}`)).toBeFocused();
  expect(await link.getAttribute("href")).toMatch(/^#step-\d+$/);
});

test("an answer streams at the pace of its model", async ({ person, scripted }) => {
  const { model, server } = await scripted();
  const anna = await person("anna", server);
  await anna.openLive(await anna.conversation("Pace", { agents: true }));
  const text = "# Title\n\nSome *words*.\n\n- one\n- two\n\n```\nlet x = 1;\n\nlet y = 2;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.";
  model.will(...stream(text, 400, 7), pause(10));
  await anna.sendAndSee("go");
  const answer = anna.log.getByRole("article").last();
  await expect(answer).toContainText("The end.", { timeout: 15_000 });
  await expect(answer).toHaveAttribute("data-state", "sent");
  const html = () => answer.locator(".body").evaluate((body) => body.innerHTML.replaceAll("\n", ""));
  const live = await html();
  await anna.page.reload();
  await anna.connected();
  expect(await html(), "as the server renders it at once").toBe(live);
});
