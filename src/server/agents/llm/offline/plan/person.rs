//! Whether somebody wants to talk to a person.

/// Phrases that say so wherever they stand, as whole words.
const PHRASES: [&str; 12] = [
    "talk to a human",
    "speak to a human",
    "talk to a person",
    "speak to a person",
    "speak with a person",
    "talk to someone",
    "real person",
    "real human",
    "human agent",
    "human please",
    "customer service",
    "customer support",
];

/// Words that say so where little else is said.
const WORDS: [&str; 5] = ["operator", "human", "person", "agent", "representative"];

/// How many words a message has that one of [`WORDS`] is the point of.
const FEW: usize = 7;

/// What is asked about such people is a question of its own.
const ABOUT: [&str; 6] = ["what", "who", "why", "how", "is", "are"];

pub(super) fn is_wanted(question: &str) -> bool {
    let words = super::words(question);
    let text = format!(" {} ", words.join(" "));
    let has = |phrase: &str| text.contains(&format!(" {phrase} "));
    if PHRASES.into_iter().any(has) {
        return true;
    }
    let asks_about = words.first().is_some_and(|word| ABOUT.contains(&word.as_str()));
    !asks_about && words.len() <= FEW && WORDS.into_iter().any(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_a_person_is_heard() {
        for wants in [
            "I want to talk to a human",
            "Can I speak to a real person?",
            "operator",
            "Operator, please!",
            "get me a human",
            "a real person",
            "I'd like to talk to a human about my order from last week, it never came",
        ] {
            assert!(is_wanted(wants), "{wants}");
        }
        for does_not in [
            "What is 17 * 23?",
            "Who is the operator of this site?",
            "What does the plus operator do?",
            "My order number is 1234, and the person at the shop said that it would come on Monday",
        ] {
            assert!(!is_wanted(does_not), "{does_not}");
        }
    }
}
