//! Bytes that no log, error or debug print ever shows.

use std::{fmt, sync::Arc};

#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares in a time that does not tell how much of a guess is right.
    pub fn matches(&self, guess: &[u8]) -> bool {
        let differences = self.0.iter().zip(guess).fold(0, |found, (a, b)| found | (a ^ b));
        self.0.len() == guess.len() && std::hint::black_box(differences) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
