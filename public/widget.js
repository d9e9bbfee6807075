// What a website's page runs: a launcher in a shadow tree, the visitor's token, sessions, and the frame, loaded at the
// first opening, or at rest for who has talked before. docs/protocol.md has what it and the frame tell each other.
(() => {
  const script = document.currentScript;
  const stub = window.magpie;
  if (!script || stub?.loaded) return;
  const host = new URL(script.src).origin;
  const site = script.dataset.site || "default";
  const KEY = `magpie.${site}`;
  const heard = {};
  let kept = {};
  let identity, session, frame, isReady, isOpen, life = 0;
  let turn = Promise.resolve();

  const keep = (now) => {
    kept = now;
    // Without storage the visitor is a new one on the next page.
    try {
      localStorage.setItem(KEY, JSON.stringify(now));
    } catch {}
  };
  try {
    kept = JSON.parse(localStorage.getItem(KEY)) || kept;
  } catch {}

  const make = (name, attributes, ...inside) => {
    const element = document.createElement(name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    element.append(...inside);
    return element;
  };
  const badge = make("b", { "aria-hidden": true, hidden: "" });
  const button = make("button", { type: "button", "aria-label": "Chat with us", "aria-expanded": false }, "Chat with us", badge);
  const told = make("i", { role: "status" });
  const note = make("p", { role: "alert", hidden: "" });
  const root = make("magpie-chat");
  const box = root.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:host{all:initial!important;position:fixed!important;z-index:2147483000!important;right:0!important;bottom:0!important}
[hidden]{display:none!important}
button,p,iframe{position:fixed;right:20px;border:0;box-shadow:0 6px 24px #0004}
button{bottom:20px;padding:0 22px;min-height:48px;border-radius:24px;background:var(--c);color:var(--t);font:600 16px/1.2 system-ui,sans-serif;cursor:pointer}
button:focus-visible{outline:3px solid var(--c);outline-offset:3px}
b{position:absolute;top:-6px;right:-4px;min-width:10px;padding:0 6px;border-radius:11px;background:#b3261e;color:#fff;font-size:13px;line-height:22px}
i{position:fixed;opacity:0;pointer-events:none}
p{bottom:84px;max-width:min(320px,calc(100vw - 40px));margin:0;padding:14px 18px;border-radius:12px;background:#fff;color:#8c1d18;font:15px/1.4 system-ui,sans-serif}
iframe{bottom:84px;width:400px;height:min(640px,calc(100vh - 104px));border-radius:16px;background:Canvas;color-scheme:light dark}
@media(max-width:480px){iframe{inset:0;width:100%;height:100%;border-radius:0}[aria-expanded=true]{visibility:hidden}}`);
  box.adoptedStyleSheets = [sheet];
  box.append(told, note, button);

  const paint = () => {
    const color = kept.color || script.dataset.color || "#4f46e5";
    const part = (at, weight) => weight * (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2;
    root.style.setProperty("--c", color);
    root.style.setProperty("--t", part(1, 0.2126) + part(3, 0.7152) + part(5, 0.0722) > 0.179 ? "#000" : "#fff");
  };
  const count = (unread) => {
    badge.hidden = !unread;
    badge.textContent = unread > 99 ? "99+" : unread;
    told.textContent = unread ? `${unread} unread` : "";
  };
  const say = (text) => {
    note.hidden = !text;
    note.textContent = text;
  };

  const load = () => {
    if (frame) return;
    const src = `${host}/widget/${encodeURIComponent(site)}#${location.origin}`;
    frame = make("iframe", { title: "Chat", src, hidden: "" });
    box.append(frame);
  };
  const drop = () => {
    const old = frame;
    frame = isReady = undefined;
    if (!old) return;
    old.hidden = true;
    setTimeout(() => old.remove(), 500);
  };
  const tell = (magpie, more) => isReady && frame.contentWindow.postMessage({ magpie, ...more }, host);
  const shown = () => tell("shown", { open: isOpen, loud: kept.loud });
  const emit = (name, value) => heard[name]?.forEach((hear) => setTimeout(hear, 0, value));
  addEventListener("message", ({ source, origin, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== host) return;
    const { magpie } = data;
    if (magpie === "ready") {
      isReady = true;
      if (session) tell("session", { session });
      shown();
    } else if (magpie === "renew") renew(data.fresh);
    else if (magpie === "close") api.close();
    else if (magpie === "loud") keep({ ...kept, loud: data.on });
    else if (magpie === "message") emit(magpie, data.message);
    else if (magpie === "unread") {
      count(data.count);
      emit(magpie, data.count);
    }
  });

  const ask = async (mine, fresh) => {
    const answer = await fetch(`${host}/api/v1/widget/sessions`, {
      method: "POST",
      credentials: "omit",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ site_id: site, visitor_token: kept.token, page: location.href.split("#")[0], referrer: document.referrer, identity, fresh }),
    });
    const body = await answer.json();
    if (mine !== life) return;
    if (answer.ok) {
      const { visitor_token: token, ...rest } = body;
      keep({ ...kept, token, color: rest.site.color });
      paint();
      session = rest;
      return tell("session", { session });
    }
    if (!identity || body.code !== "invalid") throw body;
    console.warn("magpie: this identity is not taken:", body.details || body.detail);
    identity = undefined;
    return ask(mine, fresh);
  };
  // One at a time: the second comes with the token that the first got.
  const renew = (fresh) => {
    const mine = life;
    turn = turn.then(() => ask(mine, fresh)).catch(({ code, detail = "The chat cannot be reached. Try again in a moment." }) => {
      if (mine !== life) return;
      if (code === "forbidden") {
        console.warn("magpie:", detail);
        detail = "The chat is not available on this page.";
      }
      if (session) return tell("refused", { code, detail });
      drop();
      if (!isOpen) return;
      api.close();
      say(detail);
    });
  };

  const show = (open) => {
    isOpen = open;
    frame.hidden = !open;
    button.setAttribute("aria-expanded", open);
    shown();
  };
  const api = {
    open() {
      if (isOpen) return;
      say("");
      load();
      show(true);
      frame.focus();
      if (!session) renew();
      emit("open");
    },
    close() {
      if (!isOpen) return;
      if (frame) show(false);
      else button.setAttribute("aria-expanded", (isOpen = false));
      button.focus();
      emit("close");
    },
    toggle: () => (isOpen ? api.close() : api.open()),
    identify(who) {
      identity = who;
      if (frame) renew();
    },
    on: (name, hear) => (heard[name] ||= []).push(hear),
    reset() {
      api.close();
      tell("reset");
      drop();
      life += 1;
      identity = session = undefined;
      keep({ ...kept, token: undefined });
      count(0);
    },
  };
  const call = (name, ...rest) => api[name]?.(...rest);
  window.magpie = Object.assign((...all) => call(...all), { loaded: true });
  button.onclick = api.toggle;
  box.addEventListener("keydown", ({ key }) => key === "Escape" && api.close());
  paint();
  const start = () => {
    document.body.append(root);
    for (const all of stub?.q || []) call(...all);
    const rest = () => kept.token && !frame && (load(), renew());
    window.requestIdleCallback ? requestIdleCallback(rest) : setTimeout(rest, 1000);
  };
  document.body ? start() : addEventListener("DOMContentLoaded", start);
})();
