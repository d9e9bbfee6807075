//! One statement for many rows: `… (VALUES (?, ?), (?, ?), …) …`.
//!
//! A statement is prepared once for each of a few sizes; a batch takes the smallest that holds it and fills
//! up with rows of NULLs, which `column1 IS NOT NULL` leaves out. So the commit of 2 writes and the commit of
//! 200 cost the same number of statements, all of them prepared.

use std::sync::OnceLock;

use sqlx::{
    Arguments, Encode, Sqlite, SqliteConnection, Type,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::protocol::limits::WRITES_PER_COMMIT;

const SIZES: [usize; 4] = [1, 8, 64, WRITES_PER_COMMIT];

/// `before (VALUES …) after`; the rows are its only parameters.
pub(super) struct Bulk {
    before: &'static str,
    columns: usize,
    after: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Bulk {
    pub(super) const fn new(before: &'static str, columns: usize, after: &'static str) -> Self {
        Self { before, columns, after, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    pub(super) async fn execute<R>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[R],
        bind: impl Fn(&mut Row, &R),
    ) -> sqlx::Result<()> {
        for rows in rows.chunks(WRITES_PER_COMMIT) {
            let (text, arguments) = self.statement(rows, &bind)?;
            sqlx::query_with(text, arguments).execute(&mut *connection).await?;
        }
        Ok(())
    }

    pub(super) async fn fetch<R>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[R],
        bind: impl Fn(&mut Row, &R),
    ) -> sqlx::Result<Vec<SqliteRow>> {
        let mut found = Vec::with_capacity(rows.len());
        for rows in rows.chunks(WRITES_PER_COMMIT) {
            let (text, arguments) = self.statement(rows, &bind)?;
            found.extend(sqlx::query_with(text, arguments).fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    fn statement<R>(
        &'static self,
        rows: &[R],
        bind: &impl Fn(&mut Row, &R),
    ) -> sqlx::Result<(&'static str, SqliteArguments)> {
        let class = SIZES.iter().position(|size| rows.len() <= *size).unwrap_or(SIZES.len() - 1);
        let mut row = Row { arguments: SqliteArguments::default(), failed: None };
        row.arguments.reserve(SIZES[class] * self.columns, 0);
        for each in rows {
            bind(&mut row, each);
        }
        for _ in rows.len() * self.columns..SIZES[class] * self.columns {
            row.bind(None::<i64>);
        }
        match row.failed {
            Some(error) => Err(sqlx::Error::Encode(error)),
            None => Ok((self.text(class), row.arguments)),
        }
    }

    fn text(&'static self, class: usize) -> &'static str {
        self.texts[class].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(","));
            format!("{} (VALUES {}) {}", self.before, vec![row; SIZES[class]].join(","), self.after)
        })
    }
}

/// Takes the columns of one row after the other.
pub(super) struct Row {
    arguments: SqliteArguments,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Row {
    pub(super) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite> + 't>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.failed.get_or_insert(error);
        }
        self
    }
}
