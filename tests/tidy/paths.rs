//! Finds which modules a source file names: every path that starts at `crate`, `super`, `self` or `magpie`.
//!
//! A small tokenizer instead of a Rust parser: it reads paths in `use` groups and in code alike, and knows
//! enough of comments and strings to leave what is written there alone.

/// One path, resolved from the crate's root: `["server", "storage", "Storage"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub path: Vec<String>,
    /// Outside of every brace but those of a `use` group: not in a function's body.
    pub top_level: bool,
}

/// The mentions of a file whose own module is `module`: `["server", "hub"]` for `src/server/hub.rs`.
pub fn mentions(module: &[String], source: &str) -> Vec<Mention> {
    let code = without_comments_and_strings(source);
    let tokens = tokens(&code);
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0usize);
    while at < tokens.len() {
        match tokens[at] {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "crate" | "super" | "self" | "magpie"
                if tokens.get(at + 1) == Some(&"::") && !follows_path(&tokens, at) =>
            {
                let mut paths = Vec::new();
                at = read_tree(&tokens, at, &mut Vec::new(), &mut paths);
                let resolved = paths.into_iter().filter_map(|path| resolve(module, &path));
                found.extend(resolved.map(|path| Mention { path, top_level: depth == 0 }));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether any of these words stands in the code as a word of its own.
pub fn words<'a>(source: &str, wanted: &[&'a str]) -> Vec<&'a str> {
    let code = without_comments_and_strings(source);
    let tokens = tokens(&code);
    wanted.iter().copied().filter(|word| tokens.contains(word)).collect()
}

fn follows_path(tokens: &[&str], at: usize) -> bool {
    at > 0 && tokens[at - 1] == "::"
}

/// Reads `a::b::{c, d::*}` from `at`; returns where it ends.
fn read_tree(tokens: &[&str], mut at: usize, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth_before = prefix.len();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match *token {
                        "}" => {
                            at += 1;
                            break;
                        }
                        "," => at += 1,
                        _ => {
                            let next = read_tree(tokens, at, prefix, paths);
                            // `self`, a rename or anything else that is no path: step over it.
                            at = next.max(at + 1);
                        }
                    }
                }
                break;
            }
            Some(token) if is_word(token) || *token == "*" => {
                prefix.push((*token).to_owned());
                at += 1;
                if tokens.get(at) == Some(&"::") {
                    at += 1;
                } else {
                    paths.push(prefix.clone());
                    break;
                }
            }
            // `::<T>` and the like: the path ends here.
            _ => {
                paths.push(prefix.clone());
                break;
            }
        }
    }
    prefix.truncate(depth_before);
    at
}

fn resolve(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut base = match path.first()?.as_str() {
        "crate" | "magpie" => Vec::new(),
        _ => module.to_vec(),
    };
    for (i, segment) in path.iter().enumerate() {
        match segment.as_str() {
            "crate" | "magpie" if i == 0 => {}
            "self" => {}
            "super" => {
                base.pop()?;
            }
            other => base.push(other.to_owned()),
        }
    }
    Some(base)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    found
}

/// The code alone: comments and the insides of string and character literals become spaces.
pub fn without_comments_and_strings(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest).filter(|_| !code.ends_with(|c: char| c.is_alphanumeric())) {
            length
        } else if first == '"' {
            string(rest)
        } else if first == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped > 0 {
            code.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

/// The length of a raw string at the start of `text`: `r"…"`, `r#"…"#`.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.bytes().take_while(|byte| *byte == b'#').count();
    let body = text.get(1 + hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close)?;
    Some(1 + hashes + 1 + end + close.len())
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(0, |end| end + 3),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}
