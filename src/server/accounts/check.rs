//! What an account may be called, and how short a password may not be.

use crate::protocol::{Code, Problem, limits};

/// Names by which agents are addressed, or that would pass for the server's own.
const RESERVED: [&str; 7] = ["agent", "agents", "assistant", "magpie", "system", "everyone", "here"];

/// ASCII, so that no two names look alike; the first is a letter or a digit, so that no name is `..`.
pub(super) fn username(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_good = limits::USERNAME_CHARS.contains(&name.chars().count())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_allowed);
    if !is_good {
        let (least, most) = (limits::USERNAME_CHARS.start(), limits::USERNAME_CHARS.end());
        let takes = format!("{least} to {most} letters (a to z), digits, dots, dashes and underscores");
        return Err(bad_username(&format!("A username has {takes}, and begins with a letter or a digit."), &takes));
    }
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(bad_username("That name belongs to the agents. Choose another.", "reserved"));
    }
    Ok(name.to_owned())
}

fn bad_username(detail: &str, problem: &str) -> Problem {
    let mut refused = Problem::new(Code::BadUsername, detail);
    refused.details.insert("username".into(), problem.into());
    refused
}

pub(super) fn display_name(text: Option<&str>, username: &str) -> Result<String, Problem> {
    let name = text.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(username);
    if name.chars().count() > limits::DISPLAY_NAME_CHARS || name.chars().any(char::is_control) {
        let takes = format!("at most {} characters on one line", limits::DISPLAY_NAME_CHARS);
        return Err(Problem::invalid("display_name", takes));
    }
    Ok(name.to_owned())
}

pub(super) fn new_password(password: &str) -> Result<(), Problem> {
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        let takes = format!("at least {} characters", limits::PASSWORD_CHARS_MIN);
        let mut refused = Problem::new(Code::WeakPassword, format!("A password has {takes}."));
        refused.details.insert("password".into(), takes.into());
        return Err(refused);
    }
    if password.len() > limits::PASSWORD_BYTES_MAX {
        return Err(Problem::invalid("password", format!("at most {} bytes", limits::PASSWORD_BYTES_MAX)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_short_and_plain() {
        let longest = "a".repeat(*limits::USERNAME_CHARS.end());
        for good in ["anna", " anna ", "Anna.B-2_x", "42", &longest] {
            assert_eq!(username(good).unwrap(), good.trim());
        }
        let too_long = "a".repeat(limits::USERNAME_CHARS.end() + 1);
        for bad in ["", "a", "an na", "änna", "..", "-anna", "anna/", "anna@home", "a\0b", &too_long, "Assistant"] {
            assert_eq!(username(bad).unwrap_err().code, Code::BadUsername, "{bad:?}");
        }
    }

    #[test]
    fn a_display_name_is_one_line_or_the_username() {
        assert_eq!(display_name(None, "anna").unwrap(), "anna");
        assert_eq!(display_name(Some("  "), "anna").unwrap(), "anna");
        assert_eq!(display_name(Some(" Anna Ö. "), "anna").unwrap(), "Anna Ö.");
        assert_eq!(display_name(Some(&"ö".repeat(limits::DISPLAY_NAME_CHARS)), "anna").unwrap().chars().count(), 64);
        for bad in ["Anna\nBen", &"ö".repeat(limits::DISPLAY_NAME_CHARS + 1)] {
            assert_eq!(display_name(Some(bad), "anna").unwrap_err().code, Code::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn a_password_has_eight_characters_and_no_book() {
        new_password("12345678").unwrap();
        new_password("öööööööö").unwrap();
        new_password(&"x".repeat(limits::PASSWORD_BYTES_MAX)).unwrap();
        assert_eq!(new_password("1234567").unwrap_err().code, Code::WeakPassword);
        assert_eq!(new_password("ööö1").unwrap_err().code, Code::WeakPassword);
        assert_eq!(new_password(&"x".repeat(limits::PASSWORD_BYTES_MAX + 1)).unwrap_err().code, Code::Invalid);
    }
}
