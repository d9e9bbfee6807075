//! The rules of `docs/architecture.md`, as far as a file's text shows them.

use super::paths::{Mention, mentions, without_comments_and_strings, words};

/// Who may import whom. A room's own modules are always its own.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("model", &["protocol"]),
    ("client", &["model", "protocol"]),
    // `server` inside function bodies alone: see `api_reaches_the_server_in_bodies_alone`.
    ("api", &["protocol", "server"]),
    ("ui", &["api", "client", "model", "protocol"]),
    ("server", &["model", "protocol"]),
];

/// The one step back: the router mounts the app's pages.
const STEP_BACK: (&str, &str) = ("src/server/router", "ui");

/// Macros that stand at the crate's root, and the room that they belong to.
const ROOT_MACROS: &[(&str, &str)] = &[("fresh_id", "server")];

/// Words that must not stand in a part of the house: (where, word, where it may stand after all, why).
const FORBIDDEN_WORDS: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "src/",
        &["WebSocket"],
        &["src/client/socket", "src/server/"],
        "client/socket is the one user of the browser's socket",
    ),
    ("src/ui", &["gloo_net", "sqlx", "indexed_db"], &[], "ui shows what the store holds"),
    (
        "src/",
        &["sqlx"],
        &["src/server/storage", "src/server/knowledge/sqlite"],
        "SQL lives behind the Storage trait, and Knowledge",
    ),
    ("src/", &["async_nats"], &["src/server/bus"], "nodes talk through the Bus trait"),
    (
        "src/model",
        &["async", "await", "tokio", "rand", "web_sys", "js_sys", "gloo_timers", "Instant", "SystemTime"],
        &[],
        "model is pure: time and chance are passed in",
    ),
    ("src/protocol", &["async", "tokio", "leptos", "axum", "web_sys"], &[], "protocol is types alone"),
];

/// Modules that only some files may name: (module, who may, why). Tests start the real thing, and may too.
const NAMED_IN: &[(&[&str], &[&str], &str)] = &[
    (
        &["server", "storage", "sqlite"],
        &["src/server/storage", "src/server/state"],
        "backends are named in state alone",
    ),
    (
        &["server", "knowledge", "sqlite"],
        &["src/server/knowledge", "src/server/state"],
        "backends are named in state alone",
    ),
    (&["server", "bus", "in_process"], &["src/server/bus", "src/server/state"], "backends are named in state alone"),
];

/// Files above the limit, each for a reason that somebody accepted.
const LONG_FILES: &[&str] = &[
    // One promise after the other on one type, with one set of frames to build them from.
    "src/model/conversation/tests.rs",
];
const LINES: usize = 500;

/// What is wrong with this file, one sentence each. `path` starts with `src/`.
pub fn check(path: &str, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if path.ends_with("/mod.rs") {
        wrong.push("name it after its folder: foo.rs beside foo/, never mod.rs".to_owned());
    }
    let lines = source.lines().count();
    if lines > LINES && !LONG_FILES.contains(&path) {
        wrong.push(format!("{lines} lines: more than one room? At most {LINES}"));
    }
    if !matches!(path, "src/lib.rs" | "src/main.rs") && has_feature_gate(source) {
        wrong.push("a feature gate: the gates stand in lib.rs and main.rs alone".to_owned());
    }
    for (place, forbidden, except, why) in FORBIDDEN_WORDS {
        if path.starts_with(place) && !except.iter().any(|allowed| path.starts_with(allowed)) {
            wrong.extend(words(source, forbidden).iter().map(|word| format!("`{word}`: {why}")));
        }
    }
    let module = module_of(path);
    for mention in mentions(&module, source) {
        wrong.extend(check_mention(path, &module, &mention));
    }
    wrong.dedup();
    wrong
}

fn check_mention(path: &str, module: &[String], mention: &Mention) -> Option<String> {
    let room = module.first()?;
    let (_, allowed) = ARROWS.iter().find(|(name, _)| name == room)?;
    let first = mention.path.first()?.as_str();
    let target = ROOT_MACROS.iter().find(|(name, _)| *name == first).map_or(first, |(_, owner)| owner);
    let is_room = ARROWS.iter().any(|(name, _)| *name == target);
    if is_room && target != room && !allowed.contains(&target) && !is_step_back(path, target) {
        return Some(format!("{room} → {target}: that way leads no arrow"));
    }
    if room == "api" && target == "server" && mention.top_level {
        return Some("api → server outside a function's body".to_owned());
    }
    if is_in(module, &["server", "agents"]) && is_in(&mention.path, &["server", "ws"]) {
        return Some("agents → ws: agents append events, the hub carries them".to_owned());
    }
    if path.ends_with("/tests.rs") {
        return None;
    }
    let (name, _, why) = NAMED_IN
        .iter()
        .find(|(name, who, _)| is_in(&mention.path, name) && !who.iter().any(|allowed| path.starts_with(allowed)))?;
    Some(format!("names {}: {why}", name.join("::")))
}

fn is_step_back(path: &str, target: &str) -> bool {
    path.starts_with(STEP_BACK.0) && target == STEP_BACK.1
}

fn is_in(path: &[String], module: &[&str]) -> bool {
    path.len() >= module.len() && path.iter().zip(module).all(|(a, b)| a == b)
}

fn has_feature_gate(source: &str) -> bool {
    let squeezed: String = without_comments_and_strings(source).chars().filter(|c| !c.is_whitespace()).collect();
    ["cfg(feature", "cfg_attr(feature", "cfg!(feature", "cfg(not(feature", "cfg(any(feature", "cfg(all(feature"]
        .iter()
        .any(|gate| squeezed.contains(gate))
}

/// `src/server/hub.rs` → `["server", "hub"]`; the crate's roots have none.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    if matches!(inner, "lib" | "main") {
        return Vec::new();
    }
    inner.split('/').map(str::to_owned).collect()
}
