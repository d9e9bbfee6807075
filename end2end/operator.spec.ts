// Visitors' dialogs as operators see them. The visitor is a socket of the test's own, which knows the wire alone.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { tooWide } from "./support/layout.ts";
import { gate, say } from "./support/model.ts";
import { operators } from "./support/operator.ts";
import { expect, Person, test } from "./support/test.ts";
import { Visitor } from "./support/visitor.ts";

async function expectNoViolations(page: Page, where: string): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  expect(found, where).toEqual([]);
}

test("a dialog rises in the queue, counts are live, and a person takes it from there", async ({ ownServer, stranger }) => {
  const [anna] = await operators(ownServer, stranger);
  await anna.openPanel();
  await expect(anna.tab("Queue")).toHaveAttribute("aria-selected", "true");
  await expect(anna.tab("Queue")).toHaveAccessibleDescription("0");
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Where is my parcel?");
  await expect(anna.tab("AI")).toHaveAccessibleDescription("1");
  await vera.askForPerson();
  await expect(anna.tab("Queue")).toHaveAccessibleDescription("1");
  await expect(anna.tab("AI")).toHaveAccessibleDescription("0");
  await expect(anna.page).toHaveTitle("(1) Operator panel · Magpie");
  const line = anna.line(/^Vera: /);
  await expect(line).toHaveAccessibleDescription(/In the queue.*\d+ s/);

  await line.click();
  await expect(anna.page).toHaveURL(new RegExp(`/operator/${vera.dialog}$`));
  await expect(anna.message("Where is my parcel?")).toBeVisible();
  await expect(anna.whose).toHaveText("In the queue");
  await expect(anna.page.getByRole("heading", { name: "Vera" })).toBeVisible();
  // The agents were stopped over it, and are not to be asked again: whoever takes it answers.
  await expect(anna.page.getByRole("log").getByRole("button", { name: "Retry" })).toHaveCount(0);
  await expect(anna.page).toHaveTitle("(1) Vera · Magpie");
  const details = anna.page.getByRole("region", { name: "Visitor" });
  await expect(details).toContainText("https://shop.example/cart");
  await expect(details).toContainText("Not verified");
  await vera.type();
  await expect(anna.typing).toHaveText("Vera is typing…");

  // Twice, as on a desktop: what comes under the pointer then takes no click.
  await anna.button("Take over").dblclick({ delay: 20 });
  await expect(anna.whose).toHaveText("You");
  await expect(anna.tab("Queue")).toHaveAccessibleDescription("0");
  await expect(anna.tab("Mine")).toHaveAccessibleDescription("1");
  await anna.sendAndSee("It is on its way.");
  await vera.hears((frame) => frame.type === "message" && frame.text === "It is on its way.");
  await anna.button("Resolve").click();
  await expect(anna.whose).toHaveText("Resolved");
  await expect(anna.tab("Mine")).toHaveAccessibleDescription("0");
  await expect(anna.tab("All")).toHaveAccessibleDescription("1");
  await anna.button("Reopen").click();
  await expect(anna.whose).toHaveText("You");
  await anna.button("Hand back to AI").click();
  await expect(anna.whose).toHaveText("AI");
  vera.close();
});

test("two operators race for one dialog: one has it, the other reads who was faster", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await vera.askForPerson();
  await Promise.all([anna.openDialog(vera.dialog), ben.openDialog(vera.dialog)]);
  await expect(anna.page.getByRole("status", { name: "Also here" })).toHaveText("Also here: ben");
  await expect(ben.page.getByRole("status", { name: "Also here" })).toHaveText("Also here: anna");
  // Both from the same epoch: neither page hears of the other's click before its own is out.
  const buttons = await Promise.all([anna, ben].map((one) => one.button("Take over").elementHandle()));
  await Promise.all(buttons.map((button) => button!.evaluate((one) => (one as HTMLElement).click())));
  await expect.poll(async () => [await anna.whose.textContent(), await ben.whose.textContent()].filter((text) => text?.trim() === "You").length).toBe(1);
  const [winner, loser] = (await anna.whose.textContent())?.trim() === "You" ? [anna, ben] : [ben, anna];
  await expect(loser.whose).toHaveText(winner.name);
  await expect(winner.page.getByRole("alert")).toHaveCount(0);
  await expect(loser.page.getByRole("radio", { name: "Reply" })).toBeDisabled();
  await expect(loser.page.getByRole("radio", { name: "Note" })).toBeChecked();
  await expect(loser.page.getByText(`${winner.name} has this dialog. Take over to reply.`)).toBeVisible();

  // Who was late by a moment: the page still offers what it knew, and the server says no.
  const stale = await loser.page.request.post(`${ownServer.url}/api/v1/conversations/${vera.dialog}/control`, {
    data: { action: "take", epoch: 1 },
    headers: { Origin: ownServer.url },
  });
  expect(stale.status()).toBe(409);
  expect((await stale.json()).detail).toBe(`${winner.name} already took this.`);
  await winner.page.goto("/operator");
  await expect(loser.page.getByRole("status", { name: "Also here" })).toHaveText("");
  vera.close();
});

