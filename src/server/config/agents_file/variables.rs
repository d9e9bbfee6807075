//! `${NAME}` in a value stands for a variable of the environment, `$${` for `${` itself.

/// The value with its variables; the error says which one is wrong, and never shows a value.
pub fn filled(text: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let (name, after) =
            rest[at + 2..].split_once('}').ok_or("has a ${ without a }; write ${NAME}, or $${ for ${")?;
        if !is_name(name) {
            return Err(format!("names the variable {name:?}; write ${{NAME}} with letters, digits and _"));
        }
        let value = variables(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| format!("takes ${{{name}}}, which is not set; set the variable {name}"))?;
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// What a process of somebody else's needs of ours: where programs, its home and its temporary files are, and its
/// language. Nothing of ours, and no key that our environment may have.
#[expect(clippy::disallowed_methods, reason = "this is server/config: an MCP server's process is started with it")]
pub fn process_environment() -> Vec<(&'static str, std::ffi::OsString)> {
    const NEEDED: [&str; 9] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "SYSTEMROOT"];
    NEEDED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect()
}

/// Those of this process; one that is no UTF-8 counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is server/config: the agents file names its keys by variables")]
pub fn of_the_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, String> {
        filled(text, &|name| match name {
            "KEY" => Some("s3cret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn a_variable_takes_its_place_in_a_value() {
        assert_eq!(fill("Bearer ${KEY}/${KEY}").unwrap(), "Bearer s3cret/s3cret");
        assert_eq!(fill("5 $ and $KEY and $${KEY} and $").unwrap(), "5 $ and $KEY and ${KEY} and $");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        assert_eq!(fill("${MISSING}").unwrap_err(), "takes ${MISSING}, which is not set; set the variable MISSING");
        assert_eq!(fill("${EMPTY}").unwrap_err(), "takes ${EMPTY}, which is not set; set the variable EMPTY");
        assert!(fill("${KEY").unwrap_err().starts_with("has a ${ without a }"));
        assert!(fill("${a b}").unwrap_err().starts_with("names the variable \"a b\""));
        assert!(fill("${}").is_err() && fill("${1A}").is_err());
    }
}
