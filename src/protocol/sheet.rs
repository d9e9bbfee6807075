//! Pages of the settings, as the server describes them: forms and tables in words, so that the browser's code knows
//! none of them by name.

use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

use super::{
    read::{Read, field},
    settings::{Form, Notice},
    time::Timestamp,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    pub title: String,
    pub note: String,
    /// What came of a form that was sent from a row of a table.
    pub notice: Option<Notice>,
    pub forms: Vec<Form>,
    pub tables: Vec<Table>,
    /// How often its tables are asked for again while it is looked at, in milliseconds; 0: never.
    pub refresh_ms: u32,
}

crate::deserialize_by_reading!(Sheet);

impl Read for Sheet {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            title: field(value, "title")?,
            note: field(value, "note")?,
            notice: field(value, "notice")?,
            forms: field(value, "forms")?,
            tables: field(value, "tables")?,
            refresh_ms: field(value, "refresh_ms")?,
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub id: String,
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
    /// What is said where there are no rows.
    pub empty: String,
    /// Where older rows are.
    pub older: Option<Link>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Row {
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cell {
    pub text: String,
    pub at: Option<Timestamp>,
    pub links: Vec<Link>,
    pub actions: Vec<RowAction>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub href: String,
}

/// A button that is a form of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RowAction {
    pub label: String,
    /// With what it is done to, for who sees no table.
    pub name: String,
    /// Where it is sent.
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub is_dangerous: bool,
}

impl Row {
    pub fn of(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self { cells: cells.into_iter().collect() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self { at: Some(at), ..Self::default() }
    }
}

impl From<RowAction> for Cell {
    fn from(action: RowAction) -> Self {
        Self { actions: vec![action], ..Self::default() }
    }
}
