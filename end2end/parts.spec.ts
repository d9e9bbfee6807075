// The parts of the app: what a page does not need is not loaded, and a part that cannot be loaded says so.

import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { Page } from "@playwright/test";

import { site } from "./support/server.ts";
import { expect, Server, test } from "./support/test.ts";

const NOT_LOADED = "This page could not be loaded. The network may be gone, or Magpie was just updated.";
const PART = /status of 40[34]|net::ERR_(FAILED|BLOCKED)|Failed to fetch|WebAssembly|HTTP status code is not ok|MIME type/;

/** The WASM that this page loaded, without the build that it is of. */
async function loaded(page: Page): Promise<string[]> {
  const paths = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname));
  const wasm = paths.filter((one) => one.endsWith(".wasm"));
  for (const one of wasm) expect(one).toMatch(/^\/shell\/[0-9a-f]{16}\/pkg\/[^/]+$/);
  return [...new Set(wasm.map((one) => path.basename(one)))];
}

/** Where nothing keeps the parts. */
async function withoutWorker(page: Page): Promise<void> {
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, "serviceWorker"));
}

test("a conversation loads no part, and a page of one loads what the server named in its head", async ({ person }) => {
  const anna = await person();
  await anna.openLive(await anna.conversation("Light"));
  expect(await loaded(anna.page)).toEqual(["magpie.wasm"]);
  await anna.page.getByRole("link", { name: "Settings" }).first().click();
  await expect(anna.page.getByRole("heading", { name: "Settings" })).toBeVisible();
  expect(await loaded(anna.page)).toContain("split_settings.wasm");

  const answer = await anna.page.goto("/settings");
  expect(await answer!.text()).toMatch(/<link[^>]*\/shell\/[0-9a-f]{16}\/pkg\/split_settings\.wasm/);
  await expect(anna.page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await expect.poll(() => loaded(anna.page)).toContain("split_settings.wasm");
});

test("a part that cannot be loaded says so, and comes when it is tried again", async ({ person, allowInConsole }) => {
  allowInConsole(PART);
  const anna = await person();
  await withoutWorker(anna.page);
  await anna.openLive(await anna.conversation("Heavy"));
  await anna.page.context().route("**/split_settings.wasm", (route) => route.abort());
  await anna.page.getByRole("link", { name: "Settings" }).first().click();
  await expect(anna.page.getByRole("alert")).toHaveText(NOT_LOADED);
  // The page itself, too, is one that the app cannot take over.
  const loadedAnew = anna.page.waitForEvent("load");
  await anna.page.getByRole("button", { name: "Try again" }).click();
  await loadedAnew;
  // It stays so until somebody asks.
  const calls: string[] = [];
  anna.page.on("request", (request) => calls.push(request.url()));
  await expect(anna.page.getByRole("alert")).toHaveText(NOT_LOADED);
  await expect(anna.page.getByRole("link", { name: "Settings" })).toHaveCount(0);
  expect(calls.filter((url) => url.endsWith("/settings"))).toEqual([]);
  await anna.page.context().unroute("**/split_settings.wasm");
  await anna.page.getByRole("button", { name: "Try again" }).click();
  await expect(anna.page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await expect(anna.page.getByRole("alert")).toHaveCount(0);
});

test("whoever has a page open over an update gets no part of the new build", async ({ person, allowInConsole }) => {
  allowInConsole(PART);
  const copy = await mkdtemp(path.join(tmpdir(), "magpie-site-"));
  await cp(site, copy, { recursive: true });
  const server = await Server.start({ LEPTOS_SITE_ROOT: copy });
  const anna = await person("anna", server);
  await withoutWorker(anna.page);
  await anna.openLive(await anna.conversation("Old house"));
  const script = path.join(copy, "pkg/magpie.js");
  await appendFile(script, "\n// newer");
  await Promise.all([".br", ".gz"].map((kind) => rm(script + kind)));
  await anna.page.getByRole("link", { name: "Settings" }).first().click();
  await expect(anna.page.getByRole("alert")).toHaveText(NOT_LOADED);
  await anna.page.getByRole("button", { name: "Try again" }).click();
  await expect(anna.page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await expect.poll(() => loaded(anna.page)).toContain("split_settings.wasm");
  await anna.page.close();
  await server.stop();
  await rm(copy, { recursive: true });
});
