import { expect, test } from "./support/test.ts";

// Chromium itself writes these when a server is gone.
const SERVER_GONE = /WebSocket connection to .* failed|net::ERR_(CONNECTION_|EMPTY_RESPONSE|INTERNET_DISCONNECTED)|Failed to fetch/;

test("a message written while the server is dead arrives once it is back, exactly once", async ({
  person,
  ownServer,
  allowInConsole,
}) => {
  allowInConsole(SERVER_GONE);
  const [anna, ben] = [await person("anna", ownServer), await person("ben", ownServer)];
  const id = await anna.conversation("Storm", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  await anna.sendAndSee("before the storm");
  await expect(ben.message("before the storm")).toBeVisible();

  await ownServer.kill();
  await expect(anna.connection).toHaveText(/^Reconnecting in \d+ s$|^Connecting…$/);
  await anna.send("during the storm");
  await expect(anna.message("during the storm")).toHaveAttribute("data-state", "sending");

  await ownServer.restart();
  await expect(anna.message("during the storm")).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
  await anna.connected();
  await ben.connected();
  await expect(ben.message("during the storm")).toHaveCount(1);
  await expect(ben.message("before the storm")).toHaveCount(1);
  await anna.page.reload();
  await expect(anna.message("during the storm")).toHaveCount(1);
  await expect(anna.message("before the storm")).toHaveCount(1);
});

test("a restart changes nothing for who only reads", async ({ person, ownServer, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const anna = await person("anna", ownServer);
  const id = await anna.conversation("Calm");
  for (let i = 1; i <= 5; i++) await anna.post(id, `line ${i}`);
  await anna.openLive(id);
  const before = await anna.texts();
  await ownServer.kill();
  await expect(anna.connection).not.toHaveText("Connected");
  expect(await anna.texts()).toEqual(before);
  await ownServer.restart();
  await anna.connected();
  expect(await anna.texts()).toEqual(before);
});

test("offline, one is told so, and what one writes is sent when one is back", async ({ person, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Train", { members: [ben] });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);

  await anna.page.context().setOffline(true);
  await expect(anna.connection).toHaveText("You're offline.");
  await anna.send("from the tunnel");
  await expect(anna.connection).toHaveText("You're offline. 1 message will be sent when you're back.");
  await anna.send("still in it");
  await anna.send("a long one");
  await expect(anna.connection).toHaveText("You're offline. 3 messages will be sent when you're back.");
  await expect(anna.message("from the tunnel")).toHaveAttribute("data-state", "sending");

  await anna.page.context().setOffline(false);
  await anna.connected();
  for (const text of ["from the tunnel", "still in it", "a long one"]) {
    await expect(anna.message(text)).toHaveAttribute("data-state", "sent");
    await expect(ben.message(text)).toHaveCount(1);
  }
  const order = (await ben.texts()).map((text) => ["tunnel", "still", "long"].find((word) => text.includes(word)));
  expect(order.filter(Boolean)).toEqual(["tunnel", "still", "long"]);
});

test("where no socket gets through, the page polls and sends all the same", async ({ person, allowInConsole }) => {
  allowInConsole(SERVER_GONE);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Proxy", { members: [ben] });
  await anna.page.addInitScript(() => {
    const Real = window.WebSocket;
    window.WebSocket = class extends Real {
      constructor(_: string | URL, protocols?: string | string[]) {
        super(new URL("/no-socket-here", location.href), protocols);
      }
    };
  });
  await Promise.all([anna.open(id), ben.openLive(id)]);
  await expect(anna.connection).toHaveText("Polling", { timeout: 20_000 });
  await anna.sendAndSee("through the proxy");
  await expect(ben.message("through the proxy")).toHaveCount(1);
  await ben.sendAndSee("and back");
  await expect(anna.message("and back")).toHaveCount(1);
});
