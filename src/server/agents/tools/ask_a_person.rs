//! Handing a visitor over to a person. Only in dialogs; it ends the run, and the dialog waits in the queue from the
//! same commit on.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, read, schema_of, shortened};
use crate::protocol::limits;

pub struct AskAPerson;

pub const NAME: &str = "ask_a_person";

/// What the visitor reads where the model has no words of its own.
const FAREWELL: &str = "I am asking a person to take over. Somebody will answer you here.";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// Why, in a few words, for the person who takes over.
    #[serde(default)]
    reason: Option<String>,
    /// The last words to the visitor, in the visitor's language.
    #[serde(default)]
    message: Option<String>,
}

/// What comes of it: the agents fall silent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct HandOver {
    pub farewell: String,
    pub reason: String,
}

#[async_trait]
impl Tool for AskAPerson {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Hands this dialog over to a human colleague and ends your part in it. Use it when the visitor asks for a \
         person, is upset, or needs what you cannot do."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Write
    }

    fn activity(&self, _arguments: &Value) -> String {
        "Asking a person to take over".into()
    }

    async fn call(&self, _context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { reason, message } = read(arguments)?;
        let given = |text: Option<String>, otherwise: &str| {
            let text = text.filter(|text| !text.trim().is_empty());
            text.map_or_else(|| otherwise.to_owned(), |text| shortened(&text, limits::SITE_TEXT_CHARS))
        };
        let hand_over =
            HandOver { farewell: given(message, FAREWELL), reason: given(reason, "The visitor asked for a person.") };
        Ok(ToolOutput { hand_over: Some(hand_over), ..ToolOutput::from("A person is asked.".to_owned()) })
    }
}
