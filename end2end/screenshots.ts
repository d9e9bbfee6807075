// The pictures of the README, from a real server and real conversations.

import path from "node:path";
import { fileURLToPath } from "node:url";

import { expect, Person, Server, test } from "./support/test.ts";

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../docs/screenshots");

test("a conversation in both themes", async ({ browser }) => {
  const server = await Server.start();
  const open = async (name: string) => {
    const context = await browser.newContext({ baseURL: server.url });
    return Person.register(await context.newPage(), name, server.url);
  };
  const [anna, ben] = [await open("Anna"), await open("Ben")];
  const plan = await anna.conversation("Launch plan", { members: [ben], agents: true });
  const lunch = await anna.conversation("Lunch", { members: [ben] });
  await ben.post(lunch, "The new place by the river, at half past twelve?");
  await anna.post(plan, "Tickets so far: **40** early, **75** regular. We need 17 * 23 seats in the end.");
  await ben.post(plan, "Then let us see where we stand:\n\n- hall booked\n- speakers confirmed\n- catering open");
  await anna.openLive(plan);
  await anna.sendAndSee("@assistant what is 17 * 23?");
  await expect(anna.message("391")).toHaveCount(1);
  await anna.sendAndSee("@assistant chart: Mon 12, Tue 19, Wed 31, Thu 53");
  await expect(anna.page.getByRole("img", { name: /.+/ }).first()).toBeVisible();
  await ben.openLive(plan);
  await ben.page.getByRole("textbox", { name: "Message" }).pressSequentially("Lovely, Thursday");
  await expect(anna.typing).toHaveText("Ben is typing…");
  for (const theme of ["light", "dark"] as const) {
    await anna.page.emulateMedia({ colorScheme: theme });
    await anna.page.screenshot({ path: path.join(folder, `conversation-${theme}.png`) });
  }
  await anna.page.setViewportSize({ width: 390, height: 844 });
  await anna.page.emulateMedia({ reducedMotion: "reduce" });
  await anna.openLive(plan);
  await anna.page.screenshot({ path: path.join(folder, "conversation-narrow.png") });
  await server.stop();
});

test("a visitor's dialog, from both sides", async ({ browser }) => {
  const server = await Server.start();
  const context = await browser.newContext({ baseURL: server.url });
  const anna = await Person.register(await context.newPage(), "Anna", server.url);
  const visit = async (name: string, words: string) => {
    const identity = { id: name, name, email: `${name.toLowerCase()}@shop.example` };
    const body = { site_id: "default", page: "https://shop.example/cart", identity };
    const opened = await (await anna.api("post", "/widget/sessions", body)).json();
    const headers = { Authorization: `Bearer ${opened.token}` };
    const path = `${server.url}/api/v1/conversations/${opened.dialog_id}/messages`;
    await anna.page.request.post(path, { data: { message: words }, headers });
  };
  await visit("Zoe", "Where is my order 4711?");
  await visit("Max", "How much is 17 * 23?");
  await visit("Lena", "I want to talk to a human");
  await anna.page.goto("/operator?tab=all");
  await anna.page.getByRole("link", { name: /^Lena/ }).click();
  await anna.page.getByRole("button", { name: "Take over" }).click();
  await expect(anna.page.getByRole("log", { name: "Messages" })).toContainText("took over");
  await anna.page.getByRole("textbox", { name: "Message" }).fill("Hello Lena, I am Anna. What can I do for you?");
  await anna.page.screenshot({ path: path.join(folder, "operator.png") });

  const visitor = await (await browser.newContext({ viewport: { width: 900, height: 720 } })).newPage();
  await visitor.goto(`${server.url}/health`);
  await visitor.setContent(
    `<body style="font: 17px sans-serif; padding: 48px; max-width: 20em"><h1>The bicycle shop</h1>
     <p>Repairs on the day, second-hand parts, and a pump that is always outside.</p>
     <script async src="${server.url}/widget.js" data-site="default"></script>`,
  );
  await visitor.getByRole("button", { name: "Chat with us" }).click();
  const frame = visitor.frameLocator("iframe");
  await frame.getByRole("textbox", { name: "Message" }).fill("A new chain is 17 euros. What do 23 cost?\n17 * 23");
  await frame.getByRole("button", { name: "Send" }).click();
  await expect(frame.getByRole("log", { name: "Messages" })).toContainText("391");
  await visitor.screenshot({ path: path.join(folder, "widget.png") });
  await server.stop();
});
