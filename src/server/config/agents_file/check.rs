//! What is wrong with the file, gathered: the line of each value, the rules that several of them share.

use std::ops::{Range, RangeInclusive};

use super::{
    Variables, variables,
    written::{Number, Text, TextTable, Texts},
};
use crate::protocol::limits;

pub struct Check<'a> {
    source: &'a str,
    variables: Variables<'a>,
    /// With the line that each is on.
    problems: Vec<(usize, String)>,
}

impl<'a> Check<'a> {
    pub fn new(source: &'a str, variables: Variables<'a>) -> Self {
        Self { source, variables, problems: Vec::new() }
    }

    /// `what` says what to write instead.
    pub fn wrong(&mut self, span: Range<usize>, field: &str, what: impl AsRef<str>) {
        let line = self.line(span);
        self.problems.push((line, format!("line {line}, {field}: {}.", what.as_ref())));
    }

    pub fn line(&self, span: Range<usize>) -> usize {
        line_of(self.source, span.start)
    }

    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// What was read, unless something is wrong with it.
    pub fn done<T>(mut self, read: T) -> Result<T, Vec<String>> {
        if self.problems.is_empty() {
            return Ok(read);
        }
        self.problems.sort_by_key(|(line, _)| *line);
        let more = self.problems.len().saturating_sub(limits::AGENTS_FILE_PROBLEMS);
        let mut told: Vec<_> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        if more > 0 {
            told.truncate(limits::AGENTS_FILE_PROBLEMS);
            told.push(format!("{more} more mistakes below."));
        }
        Err(told)
    }

    /// A text of at most so many characters on one line, trimmed; `None`, and told, where it is empty or too long.
    pub fn line_of_text(&mut self, text: &Text, field: &str, chars: usize) -> Option<String> {
        let trimmed = text.get_ref().trim();
        if trimmed.is_empty() {
            self.wrong(text.span(), field, "is empty; write a text, or leave the field out");
        } else if trimmed.chars().count() > chars {
            self.wrong(text.span(), field, format!("has more than {chars} characters; shorten it"));
        } else if trimmed.contains(char::is_control) {
            self.wrong(text.span(), field, "has a line break or a control character; write it on one line");
        } else {
            return Some(trimmed.to_owned());
        }
        None
    }

    /// A whole number within these bounds; `None` where it is left out or wrong.
    pub fn number<T: TryFrom<i64>>(
        &mut self,
        number: Option<&Number>,
        field: &str,
        bounds: RangeInclusive<i64>,
    ) -> Option<T> {
        let number = number?;
        let value = number.get_ref().0;
        if bounds.contains(&value) {
            return T::try_from(value).ok();
        }
        let (from, to) = bounds.into_inner();
        let takes = if to == i64::MAX { format!("{from} or more") } else { format!("{from} to {to}") };
        self.wrong(number.span(), field, format!("takes {takes}; it is {value}"));
        None
    }

    /// The entries of a list, each with something in it; those that are wrong are told and left out.
    pub fn list(&mut self, texts: Option<Texts>, field: &str) -> Vec<Text> {
        let Some(texts) = texts else { return Vec::new() };
        if texts.get_ref().len() > limits::AGENTS_FILE_ENTRIES {
            self.wrong(texts.span(), field, too_many("entries", limits::AGENTS_FILE_ENTRIES));
        }
        texts.into_inner().into_iter().take(limits::AGENTS_FILE_ENTRIES).collect()
    }

    /// The same for a table, with the span of each value.
    pub fn table(&mut self, table: Option<TextTable>, field: &str) -> Vec<(String, Text)> {
        let Some(table) = table else { return Vec::new() };
        if table.get_ref().len() > limits::AGENTS_FILE_ENTRIES {
            self.wrong(table.span(), field, too_many("entries", limits::AGENTS_FILE_ENTRIES));
        }
        table.into_inner().into_iter().take(limits::AGENTS_FILE_ENTRIES).collect()
    }

    /// The value with the variables that it names.
    pub fn filled(&mut self, text: &Text, field: &str) -> String {
        variables::filled(text.get_ref(), self.variables).unwrap_or_else(|why| {
            self.wrong(text.span(), field, why);
            String::new()
        })
    }
}

pub fn too_many(what: &str, most: usize) -> String {
    format!("has too many {what}; at most {most} can be given")
}

/// From 1.
pub fn line_of(source: &str, at: usize) -> usize {
    let before = source.as_bytes().get(..at).unwrap_or(source.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
