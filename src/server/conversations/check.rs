//! The bounds of what people write, each from `protocol/limits`, each refusal naming its field.

use crate::protocol::{Code, Problem, limits};

/// A message's text, trimmed.
pub fn text(message: &str) -> Result<String, Problem> {
    let text = message.trim();
    if text.is_empty() {
        return Err(Problem::invalid("message", "there is nothing in it"));
    }
    if text.len() > limits::MESSAGE_BYTES {
        let takes = format!("at most {} bytes; it has {}", limits::MESSAGE_BYTES, text.len());
        let mut refused = Problem::new(Code::TooLarge, format!("A message has {takes}."));
        refused.details.insert("message".into(), takes.into());
        return Err(refused);
    }
    Ok(text.to_owned())
}

/// A conversation's title, trimmed.
pub(super) fn title(title: &str) -> Result<String, Problem> {
    let title = title.trim();
    if title.is_empty() || title.chars().count() > limits::TITLE_CHARS || title.chars().any(char::is_control) {
        return Err(Problem::invalid("title", format!("1 to {} characters on one line", limits::TITLE_CHARS)));
    }
    Ok(title.to_owned())
}

/// One emoji, as far as can be told without a table of them: short, and without a gap.
pub(super) fn emoji(emoji: &str) -> Result<String, Problem> {
    let emoji = emoji.trim();
    let is_strange = |c: char| c.is_control() || c.is_whitespace();
    if emoji.is_empty() || emoji.len() > limits::EMOJI_BYTES || emoji.contains(is_strange) {
        return Err(Problem::invalid("emoji", format!("one emoji, 1 to {} bytes", limits::EMOJI_BYTES)));
    }
    Ok(emoji.to_owned())
}

/// How many to give: what is left out is the default, what is too much is the most.
pub(super) fn limit(asked: Option<u64>, default: u64, most: u64) -> Result<u64, Problem> {
    match asked {
        Some(0) => Err(Problem::invalid("limit", format!("1 to {most}"))),
        asked => Ok(asked.unwrap_or(default).min(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_1_to_32768_bytes_after_trimming() {
        assert_eq!(text("  hi \n").unwrap(), "hi");
        let longest = "é".repeat(limits::MESSAGE_BYTES / 2);
        assert_eq!(text(&format!(" {longest} ")).unwrap(), longest);
        assert_eq!(text(&format!("{longest}!")).unwrap_err().code, Code::TooLarge);
        for empty in ["", " \n\t "] {
            let problem = text(empty).unwrap_err();
            assert_eq!(problem.code, Code::Invalid);
            assert!(problem.details.contains_key("message"));
        }
    }

    #[test]
    fn a_title_is_one_line_of_1_to_120_characters() {
        assert_eq!(title(" Plans ").unwrap(), "Plans");
        title(&"ö".repeat(limits::TITLE_CHARS)).unwrap();
        for bad in ["", "  ", "a\nb", &"ö".repeat(limits::TITLE_CHARS + 1)] {
            assert!(title(bad).unwrap_err().details.contains_key("title"), "{bad:?}");
        }
    }

    #[test]
    fn an_emoji_is_short_and_visible() {
        for good in ["👍", "👩‍👩‍👧‍👦", "+1"] {
            assert_eq!(emoji(good).unwrap(), good);
        }
        for bad in ["", " ", "a\u{7}", "a b", &"x".repeat(limits::EMOJI_BYTES + 1)] {
            assert!(emoji(bad).unwrap_err().details.contains_key("emoji"), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_is_never_nothing_and_never_too_much() {
        assert_eq!(limit(None, 60, 200).unwrap(), 60);
        assert_eq!(limit(Some(7), 60, 200).unwrap(), 7);
        assert_eq!(limit(Some(u64::MAX), 60, 200).unwrap(), 200);
        assert!(limit(Some(0), 60, 200).is_err());
    }
}
