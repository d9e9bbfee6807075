//! Why the server does not start, for the person who started it: each names the setting and what it takes.

use std::{
    io,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{variable} takes {takes}; it is set to {found:?}.")]
    Invalid { variable: &'static str, takes: String, found: String },
    #[error("{variable}: {what} is not supported yet by this version; it takes {takes}.")]
    NotYet { variable: &'static str, what: &'static str, takes: &'static str },
    #[error("{variable} takes {takes}. MAGPIE_LLM_PROVIDER=offline needs none of it.")]
    Model { variable: &'static str, takes: &'static str },
    #[error("{0} is set and MAGPIE_LLM_PROVIDER is not: name the provider, too, or unset both.")]
    NoProvider(&'static str),
    #[error("{variable} is set and {needs} is not: set both or neither.")]
    Needs { variable: &'static str, needs: &'static str },
    #[error("MAGPIE_SETTINGS_KEY is empty: give it 32 random bytes or more, or leave it unset and a key is made.")]
    EmptySettingsKey,
    #[error("{} is empty: put the right file back, or delete it and set the keys again in Settings.", .0.display())]
    EmptySettingsKeyFile(PathBuf),
    #[error("MAGPIE_JWT_SECRET is empty: give it 32 random bytes or more, or leave it unset and one is made.")]
    EmptySecret,
    #[error("{} is empty: delete it, and a new secret is made (everybody signs in again).", .0.display())]
    EmptySecretFile(PathBuf),
    #[error("{}: {action}: {error}. MAGPIE_DATA_DIR names another directory.", path.display())]
    DataDir { path: PathBuf, action: &'static str, error: io::Error },
    #[error("MAGPIE_AGENTS_FILE: {}", told(path, problems))]
    AgentsFile { path: PathBuf, problems: Vec<String> },
    #[error(
        "{} is in use by another magpie. Stop that one first, or give this one its own MAGPIE_DATA_DIR.",
        .0.display()
    )]
    InUse(PathBuf),
}

impl ConfigError {
    pub(super) fn invalid(variable: &'static str, takes: &str, found: &str) -> Self {
        Self::Invalid { variable, takes: takes.to_owned(), found: found.to_owned() }
    }
}

/// Each mistake on a line of its own, with the file.
fn told(path: &Path, problems: &[String]) -> String {
    let told: Vec<_> = problems.iter().map(|problem| format!("{}: {problem}", path.display())).collect();
    told.join("\n")
}
