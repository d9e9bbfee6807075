//! Finds the JSON object in what a model wrote: bare, between fences, or with words around it.

use serde_json::{Deserializer, Map, Value};

use crate::protocol::limits;

/// The objects of a reply, the first ones first, each tried where a brace opens. Deeply nested ones are
/// refused by the parser (128 levels); what lies beyond [`limits::LEDGER_BYTES`] is not read.
pub fn objects(reply: &str) -> impl Iterator<Item = Map<String, Value>> {
    let reply = without_thoughts(&reply[..reply.floor_char_boundary(limits::LEDGER_BYTES)]);
    let mut from = 0;
    let mut tries = 0;
    std::iter::from_fn(move || {
        while tries < limits::LEDGER_TRIES {
            tries += 1;
            let at = from + reply[from..].find('{')?;
            let mut values = Deserializer::from_str(&reply[at..]).into_iter::<Map<String, Value>>();
            let found = values.next().and_then(Result::ok);
            from = at + if found.is_some() { values.byte_offset() } else { 1 };
            if found.is_some() {
                return found;
            }
        }
        None
    })
}

/// What follows a reasoning model's thoughts, where it wrote them into its reply.
fn without_thoughts(reply: &str) -> &str {
    reply.rsplit_once("</think>").map_or(reply, |(_, rest)| rest)
}

/// A field by its name, however a model spells it: `isInLoop`, `Is in loop`.
pub fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| letters(key) == letters(name)).map(|(_, value)| value))
}

fn letters(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The object that has one of these fields: this one, or the only one inside, as in `{"ledger": {…}}`.
pub fn unwrapped(mut object: Map<String, Value>, names: &[&str]) -> Option<Map<String, Value>> {
    for _ in 0..4 {
        if names.iter().any(|name| field(&object, name).is_some()) {
            return Some(object);
        }
        let mut inner = object.into_iter().filter_map(|(_, value)| match value {
            Value::Object(inner) => Some(inner),
            _ => None,
        });
        object = inner.next()?;
        if inner.next().is_some() {
            return None;
        }
    }
    None
}

/// Whether a value says yes or no.
pub fn yes(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match letters(text).as_str() {
            "true" | "yes" | "y" | "1" => Some(true),
            "false" | "no" | "n" | "0" | "none" | "notyet" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A value as one text: a string as it is, a list or an object by its parts.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => values.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            fields.values().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
        }
        other => other.to_string(),
    }
}

/// A value as a list: the items of one, or the lines of a text without their bullets.
pub fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(text).filter(|text| !text.is_empty()).collect(),
        other => text(other).lines().map(without_bullet).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    }
}

fn without_bullet(line: &str) -> &str {
    let line = line.trim();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if number.len() < line.len()
        && let Some(rest) = number.strip_prefix(['.', ')'])
    {
        return rest.trim();
    }
    line.trim_start_matches(['-', '*', '•']).trim()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn first(reply: &str) -> Option<Value> {
        objects(reply).next().map(Value::Object)
    }

    #[test]
    fn an_object_is_found_in_fences_and_between_words() {
        for reply in [
            "{\"a\":1}",
            "Sure! Here it is:\n```json\n{\"a\": 1}\n```\nAnything else?",
            "I use {braces} and then {\"a\":1}{\"b\":2}",
            "<think>perhaps {\"a\":7}?</think>\n{\"a\":1}",
            "\u{feff} {\n\t\"a\" : 1 }",
        ] {
            assert_eq!(first(reply), Some(json!({"a": 1})), "{reply}");
        }
    }

    #[test]
    fn what_is_no_object_is_none() {
        for reply in ["", "no", "{", "{\"a\":", "[1,2]", "{\"a\":1", "}{", "{\"a\":\"\\ud800\"}"] {
            assert_eq!(first(reply), None, "{reply}");
        }
        assert_eq!(first(&format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000))), None);
        assert_eq!(first(&"{".repeat(limits::LEDGER_BYTES)), None);
        let beyond = format!("{}{{\"a\":1}}", " ".repeat(limits::LEDGER_BYTES));
        assert_eq!(first(&beyond), None, "what lies beyond the bound is not read");
    }

    #[test]
    fn only_so_many_places_are_tried() {
        let far = |braces: usize| format!("{}{{\"a\":1}}", "{ ".repeat(braces));
        assert!(first(&far(limits::LEDGER_TRIES - 1)).is_some());
        assert!(first(&far(limits::LEDGER_TRIES)).is_none());
    }

    #[test]
    fn a_field_is_found_however_it_is_spelt_and_wrapped() {
        let object = json!({"ledger": {"Is In-Loop": "No"}}).as_object().cloned().unwrap();
        let inner = unwrapped(object, &["is_in_loop"]).unwrap();
        assert_eq!(field(&inner, "is_in_loop").and_then(yes), Some(false));
        let two = json!({"a": {"x": 1}, "b": {"x": 1}}).as_object().cloned().unwrap();
        assert_eq!(unwrapped(two, &["x"]), None);
    }

    #[test]
    fn a_list_is_read_from_a_list_and_from_lines() {
        assert_eq!(lines(&json!(["a", {"by": "c", "step": "b"}, 3, null, ""])), ["a", "c: b", "3"]);
        assert_eq!(lines(&json!("- a\n* b\n\n3. c\n4) d\n2024 was")), ["a", "b", "c", "d", "2024 was"]);
        assert_eq!(lines(&json!(null)), [""; 0]);
    }
}
