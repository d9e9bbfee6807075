// What this browser keeps for the one who is signed in: the queue of messages to be sent, and what was last seen.
// The page (src/client/persist.rs) and the service worker (sw.js) share this file, and with it the one schema.
//
// Everything belongs to one person, `who`; the first page of another one clears it. Nothing here ever rejects: an
// answer of `undefined` says that there is no storage (a private window), `null` that it is another's by now.

/** A website's frame has a visitor in it: what is theirs is apart from what members have in the same browser. */
const isFrame = globalThis.location.pathname.startsWith("/widget/");
const NAME = isFrame ? `magpie${location.pathname.replaceAll("/", ".")}` : "magpie";
const VERSION = 1;
/** The lock of whoever sends; the channel on which the pages tell each other of a change. */
const LOCK = `${NAME}.sender`;
const DRAFT = "magpie.draft.";
const OPEN_MS = 2_000;

let database;
/** No storage in this page: it cannot be had. */
let isGone = false;
/** The transaction that says whose all this is: nothing is read or written before it. */
let begun;
const connect = () => {
  // A frame may be denied it, as it may be denied all that is kept.
  try {
    return new BroadcastChannel(NAME);
  } catch {
    return undefined;
  }
};
const channel = connect();

const open = () =>
  (database ??= opening().catch((error) => {
    database = undefined;
    throw error;
  }));

const opening = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    setTimeout(() => reject(new Error("the database did not open")), OPEN_MS);
    request.onerror = () => reject(request.error);
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore("who");
      db.createObjectStore("outbox", { keyPath: "place", autoIncrement: true }).createIndex("id", "client_id", { unique: true });
      db.createObjectStore("seen", { keyPath: "name" }).createIndex("at", "at");
    };
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => {
        database = undefined;
        db.close();
      };
      // A browser may close it, too: the next one to ask opens it again.
      db.onclose = () => (database = undefined);
      resolve(db);
    };
  });

/** One transaction over everything; `work` gets the stores by name and gives the result. */
const run = async (mode, work) => {
  const db = await open();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(["who", "outbox", "seen"], mode);
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error);
    work(
      (name) => transaction.objectStore(name),
      (value) => (result = value),
    );
  });
};

const then = (request, next) => (request.onsuccess = () => next(request.result));

/** A transaction that is `user`'s own, or nothing; `""`: whoever's it is. */
const as = async (user, mode, work) => {
  try {
    await begun;
    if (isGone) return undefined;
    return await run(mode, (store, give) =>
      then(store("who").get(0), (who) => {
        if (who?.here && (!user || who.user === user)) work(store, give);
        else give(null);
      }),
    );
  } catch {
    return undefined;
  }
};

const tell = (text) => channel?.postMessage(text);

/** From here on, all this is `user`'s. What another one left is cleared. */
export const begin = (user) => {
  const mine = () =>
    run("readwrite", (store, give) =>
      then(store("who").get(0), (who) => {
        if (who && who.user !== user) {
          store("outbox").clear();
          store("seen").clear();
          give(who.user);
        }
        store("who").put({ user, here: true }, 0);
      }),
    );
  // Once more, where the browser was busy with its own start.
  begun = mine().catch(mine).then(
    (other) => {
      if (!other) return;
      forgetDrafts(other);
      tell("");
    },
    () => void (isGone = true),
  );
};

/**
 * The session of `user` (`""`: of whoever's this is) is over. What was written waits for the same person to come
 * back, unless they signed out. The files of the shell stay: there is nothing of anybody in them.
 */
export const end = async (user, isSignOut) => {
  let owner = user;
  await as(user, "readwrite", (store) => {
    store("seen").clear();
    if (isSignOut) store("outbox").clear();
    then(store("who").get(0), (who) => {
      owner = who.user;
      if (isSignOut) store("who").clear();
      else store("who").put({ ...who, here: false }, 0);
    });
  });
  if (!isSignOut) return;
  if (owner) forgetDrafts(owner);
  tell("");
};

/** The sign-in page is shown. A cookie says where somebody signed out by a form that no script saw. */
export const nobody = async () => {
  const isSignOut = document.cookie.includes("magpie_signed_out=");
  await end("", isSignOut);
  if (isSignOut) document.cookie = "magpie_signed_out=; Max-Age=0; Path=/login; SameSite=Lax";
};

