//! Finds what there is to calculate.

use super::{strip_prefix, without_courtesy};
use crate::server::agents::tools::calculate::expression::is_name;

const OPENINGS: [&str; 20] = [
    "what is",
    "what's",
    "whats",
    "what’s",
    "what does",
    "what do",
    "how much is",
    "how much are",
    "how much does",
    "calculate",
    "compute",
    "evaluate",
    "solve",
    "work out",
    "find",
    "what about",
    "how about",
    "add up",
    "give me",
    "=",
];
/// Words for signs, the longest first where one holds another.
const WORDS: [(&str, &str); 14] = [
    ("to the power of", "^"),
    ("raised to", "^"),
    ("multiplied by", "*"),
    ("divided by", "/"),
    ("the square root of", "sqrt"),
    ("square root of", "sqrt"),
    ("percent of", "% of"),
    ("percent", "%"),
    ("squared", "^2"),
    ("cubed", "^3"),
    ("modulo", "mod"),
    ("times", "*"),
    ("minus", "-"),
    ("plus", "+"),
];

/// The expression in a sentence: asked for in words, or all that there is.
pub fn read(sentence: &str) -> Option<String> {
    let sentence = without_courtesy(sentence);
    let asked = OPENINGS.iter().find_map(|opening| strip_prefix(sentence, opening));
    let text = spelled(asked.unwrap_or(sentence));
    let run = runs(&text).into_iter().filter(|run| is_calculation(run)).max_by_key(|run| run.len())?;
    // Six tenths of the sentence, where nobody asked in words.
    let share = run.chars().filter(|c| !c.is_whitespace()).count() * 10;
    let all = text.chars().filter(|c| !c.is_whitespace()).count() * 6;
    (asked.is_some() || share >= all).then(|| run.to_owned())
}

/// With signs in place of words.
fn spelled(text: &str) -> String {
    let mut text = format!(" {} ", text.to_lowercase());
    for (words, sign) in WORDS {
        text = text.replace(&format!(" {words} "), &format!(" {sign} "));
    }
    text
}

/// The longest stretches that could be read as an expression.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut from = None;
    for (at, piece) in pieces(text) {
        let fits = match piece.chars().next() {
            Some(c) if c.is_alphabetic() => is_name(piece) || matches!(piece, "x" | "of" | "mod"),
            Some(c) => c.is_whitespace() || c.is_ascii_digit() || "+-*/^%!().,×÷·−√[]".contains(c),
            None => false,
        };
        match (fits, from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                runs.push(&text[start..at]);
                from = None;
            }
            _ => {}
        }
    }
    runs.extend(from.map(|start| &text[start..]));
    runs.into_iter().map(trimmed).collect()
}

/// Words, and everything else character by character.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first.is_alphabetic() {
            true => rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        pieces.push((text.len() - rest.len(), &rest[..length]));
        rest = &rest[length..];
    }
    pieces
}

/// Without words and signs that belong to the sentence around it.
fn trimmed(run: &str) -> &str {
    let mut run = run.trim();
    loop {
        let before = run;
        run = run.trim_end_matches(['.', ',', ' ']).trim_start_matches([',', ' ', '*', '/', '^', '%']);
        for word in ["of", "x", "e"] {
            run = run.strip_suffix(&format!(" {word}")).unwrap_or(run);
            run = run.strip_prefix(&format!("{word} ")).unwrap_or(run);
        }
        if run == before {
            return run;
        }
    }
}

fn is_calculation(run: &str) -> bool {
    let digits = run.chars().any(|c| c.is_ascii_digit());
    let words = run.split(|c: char| !c.is_alphabetic()).any(|word| is_name(word) || word == "x" || word == "mod");
    // A minus in front is a sign of the number alone.
    let signs = run.chars().skip(1).any(|c| "+-*/^%!×÷·−√".contains(c)) || run.starts_with('√');
    digits && (signs || words)
}
