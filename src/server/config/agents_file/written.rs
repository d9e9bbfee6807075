//! The file as it is written: every value with its place, nothing checked but its shape. A field that is not
//! here is a mistake in the file.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use toml::Spanned;

use super::check::line_of;

pub type Text = Spanned<String>;
pub type Texts = Spanned<Vec<Text>>;
pub type TextTable = Spanned<BTreeMap<String, Text>>;
pub type Number = Spanned<Whole>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Written {
    pub leader: Option<Text>,
    #[serde(default)]
    pub agents: Vec<Spanned<Agent>>,
    pub teamwork: Option<Teamwork>,
    pub budget: Option<Budgets>,
    pub prices: Option<Spanned<Prices>>,
    #[serde(default)]
    pub mcp: Vec<Spanned<Server>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Agent {
    pub name: Option<Text>,
    pub emoji: Option<Text>,
    pub description: Option<Text>,
    pub prompt: Option<Text>,
    pub prompt_file: Option<Text>,
    pub model: Option<Text>,
    pub tools: Option<Texts>,
    pub ask_before: Option<Texts>,
    pub max_turns: Option<Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Teamwork {
    pub max_turns: Option<Number>,
    pub max_stalls: Option<Number>,
    pub max_replans: Option<Number>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Budgets {
    pub run: Option<Budget>,
    pub user_day: Option<Budget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Budget {
    pub turns: Option<Number>,
    pub tokens: Option<Number>,
    pub seconds: Option<Number>,
    pub cost: Option<Spanned<Decimal>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Prices {
    pub currency: Option<Text>,
    pub models: Option<Spanned<BTreeMap<String, Spanned<Price>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Price {
    pub input: Option<Spanned<Decimal>>,
    pub output: Option<Spanned<Decimal>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Server {
    pub name: Option<Text>,
    pub command: Option<Text>,
    pub args: Option<Texts>,
    pub env: Option<TextTable>,
    pub url: Option<Text>,
    pub headers: Option<TextTable>,
    pub ask_before: Option<Texts>,
    pub class: Option<Text>,
    pub timeout_s: Option<Number>,
}

#[derive(Clone, Copy)]
pub struct Whole(pub i64);

#[derive(Clone, Copy)]
pub struct Decimal(pub f64);

struct NumberVisitor {
    expects: &'static str,
    fractions: bool,
}

/// A number as it is written: whole, or with a fraction where there may be one.
enum Read {
    Whole(i64),
    Fraction(f64),
}

impl Visitor<'_> for NumberVisitor {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.expects)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Read, E> {
        Ok(Read::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Read, E> {
        Ok(Read::Whole(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Read, E> {
        if !self.fractions {
            return Err(E::invalid_type(serde::de::Unexpected::Float(value), &self));
        }
        Ok(Read::Fraction(value))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = NumberVisitor { expects: "a whole number", fractions: false };
        Ok(match deserializer.deserialize_any(visitor)? {
            Read::Whole(value) => Self(value),
            Read::Fraction(value) => Self(value as i64),
        })
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = NumberVisitor { expects: "a number, such as 0.25", fractions: true };
        Ok(match deserializer.deserialize_any(visitor)? {
            Read::Whole(value) => Self(value as f64),
            Read::Fraction(value) => Self(value),
        })
    }
}

/// The error: what is wrong with the file's shape, with line and field.
pub fn parse(text: &str) -> Result<Written, Vec<String>> {
    let at = |error: &toml::de::Error| error.span().map_or(1, |span| line_of(text, span.start));
    let syntax = |error: toml::de::Error| vec![format!("line {}: this is not TOML: {}.", at(&error), error.message())];
    let document = toml::Deserializer::parse(text).map_err(syntax)?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let field = field_of(&error.path().to_string());
        let error = error.into_inner();
        vec![format!("line {}{field}: {}.", at(&error), in_plain_words(error.message()))]
    })
}

/// `agents[0].tools` → `, agents.tools`; without what the parser puts in to find the place.
fn field_of(path: &str) -> String {
    let named = |part: &&str| !part.is_empty() && !part.starts_with("$__") && *part != "." && *part != "?";
    let parts: Vec<&str> =
        path.split('.').map(|part| part.split('[').next().unwrap_or_default()).filter(named).collect();
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(".")) }
}

/// What a value is instead is not repeated: it may be a key.
fn in_plain_words(message: &str) -> String {
    let Some((is, takes)) = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return message.to_owned();
    };
    match (is, takes) {
        ("map", "a sequence") => "takes a list of tables; write [[…]], with two brackets".to_owned(),
        (_, "a sequence") => "takes a list, such as [\"…\"]".to_owned(),
        (_, "a map") => "takes a table".to_owned(),
        (_, "a string") => "takes a text, in quotes".to_owned(),
        _ => format!("takes {takes}"),
    }
}
