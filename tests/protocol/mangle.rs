//! From bytes to a text that is nearly a frame: an example, changed where and how the bytes say. A fuzzer that
//! makes up bytes would hardly ever come past the JSON.

/// What may stand in the place of a value, or of anything.
const SPLICES: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0.5",
    "1e999",
    "-0",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890.123456789",
    "\"\"",
    "\"\\ud800\"",
    "\"\\udfff\\ud800\"",
    "\"\\u0000\"",
    "\"\u{feff}\u{202e}\u{10ffff}\"",
    "\"01JD3WQ8ZC3E5V9G7M2K4N6P8R\"",
    "\"81JD3WQ8ZC3E5V9G7M2K4N6P8R\"",
    "\"2026-02-30T25:61:61.999999999+99:99\"",
    "\"2026-11-20T10:48:03.123Z\"",
    "[]",
    "{}",
    "{\"type\":\"chat\",\"type\":7}",
    "{\"ref\":1,\"payload\":[]}",
    "}{",
];

/// One of the examples, changed by the rest of the bytes: four of them to a change.
pub fn mangle(examples: &[&str], bytes: &[u8]) -> String {
    let Some((first, rest)) = bytes.split_first() else { return String::new() };
    let mut text = examples[usize::from(*first) % examples.len()].as_bytes().to_vec();
    for change in rest.chunks(4) {
        let [how, high, low, what] = [0, 1, 2, 3].map(|at| change.get(at).copied().unwrap_or_default());
        let place = usize::from(u16::from_be_bytes([high, low])) % (text.len() + 1);
        apply(&mut text, how % 8, place, what);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn apply(text: &mut Vec<u8>, how: u8, place: usize, what: u8) {
    match how {
        0 => replace_value(text, place, SPLICES[usize::from(what) % SPLICES.len()]),
        1 => insert(text, place, SPLICES[usize::from(what) % SPLICES.len()].as_bytes()),
        2 => text.truncate(place.max(1)),
        3 => {
            let end = (place + usize::from(what)).min(text.len());
            text.drain(place..end);
        }
        4 => {
            if let Some(byte) = text.get_mut(place) {
                *byte = what;
            }
        }
        5 => nest(text, place, usize::from(what)),
        6 => replace_value(text, place, &format!("\"{}\"", "é".repeat(usize::from(what) * 40))),
        _ => {
            let again = text[place..].to_vec();
            insert(text, place, &again[..again.len().min(usize::from(what))]);
        }
    }
}

fn insert(text: &mut Vec<u8>, place: usize, what: &[u8]) {
    text.splice(place..place, what.iter().copied());
}

/// Puts `what` in the place of the value that begins at the next `:`.
fn replace_value(text: &mut Vec<u8>, place: usize, what: &str) {
    let Some(colon) = text[place..].iter().position(|byte| *byte == b':') else { return };
    let from = place + colon + 1;
    let length = text[from..].iter().position(|byte| b",}]".contains(byte)).unwrap_or(text.len() - from);
    text.splice(from..from + length, what.bytes());
}

/// Puts what stands at the next `:` into so many arrays.
fn nest(text: &mut Vec<u8>, place: usize, depth: usize) {
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    replace_value(text, place, &nested);
}
