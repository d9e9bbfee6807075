// The service worker: opens the app without a network, and empties the queue without the app.
//
// The server puts two lines before this: BUILD, and FILES with the SHA-256 of each file of that build. What is kept
// is one whole build under paths of its own (/shell/BUILD/…), which name it for the server, too: a page never gets
// the script of one and the WASM of another. No page that comes over the network is kept, and no answer of the API.

import { end, keptFor, meanwhile, queue } from "./persist.js";

const CACHE = `magpie-${BUILD}`;
const ROOT = `/shell/${BUILD}`;
/** How long the network may take for a page before the shell is shown. */
const PAGE_MS = 5_000;
const CALL_MS = 10_000;
/** How long a page that sends may hold us off. */
const WAIT_MS = 20_000;

const timeout = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ── The shell ──

const sha256 = async (bytes) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const keepShell = async () => {
  const cache = await caches.open(CACHE);
  for (const [path, hash] of Object.entries(FILES)) {
    const answer = await fetch(ROOT + path, { cache: "no-cache" });
    const bytes = await answer.arrayBuffer();
    if (!answer.ok || (await sha256(bytes)) !== hash) throw new Error(`${path} is of another build`);
    // Without the address it came from: what the script imports is then looked for beside the copy.
    const headers = { "content-type": answer.headers.get("content-type") };
    await cache.put(ROOT + path, new Response(bytes, { headers }));
  }
  const shell = await fetch("/shell", { cache: "no-store" });
  if (!(await shell.clone().text()).includes(ROOT)) throw new Error("the shell is of another build");
  await cache.put(ROOT, shell);
};

const kept = async (path) => (await caches.open(CACHE)).match(path);

const dropOtherBuilds = async () => {
  for (const name of await caches.keys()) if (name.startsWith("magpie-") && name !== CACHE) await caches.delete(name);
  await self.registration.navigationPreload?.enable();
};

/** All of it or nothing: a build that is being put in place is tried again at the next visit. */
const install = async () => {
  try {
    await keepShell();
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
  await self.skipWaiting();
};

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(dropOtherBuilds()));

const fresh = async (event) => (await event.preloadResponse) ?? fetch(event.request);

/** The page from the server; where there is none, the shell, for somebody whose things are kept here. */
const page = async (event) => {
  const answer = fresh(event);
  const inTime = await Promise.race([answer.catch(() => undefined), timeout(PAGE_MS)]);
  // What a proxy says in the server's place.
  if (inTime && inTime.status < 502) return inTime;
  return ((await keptFor()) && (await kept(ROOT))) || inTime || answer;
};

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith(ROOT)) event.respondWith(kept(pathname).then((answer) => answer ?? fetch(request)));
  else if (pathname === "/favicon.svg") event.respondWith(fetch(request).catch(async () => (await kept(ROOT + pathname)) ?? Response.error()));
  else if (request.mode === "navigate" && /^\/($|c\/|settings$)/.test(pathname)) event.respondWith(page(event));
  // The request that the browser makes before we are awake is the page's: left alone it would ask a second time, and
  // what is said once would be said to nobody.
  else if (request.mode === "navigate") event.respondWith(fresh(event));
});

// ── The queue, while no page is there to send it ──

const call = (method, path, body) =>
  fetch(`/api/v1${path}`, {
    method,
    body: body && JSON.stringify(body),
    headers: body ? { "content-type": "application/json" } : {},
    signal: AbortSignal.timeout(CALL_MS),
  });

/** As `call`, with one fresh token. */
const callAgain = async (...what) => {
  const answer = await call(...what);
  if (answer.status !== 401 || !(await call("POST", "/auth/refresh")).ok) return answer;
  return call(...what);
};

/** Refused for good: what would be refused the next time, too. */
const isFinal = ({ status }) => status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);

/** Sends what waits, of each conversation in its order. The cookie decides whose it is. */
const empty = async () => {
  const answer = await callAgain("GET", "/me");
  // The session is over: it waits for the same person to sign in again.
  if (answer.status === 401) return end("", false);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const { id: me } = await answer.json();
  const held = new Set();
  for (const { client_id, conversation, text, reply_to, visibility, failure } of JSON.parse((await queue(me, "")) ?? "[]")) {
    if (failure || held.has(conversation)) continue;
    const posted = await callAgain("POST", `/conversations/${conversation}/messages`, { client_id, message: text, reply_to, visibility });
    if (posted.ok) await queue(me, "drop", client_id, await posted.text());
    else if (isFinal(posted)) await queue(me, "fail", client_id, (await posted.json()).detail);
    else held.add(conversation);
  }
  if (held.size > 0) throw new Error("not everything was taken");
};

const drain = async () => {
  const user = await keptFor();
  const waits = async () => JSON.parse((user && (await queue(user, ""))) ?? "[]").some(({ failure }) => !failure);
  if (!(await waits())) return;
  try {
    await meanwhile(WAIT_MS, empty);
  } catch (error) {
    // A page may have sent it. If not, the browser tries once more, later.
    if (await waits()) throw error;
  }
};

addEventListener("sync", (event) => event.waitUntil(drain()));