test("the loser of the race is told in an alert", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await vera.askForPerson();
  await Promise.all([anna.openDialog(vera.dialog), ben.openDialog(vera.dialog)]);
  // Ben's page hears nothing from now on, but can still speak.
  await ben.page.evaluate(() => {
    const receive = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data")!;
    const held = { is: true };
    (window as unknown as { held: typeof held }).held = held;
    Object.defineProperty(MessageEvent.prototype, "data", {
      get(this: MessageEvent) {
        const data = receive.get!.call(this) as unknown;
        const isOf = (type: string) => typeof data === "string" && data.includes(`"type":"${type}"`);
        return held.is && (isOf("control") || isOf("conversation")) ? '{"type":"pong","timestamp":"2026-01-01T00:00:00.000Z"}' : data;
      },
    });
  });
  await anna.button("Take over").click();
  await expect(anna.whose).toHaveText("You");
  await ben.button("Take over").click();
  await expect(ben.page.getByRole("alert")).toContainText("anna already took this");
  await expect(ben.whose).toHaveText("anna");
  await expect(ben.page.getByRole("radio", { name: "Reply" })).toBeDisabled();
  vera.close();
});

test("a note is marked, looks like no reply, and never reaches the visitor", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await anna.openDialog(vera.dialog);
  await ben.openDialog(vera.dialog);
  await anna.button("Take over").click();
  await expect(anna.whose).toHaveText("You");
  const box = anna.page.locator(".composer-box");
  const colour = () => box.evaluate((box) => getComputedStyle(box).backgroundColor);
  const asReply = await colour();
  await expect(anna.button("Send")).toBeVisible();
  await anna.page.getByRole("radio", { name: "Note" }).check();
  await expect(anna.button("Add note")).toBeVisible();
  await expect(anna.button("Send")).toHaveCount(0);
  expect(await colour()).not.toBe(asReply);

  await anna.composer.pressSequentially("a secret word");
  await expect(ben.typing).toHaveText("anna is typing…");
  await anna.composer.press("Enter");
  await expect(anna.message("a secret word")).toHaveAttribute("data-state", "sent");
  await expect(anna.message("a secret word")).toContainText("Note");
  await expect(ben.message("a secret word")).toContainText("Note");
  // Ben, whose dialog it is not, can still write one.
  await expect(ben.page.getByRole("radio", { name: "Reply" })).toBeDisabled();
  await ben.composer.fill("another secret");
  await ben.button("Add note").click();
  await expect(anna.message("another secret")).toContainText("Note");
  await anna.page.getByRole("radio", { name: "Reply" }).check();
  await anna.sendAndSee("A public word.");
  await vera.hears((frame) => frame.text === "A public word.");
  const heard = JSON.stringify(vera.frames);
  expect(heard).not.toContain("secret");
  expect(vera.frames.filter((frame) => frame.type === "typing_start" && JSON.stringify(frame).includes("ben"))).toEqual([]);
  await anna.page.reload();
  await expect(anna.message("a secret word")).toContainText("Note");
  vera.close();
});

test("what the AI writes is seen live, and a takeover ends it", async ({ scripted, stranger }) => {
  const { model, server } = await scripted();
  const [anna] = await operators(server, stranger);
  const wait = gate();
  model.will(say("The first part of the answer. "), wait.beat, say("The second part."));
  const vera = await Visitor.open(server.url, "Vera");
  await vera.say("Tell me a story");
  await anna.openDialog(vera.dialog);
  const answer = anna.message("The first part of the answer.");
  await expect(answer).toHaveAttribute("data-state", "streaming");
  await expect(anna.timeline.getByRole("group", { name: /^Run/ })).toBeVisible();
  await anna.button("Take over").click();
  await expect(anna.whose).toHaveText("You");
  await expect(answer).toHaveAttribute("data-state", "sent");
  await expect(answer).toContainText("Stopped before it was finished.");
  wait.open();
  await anna.sendAndSee("A person is here now.");
  await vera.hears((frame) => frame.text === "A person is here now.");
  expect(JSON.stringify(vera.frames)).not.toContain("second part");
  vera.close();
});

