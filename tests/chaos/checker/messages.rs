//! The messages as they stand now are what the log folds to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(super) fn check(log: &[Value], now: &[Value]) -> Vec<String> {
    let folded = fold(log);
    let now: Vec<_> = now.iter().map(comparable).collect();
    if folded == now {
        return Vec::new();
    }
    let differing = folded.iter().zip(&now).find(|(folded, now)| folded != now);
    vec![format!(
        "the log folds to {} messages, {} are stored; the first that differ: {differing:?}",
        folded.len(),
        now.len()
    )]
}

fn fold(log: &[Value]) -> Vec<Value> {
    let mut messages: Vec<Folded> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for frame in log {
        let about = frame["message_id"].as_str().and_then(|id| places.get(id).copied());
        let by = frame["by"]["id"].as_str().unwrap_or_default();
        match (frame["type"].as_str(), about) {
            (Some("message"), _) => {
                places.insert(frame["id"].as_str().unwrap_or_default(), messages.len());
                messages.push(Folded {
                    message: frame,
                    text: &frame["text"],
                    deleted: false,
                    reactions: BTreeMap::new(),
                });
            }
            (Some("edited"), Some(place)) => messages[place].text = &frame["text"],
            (Some("deleted"), Some(place)) => {
                messages[place].deleted = true;
                messages[place].reactions.clear();
            }
            (Some("reaction"), Some(place)) => {
                let people: &mut Vec<&str> =
                    messages[place].reactions.entry(frame["emoji"].as_str().unwrap_or_default()).or_default();
                people.retain(|person| *person != by);
                if frame["on"] == true {
                    people.push(by);
                }
            }
            _ => {}
        }
    }
    messages.iter().map(Folded::comparable).collect()
}

struct Folded<'a> {
    message: &'a Value,
    text: &'a Value,
    deleted: bool,
    reactions: BTreeMap<&'a str, Vec<&'a str>>,
}

impl Folded<'_> {
    fn comparable(&self) -> Value {
        let reactions: BTreeMap<_, _> = self.reactions.iter().filter(|(_, people)| !people.is_empty()).collect();
        let text = if self.deleted { &Value::from("") } else { self.text };
        json!({
            "id": self.message["id"], "seq": self.message["seq"], "text": text, "deleted": self.deleted,
            "reactions": reactions,
        })
    }
}

fn comparable(message: &Value) -> Value {
    let reactions: BTreeMap<_, Vec<_>> = message["reactions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let people = one["by"].as_array().into_iter().flatten().map(|person| person["id"].as_str()).collect();
            (one["emoji"].as_str().unwrap_or_default(), people)
        })
        .collect();
    json!({
        "id": message["id"], "seq": message["seq"], "text": message["text"],
        "deleted": message["deleted"] == true, "reactions": reactions,
    })
}
