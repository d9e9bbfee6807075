//! What a question looks for: its words, but for those that every question has.

use crate::protocol::limits;

const COMMON: &[&str] = &[
    "a",
    "about",
    "according",
    "all",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "been",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doc",
    "docs",
    "documentation",
    "find",
    "for",
    "from",
    "get",
    "give",
    "had",
    "has",
    "have",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "knowledge",
    "base",
    "know",
    "like",
    "long",
    "many",
    "me",
    "much",
    "my",
    "need",
    "of",
    "often",
    "on",
    "or",
    "our",
    "please",
    "say",
    "says",
    "should",
    "so",
    "some",
    "take",
    "takes",
    "tell",
    "that",
    "the",
    "their",
    "them",
    "there",
    "these",
    "they",
    "this",
    "those",
    "time",
    "to",
    "until",
    "us",
    "use",
    "want",
    "was",
    "we",
    "were",
    "what",
    "whats",
    "when",
    "where",
    "which",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
];

/// In lower case, each once. All of them, where every one is common.
pub(super) fn of(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let parts = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in parts.map(str::to_lowercase) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let rare: Vec<String> = words.iter().filter(|word| !COMMON.contains(&word.as_str())).cloned().collect();
    let mut words = if rare.is_empty() { words } else { rare };
    words.truncate(limits::KNOWLEDGE_WORDS);
    words
}

/// A word as the index's language has a text: no operator, whatever it is.
pub(super) fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\"").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_looks_for_what_is_rare_in_questions() {
        assert_eq!(of("How do I restore a backup?"), ["restore", "backup"]);
        assert_eq!(of("What is the SLA of Tier-2, tier 2?"), ["sla", "tier", "2"]);
        assert_eq!(of("How long do refunds take?"), ["refunds"]);
        assert_eq!(of("what is it"), ["what", "is", "it"]);
        assert_eq!(of("?!"), [""; 0]);
        assert_eq!(of(&(0..100).map(|at| format!("w{at} ")).collect::<String>()).len(), limits::KNOWLEDGE_WORDS);
    }
}
