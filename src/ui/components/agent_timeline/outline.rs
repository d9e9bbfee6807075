//! What an orchestrator noted, as lines that people read. Pure text.

use serde_json::Value;

/// An object's fields, each with its name in words, what is in them further in.
pub fn outline(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.trim_end().to_owned()
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                line(depth, &[&words(name), ":"].concat(), value, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| line(depth, "–", item, out)),
        plain => {
            out.push_str(&word(plain));
            out.push('\n');
        }
    }
}

fn line(depth: usize, head: &str, value: &Value, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(head);
    match value {
        // How a progress ledger answers each of its questions.
        Value::Object(fields) if fields.contains_key("answer") => {
            let of = |name| fields.get(name).map(word).filter(|text| !text.is_empty());
            out.push(' ');
            out.push_str(&of("answer").unwrap_or_default());
            if let Some(reason) = of("reason") {
                out.push_str(" (");
                out.push_str(&reason);
                out.push(')');
            }
            out.push('\n');
        }
        Value::Object(_) | Value::Array(_) => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        plain => {
            out.push(' ');
            out.push_str(&word(plain));
            out.push('\n');
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `is_request_satisfied` → `Is request satisfied`.
fn words(name: &str) -> String {
    let mut words = name.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ledger_is_read_as_lines() {
        let ledger = json!({
            "facts": ["It rains", "It is cold"],
            "is_request_satisfied": { "answer": false, "reason": "nobody looked yet" },
            "next": { "speaker": "Researcher" },
        });
        let lines = "Facts:\n  – It rains\n  – It is cold\nIs request satisfied: no (nobody looked yet)\nNext:\n  Speaker: Researcher";
        assert_eq!(outline(&ledger), lines);
        assert_eq!(outline(&json!("all of it")), "all of it");
    }
}