test("canned replies come up by a slash and are kept for everybody", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("When are you open?");
  await anna.openDialog(vera.dialog);
  await anna.button("Canned replies").click();
  const editor = anna.page.getByRole("dialog", { name: "Canned replies" });
  for (const [n, [shortcut, text]] of [["hours", "Dear {name}, 9 to 5."], ["help", "How can I help?"]].entries()) {
    await editor.getByRole("button", { name: "Add reply" }).click();
    await editor.getByRole("textbox", { name: `Shortcut ${n + 1}` }).fill(shortcut!);
    await editor.getByRole("textbox", { name: `Reply ${n + 1}` }).fill(text!);
  }
  await editor.getByRole("button", { name: "Save" }).click();
  await expect(editor).toBeHidden();

  await anna.composer.pressSequentially("/h");
  const list = anna.page.getByRole("listbox", { name: "Canned replies" });
  await expect(list.getByRole("option")).toHaveCount(2);
  await expect(list.getByRole("option", { selected: true })).toContainText("/hours");
  await anna.composer.press("ArrowDown");
  await expect(list.getByRole("option", { selected: true })).toContainText("/help");
  await anna.composer.press("ArrowUp");
  await anna.composer.press("Enter");
  await expect(list).toBeHidden();
  await expect(anna.composer).toHaveValue("Dear Vera, 9 to 5.");
  await anna.composer.press("Enter");
  await vera.hears((frame) => frame.text === "Dear Vera, 9 to 5.");

  await ben.openDialog(vera.dialog);
  await ben.composer.pressSequentially("/he");
  await expect(ben.page.getByRole("option")).toHaveCount(1);
  await ben.composer.press("Escape");
  await expect(ben.page.getByRole("listbox")).toHaveCount(0);
  vera.close();
});

test("the panel by single keys", async ({ ownServer, stranger }) => {
  const [anna] = await operators(ownServer, stranger);
  const [vera, otto] = [await Visitor.open(ownServer.url, "Vera"), await Visitor.open(ownServer.url, "Otto")];
  for (const visitor of [vera, otto]) {
    await visitor.say("Hello?");
    await visitor.askForPerson();
  }
  await anna.openPanel();
  await expect(anna.tab("Queue")).toHaveAccessibleDescription("2");
  await expect(anna.page.getByRole("status", { name: "Waiting" })).toHaveText("2 visitors wait for a person");
  const { keyboard } = anna.page;
  await keyboard.press("j");
  await expect(anna.page).toHaveURL(new RegExp(`/operator/${vera.dialog}$`));
  await expect(anna.message("Hello?")).toBeVisible();
  await keyboard.press("j");
  await expect(anna.page).toHaveURL(new RegExp(`/operator/${otto.dialog}$`));
  await keyboard.press("k");
  await expect(anna.page).toHaveURL(new RegExp(`/operator/${vera.dialog}$`));
  await expect(anna.page.getByRole("heading", { name: "Vera" })).toBeVisible();
  await keyboard.press("t");
  await expect(anna.whose).toHaveText("You");
  // What is typed next is for the visitor.
  await expect(anna.composer).toBeFocused();
  await keyboard.type("he");
  await expect(anna.composer).toHaveValue("he");
  await expect(anna.whose).toHaveText("You");
  await anna.composer.fill("");
  await keyboard.press("Escape");
  await keyboard.press("n");
  await expect(anna.page.getByRole("radio", { name: "Note" })).toBeChecked();
  await expect(anna.composer).toBeFocused();
  await keyboard.type("jkthe");
  await expect(anna.composer).toHaveValue("jkthe");
  await anna.composer.fill("");
  await keyboard.press("Escape");
  await keyboard.press("r");
  await expect(anna.page.getByRole("radio", { name: "Reply" })).toBeChecked();
  await keyboard.press("Escape");
  await keyboard.press("h");
  await expect(anna.whose).toHaveText("AI");
  await keyboard.press("e");
  await expect(anna.whose).toHaveText("Resolved");
  // What has no button now has no key either: neither a change nor a complaint.
  await keyboard.press("h");
  await keyboard.press("t");
  await keyboard.press("n");
  await anna.composer.fill("closed");
  await anna.composer.press("Enter");
  await expect(anna.message("closed")).toHaveAttribute("data-state", "sent");
  await expect(anna.whose).toHaveText("Resolved");
  await expect(anna.page.getByRole("alert")).toHaveCount(0);
  await keyboard.press("Escape");

  await keyboard.press("?");
  const help = anna.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help).toBeVisible();
  await help.getByRole("checkbox").uncheck();
  await keyboard.press("Escape");
  await expect(help).toBeHidden();
  await keyboard.press("j");
  await keyboard.press("?");
  await expect(help).toBeVisible();
  await expect(anna.page).toHaveURL(new RegExp(`/operator/${vera.dialog}$`));
  vera.close();
  otto.close();
});

