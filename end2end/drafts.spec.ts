// What an operator wrote and did not send is not lost, and does not go to others than it was written for.

import { operators } from "./support/operator.ts";
import { expect, test } from "./support/test.ts";
import { Visitor } from "./support/visitor.ts";

test("a draft waits in its dialog: over other dialogs, a reload, another tab of the panel", async ({ ownServer, stranger }) => {
  const [anna] = await operators(ownServer, stranger);
  const [vera, otto] = [await Visitor.open(ownServer.url, "Vera"), await Visitor.open(ownServer.url, "Otto")];
  for (const visitor of [vera, otto]) await visitor.say("Hello?");
  await anna.openPanel("?tab=ai");
  await anna.line(/^Vera/).click();
  await expect(anna.page.getByRole("heading", { name: "Vera" })).toBeVisible();
  await anna.composer.fill("Dear Vera,");
  await anna.line(/^Otto/).click();
  await expect(anna.page.getByRole("heading", { name: "Otto" })).toBeVisible();
  await expect(anna.composer).toHaveValue("");
  await anna.composer.fill("Dear Otto,");
  await anna.line(/^Vera/).click();
  await expect(anna.composer).toHaveValue("Dear Vera,");
  await anna.tab("All").click();
  await expect(anna.composer).toHaveValue("Dear Vera,");
  await anna.page.reload();
  await anna.connected();
  await expect(anna.composer).toHaveValue("Dear Vera,");
  await expect(anna.page.getByRole("radio", { name: "Reply" })).toBeChecked();
  await anna.line(/^Otto/).click();
  await expect(anna.composer).toHaveValue("Dear Otto,");
  await anna.composer.press("Enter");
  await otto.hears((frame) => frame.text === "Dear Otto,");
  await anna.page.reload();
  await anna.connected();
  await expect(anna.composer).toHaveValue("");
  vera.close();
  otto.close();
});

test("a note that was begun is a note still when one comes back to it", async ({ ownServer, stranger }) => {
  const [anna] = await operators(ownServer, stranger);
  const [vera, otto] = [await Visitor.open(ownServer.url, "Vera"), await Visitor.open(ownServer.url, "Otto")];
  for (const visitor of [vera, otto]) await visitor.say("Hello?");
  const [reply, note] = [anna.page.getByRole("radio", { name: "Reply" }), anna.page.getByRole("radio", { name: "Note" })];
  await anna.openPanel("?tab=ai");
  await anna.line(/^Vera/).click();
  await expect(anna.page.getByRole("heading", { name: "Vera" })).toBeVisible();
  await note.check();
  await anna.composer.fill("She is not to be trusted");
  await anna.line(/^Otto/).click();
  await expect(anna.page.getByRole("heading", { name: "Otto" })).toBeVisible();
  await expect(reply).toBeChecked();
  await anna.line(/^Vera/).click();
  await expect(anna.composer).toHaveValue("She is not to be trusted");
  await expect(note).toBeChecked();
  await anna.page.reload();
  await anna.connected();
  await expect(anna.composer).toHaveValue("She is not to be trusted");
  await expect(note).toBeChecked();
  // It is what the composer says at the moment that it is left, not what it said at the first letter.
  await reply.check();
  await anna.page.reload();
  await anna.connected();
  await expect(reply).toBeChecked();
  await note.check();
  await anna.page.reload();
  await anna.connected();
  await anna.composer.press("Enter");
  await expect(anna.message("not to be trusted")).toContainText("Note");
  await expect(anna.message("not to be trusted")).toHaveAttribute("data-state", "sent");
  expect(JSON.stringify(vera.frames)).not.toContain("trusted");
  vera.close();
  otto.close();
});

test("who loses a dialog to a colleague keeps what they wrote, as a note until they say otherwise", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await vera.askForPerson();
  await anna.openDialog(vera.dialog);
  await ben.openDialog(vera.dialog);
  await ben.composer.fill("Half a sentence");
  await anna.button("Take over").click();
  await expect(ben.whose).toHaveText("anna");
  await expect(ben.composer).toHaveValue("Half a sentence");
  await expect(ben.page.getByRole("radio", { name: "Note" })).toBeChecked();
  // Neither by a key nor by taking it back does it become a reply again.
  await ben.composer.press("Escape");
  await ben.page.keyboard.press("r");
  await expect(ben.page.getByRole("radio", { name: "Note" })).toBeChecked();
  await ben.button("Take over").click();
  await expect(ben.whose).toHaveText("You");
  await expect(ben.page.getByRole("radio", { name: "Note" })).toBeChecked();
  await ben.page.reload();
  await ben.connected();
  await expect(ben.composer).toHaveValue("Half a sentence");
  await expect(ben.page.getByRole("radio", { name: "Note" })).toBeChecked();
  await ben.page.getByRole("radio", { name: "Reply" }).check();
  await ben.composer.press("Enter");
  await vera.hears((frame) => frame.text === "Half a sentence");
  vera.close();
});

test("a reply that came a moment too late is refused, stays on the page, and can be sent after a takeover", async ({ ownServer, stranger }) => {
  const [anna, ben] = await operators(ownServer, stranger);
  const vera = await Visitor.open(ownServer.url, "Vera");
  await vera.say("Hello?");
  await vera.askForPerson();
  await anna.openDialog(vera.dialog);
  await ben.openDialog(vera.dialog);
  await ben.page.evaluate(() => {
    const receive = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data")!;
    Object.defineProperty(MessageEvent.prototype, "data", {
      configurable: true,
      get(this: MessageEvent) {
        const data = receive.get!.call(this) as unknown;
        const isOf = (type: string) => typeof data === "string" && data.includes(`"type":"${type}"`);
        return isOf("control") || isOf("conversation") ? '{"type":"pong","timestamp":"2026-01-01T00:00:00.000Z"}' : data;
      },
    });
  });
  await anna.button("Take over").click();
  await expect(anna.whose).toHaveText("You");
  await ben.send("I am on my way");
  await expect(ben.message("I am on my way")).toHaveAttribute("data-state", "failed");
  await expect(ben.message("I am on my way")).toContainText("anna");
  await ben.page.reload();
  await ben.connected();
  await expect(ben.whose).toHaveText("anna");
  await expect(ben.message("I am on my way")).toHaveAttribute("data-state", "failed");
  await ben.button("Take over").click();
  await expect(ben.whose).toHaveText("You");
  await ben.message("I am on my way").getByRole("button", { name: "Retry" }).click();
  await expect(ben.message("I am on my way")).toHaveAttribute("data-state", "sent");
  await vera.hears((frame) => frame.text === "I am on my way");
  vera.close();
});
