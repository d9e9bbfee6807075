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