test("a dialog is transferred, released, and told of on the desktop", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  await ben.page.addInitScript(() => {
    const told: string[] = [];
    class Told {
      static permission = "default";
      static async requestPermission(): Promise<string> {
        return (Told.permission = "granted");
      }
      constructor(title: string) {
        told.push(title);
      }
    }
    Object.assign(window, { Notification: Told, told });
  });
  const told = () => ben.page.evaluate(() => (window as unknown as { told: string[] }).told);
  await ben.openPanel();
  await ben.button("Turn on notifications").click();
  await expect(ben.page.getByText("Notifications are on")).toBeVisible();

  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await anna.openDialog(vera.dialog);
  await vera.askForPerson();
  await expect.poll(told).toEqual(["Vera is waiting for a person"]);
  await anna.button("Transfer").click();
  const dialog = anna.page.getByRole("dialog", { name: "Transfer" });
  await dialog.getByRole("button", { name: "Transfer to ben, online" }).click();
  await expect(anna.whose).toHaveText("ben");
  await expect(ben.tab("Mine")).toHaveAccessibleDescription("1");
  await vera.say("Are you there?");
  await expect.poll(told).toEqual(["Vera is waiting for a person", "Vera wrote"]);
  await ben.tab("Mine").click();
  await ben.line("Vera: Are you there?").click();
  await ben.button("Snooze").click();
  await expect(ben.whose).toHaveText("Snoozed");
  await ben.button("Reopen").click();
  await ben.button("Release to queue").click();
  await expect(ben.whose).toHaveText("In the queue");
  await expect(anna.log).toContainText("ben released this to the queue");
  vera.close();
});

test("dialogs are on no list of conversations, and the panel on no member's", async ({ ownServer, stranger, allowInConsole }) => {
  allowInConsole(/Failed to load resource: the server responded with a status of 404/);
  const [anna] = await operators(ownServer, stranger);
  const carla = await Person.register(await stranger(ownServer), "carla", ownServer.url);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await vera.askForPerson();
  await anna.page.goto("/");
  await anna.connected();
  await expect(anna.page.getByRole("link", { name: "Operator panel" })).toHaveAccessibleDescription("1");
  await expect(anna.list.getByRole("link")).toHaveCount(0);
  await anna.page.getByRole("link", { name: "Operator panel" }).click();
  await expect(anna.line(/^Vera: /)).toBeVisible();
  await anna.page.getByRole("link", { name: "Conversations" }).click();
  await expect(anna.page).toHaveURL(`${ownServer.url}/`);

  await carla.page.goto("/");
  await expect(carla.page.getByRole("link", { name: "Operator panel" })).toHaveCount(0);
  for (const path of ["/operator", `/operator/${vera.dialog}`]) {
    expect((await carla.page.goto(path))?.status()).toBe(404);
    await expect(carla.page.getByRole("main")).toContainText("nothing here", { ignoreCase: true });
  }
  const out = await stranger(ownServer);
  await out.goto("/operator");
  await expect(out).toHaveURL(`${ownServer.url}/login?next=/operator`);
  vera.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the panel, and nothing sticks out of it, ${colorScheme}`, async ({ ownServer, stranger }) => {
    test.slow();
    const [anna, ben] = await operators(ownServer, stranger);
    const vera = await Visitor.open(ownServer.url, "Vera");
    await vera.say("Where is my parcel?");
    await vera.askForPerson();
    const { page } = anna;
    await page.emulateMedia({ colorScheme });
    await anna.openPanel();
    await expect(anna.line(/^Vera/)).toBeVisible();
    await expectNoViolations(page, "the list");
    await anna.openDialog(vera.dialog);
    await ben.openDialog(vera.dialog);
    await anna.button("Take over").click();
    await anna.page.getByRole("radio", { name: "Note" }).check();
    await anna.composer.fill("a note");
    await anna.button("Add note").click();
    await expect(anna.message("a note")).toHaveAttribute("data-state", "sent");
    await expectNoViolations(page, "a dialog, with a note");
    await anna.button("Transfer").click();
    await expect(page.getByRole("button", { name: /^Transfer to ben/ })).toBeVisible();
    await expectNoViolations(page, "the dialog Transfer");
    await page.keyboard.press("Escape");
    await anna.button("Shortcuts").click();
    await expectNoViolations(page, "the shortcuts");
    await page.keyboard.press("Escape");
    await anna.button("Canned replies").click();
    await page.getByRole("button", { name: "Add reply" }).click();
    await expectNoViolations(page, "the canned replies");
    await page.keyboard.press("Escape");
    for (const width of [320, 800, 1600]) {
      await page.setViewportSize({ width, height: 800 });
      await expectNoViolations(page, `a dialog, ${width} wide`);
      expect(await tooWide(page), `${width}`).toEqual([]);
      if (width > 320) continue;
      await page.getByRole("link", { name: "Back to the dialogs" }).click();
      await anna.tab("Mine").click();
      await expectNoViolations(page, "the list, narrow");
      await anna.line(/^Vera/).click();
      await expect(anna.message("a note")).toBeVisible();
    }
    vera.close();
  });
}
