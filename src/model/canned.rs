//! Canned replies while they are looked for: what is typed after a `/` at the beginning names one.

use crate::protocol::{desk::Canned, limits, site::MADE_UP_NAME};

/// What is looked for, where the text is nothing but a `/` and a part of a word.
pub fn looked_for(text: &str) -> Option<&str> {
    let word = text.strip_prefix('/')?;
    let is_word = word.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    (is_word && word.chars().count() <= limits::CANNED_SHORTCUT_CHARS).then_some(word)
}

/// Those that are meant, those whose word begins so first, at most [`limits::CANNED_SHOWN`].
pub fn matching<'a>(canned: &'a [Canned], word: &str) -> Vec<&'a Canned> {
    let word = word.to_lowercase();
    let begins = |one: &&Canned| one.shortcut.to_lowercase().starts_with(&word);
    let has = |one: &&Canned| {
        let is_in = |text: &str| text.to_lowercase().contains(&word);
        !begins(one) && (is_in(&one.shortcut) || is_in(&one.text))
    };
    canned.iter().filter(begins).chain(canned.iter().filter(has)).take(limits::CANNED_SHOWN).collect()
}

/// The reply as this visitor gets it. Who has no name but the one that we made up is spoken to without.
pub fn filled(canned: &Canned, visitor: &str) -> String {
    if visitor.starts_with(MADE_UP_NAME) {
        return canned.text.replace(" {name}", "").replace("{name}", "");
    }
    canned.text.replace("{name}", visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canned(shortcut: &str, text: &str) -> Canned {
        Canned { shortcut: shortcut.into(), text: text.into() }
    }

    #[test]
    fn a_slash_and_a_word_look_for_a_reply_and_nothing_else_does() {
        assert_eq!(looked_for("/"), Some(""));
        assert_eq!(looked_for("/ho"), Some("ho"));
        for text in ["", "ho", "see /ho", "/ho there", "/etc/passwd", "/\n"] {
            assert_eq!(looked_for(text), None, "{text:?}");
        }
        assert_eq!(looked_for(&format!("/{}", "x".repeat(limits::CANNED_SHORTCUT_CHARS + 1))), None);
    }

    #[test]
    fn those_that_begin_so_come_before_those_that_have_it_somewhere() {
        let all = [canned("opening", "9 to 5"), canned("Hours", "from 9"), canned("bye", "in an hour")];
        let found = |word| matching(&all, word).iter().map(|one| one.shortcut.as_str()).collect::<Vec<_>>();
        assert_eq!(found("ho"), ["Hours", "bye"]);
        assert_eq!(found(""), ["opening", "Hours", "bye"]);
        assert!(found("nothing").is_empty());
        let many: Vec<_> = (0..limits::CANNED).map(|n| canned(&format!("a{n}"), "x")).collect();
        assert_eq!(matching(&many, "a").len(), limits::CANNED_SHOWN);
    }

    #[test]
    fn the_visitors_name_stands_where_it_belongs() {
        assert_eq!(filled(&canned("hi", "Hello {name}, {name}!"), "Vera"), "Hello Vera, Vera!");
        assert_eq!(
            filled(&canned("hi", "Hello {name}, it is on its way."), "Visitor P8T5"),
            "Hello, it is on its way."
        );
    }
}
