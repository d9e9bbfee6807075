//! What is in a table: its columns, their kinds and figures, and sums by group.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, csv, read, schema_of};
use crate::protocol::{Event, Side, limits};

pub mod column;
mod groups;
mod table;

use table::Table;

pub struct SummarizeCsv;

pub const NAME: &str = "summarize_csv";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// The CSV, its first row naming the columns. Left out: the CSV in the message that is being answered.
    #[serde(default)]
    data: Option<String>,
    /// A column: the others are summed up for each of its values.
    #[serde(default)]
    group_by: Option<String>,
}

#[async_trait]
impl Tool for SummarizeCsv {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Summarizes CSV: columns, their types, count, missing, minimum, maximum, mean, median and sum; with group_by \
         also rows, sums and means for each value of a column. Leave data out for the CSV in the message itself."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        match arguments["group_by"].as_str() {
            Some(column) => super::short(&format!("Summarizing CSV by {column}")),
            None => "Summarizing CSV".to_owned(),
        }
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { data, group_by } = read(arguments)?;
        let data = match data.filter(|data| !data.trim().is_empty()) {
            Some(data) => data,
            None => of_the_question(context).await?,
        };
        let summary = tokio::task::spawn_blocking(move || summary(&data, group_by.as_deref()));
        let summary = summary.await.map_err(|error| ToolError(format!("The summary failed: {error}")))?;
        summary.map(Into::into).map_err(ToolError)
    }
}

/// The CSV in the message that is being answered.
async fn of_the_question(context: &ToolContext) -> Result<String, ToolError> {
    let page = context.storage.messages(context.conversation_id, None, limits::CONTEXT_MESSAGES, Side::Visitor).await;
    let page = page.map_err(|error| {
        tracing::error!(%error, "the question could not be read");
        ToolError("The message could not be read.".into())
    })?;
    let found = page.messages.iter().find_map(|now| match &now.frame.event {
        Event::Message(message) if message.id == context.question => csv::in_message(&message.text),
        _ => None,
    });
    found.map(str::to_owned).ok_or_else(|| ToolError("The message holds no CSV: give it as `data`.".into()))
}

/// As Markdown.
fn summary(data: &str, group_by: Option<&str>) -> Result<String, String> {
    if data.len() > limits::CSV_BYTES {
        return Err(format!("The CSV is longer than {} KiB.", limits::CSV_BYTES / 1024));
    }
    let table = Table::parse(data)?;
    let mut text = format!("{}\n", table.described());
    text.push_str("\n| column | type | count | missing | min | max | mean | median | sum |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for column in &table.columns {
        text.push_str(&column.row());
        text.push('\n');
    }
    if let Some(name) = group_by {
        text.push('\n');
        text.push_str(&groups::by(&table, name)?);
    }
    Ok(text.trim_end().to_owned())
}

/// A cell of a Markdown table: on one line, bounded, no bar in it.
fn shown(text: &str) -> String {
    super::shortened(text, limits::CSV_CELL_CHARS).replace('\\', "\\\\").replace('|', "\\|")
}

#[cfg(test)]
mod tests;