const forgetDrafts = (user) => {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(DRAFT + user)) localStorage.removeItem(key);
  } catch {}
};

/** Whose things are kept here, if they may be shown. */
export const keptFor = async () => {
  try {
    return await run("readonly", (store, give) => then(store("who").get(0), (who) => give(who?.here && who.user)));
  } catch {
    return undefined;
  }
};

// ── The queue ──

/**
 * Changes one message of the queue, and gives all of it as JSON, in order: `add` (`text`: the message as JSON), `drop`
 * (`text`: its ack as JSON, where it was sent), `fail` (`text`: why), `retry`: it goes to the end, `""`: nothing.
 */
export const queue = async (user, change, id, text) => {
  let isNews = false;
  const list = await as(user, change ? "readwrite" : "readonly", (store, give) => {
    const outbox = store("outbox");
    const done = () => then(outbox.getAll(), (all) => give(JSON.stringify(all)));
    if (!change) return done();
    then(outbox.index("id").get(id), (old) => {
      isNews = Boolean(old) !== (change === "add");
      if (isNews) {
        if (change === "add") outbox.add(JSON.parse(text));
        else if (change === "fail") outbox.put({ ...old, failure: text });
        else outbox.delete(old.place);
        if (change === "retry") {
          const { place, failure, ...message } = old;
          outbox.add(message);
        }
      }
      done();
    });
  });
  if (list && isNews) tell(change === "drop" ? text : "");
  return list;
};

/** Calls `hear` with each change that another page or the worker made: the ack of what was sent, else nothing. */
export const listen = (hear) => {
  channel?.addEventListener("message", ({ data }) => hear(data));
  heard = hear;
};
let heard;

/** Ends the lock that this page holds. */
let release;
/** The request for the lock that waits. */
let waiting;

/**
 * Resolves with true as soon as this page is the one that sends: when no other one is, or at once if it takes over.
 * Where there are no locks every page sends: the server knows a message that it has. `hear("lost")`: another took over.
 */
export const claim = (isTakeover) => {
  if (release || !navigator.locks) return Promise.resolve(true);
  waiting?.abort();
  const mine = (waiting = new AbortController());
  return new Promise((resolve) => {
    navigator.locks
      .request(LOCK, isTakeover ? { steal: true } : { signal: mine.signal }, () => {
        if (mine.signal.aborted) return resolve(false);
        return new Promise((free) => {
          release = free;
          resolve(true);
        });
      })
      .catch(({ name }) => {
        // Denied, as in a frame without storage: then every page sends.
        resolve(name === "SecurityError");
        if (waiting !== mine || !release) return;
        release = undefined;
        heard?.("lost");
      });
  });
};

/** There is no way to the server any more: another page may have one. */
export const yield_ = () => {
  waiting?.abort();
  release?.();
  release = waiting = undefined;
};

/** For the worker: does `work` while no page sends; waits `ms` at most for that. */
export const meanwhile = (ms, work) => navigator.locks.request(LOCK, { signal: AbortSignal.timeout(ms) }, work);

// ── What was last seen ──

/** Keeps `text` under a name, and of all names the newest `most`. */
export const keep = (user, name, text, most) =>
  as(user, "readwrite", (store) => {
    const seen = store("seen");
    seen.put({ name, text, at: Date.now() });
    then(seen.count(), (count) => {
      let surplus = count - most;
      if (surplus <= 0) return;
      then(seen.index("at").openCursor(), (cursor) => {
        if (!cursor || surplus-- <= 0) return;
        cursor.delete();
        cursor.continue();
      });
    });
  });

export const recall = async (user, name) =>
  (await as(user, "readonly", (store, give) => then(store("seen").get(name), (found) => give(found?.text)))) ?? undefined;

export const forget = (user, name) => as(user, "readwrite", (store) => void store("seen").delete(name));

// ── The worker ──

/** Once the page has come to rest: the worker fetches all that the page just did. */
export const install = () =>
  isFrame || setTimeout(async () => {
    try {
      if (navigator.onLine) registration = await navigator.serviceWorker?.register("/sw.js", { type: "module" });
    } catch {}
  }, 2_000);
let registration;

/** Asks for the queue to be emptied when there is a network again, also without a page. */
export const sync = async () => {
  if (isFrame) return;
  try {
    registration ??= await navigator.serviceWorker?.getRegistration();
    await registration?.sync?.register(NAME);
  } catch {}
};
