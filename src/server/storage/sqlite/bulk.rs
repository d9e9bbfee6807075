//! One statement for many rows, `… (VALUES (?, ?), (?, ?), …) …`, and one trip to the database for many
//! statements.
//!
//! Each trip costs two changes of thread, so a [`Script`] takes what belongs together in one. It is prepared
//! once for each of a few sizes; a batch takes the smallest that holds it and fills up with rows of NULLs, which
//! `column1 IS NOT NULL` leaves out. So the commit of 2 writes and the commit of 200 cost the same number of
//! statements, all of them prepared.

use std::sync::OnceLock;

use sqlx::{
    Arguments, Encode, Sqlite, SqliteConnection, Type,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::protocol::limits::WRITES_PER_COMMIT;

const SIZES: [usize; 8] = [1, 4, 8, 16, 32, 64, 128, WRITES_PER_COMMIT];

/// `before (VALUES …) after`; the rows are its only parameters.
pub(super) struct Bulk {
    before: &'static str,
    columns: usize,
    after: &'static str,
}

impl Bulk {
    pub(super) const fn new(before: &'static str, columns: usize, after: &'static str) -> Self {
        Self { before, columns, after }
    }

    fn text(&self, size: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        format!("{} (VALUES {}) {}", self.before, vec![row; size].join(","), self.after)
    }
}

/// Statements that go to the database together, in this order: the first that fails is the last.
pub(super) struct Script {
    before: &'static str,
    bulks: &'static [&'static Bulk],
    after: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl Script {
    pub(super) const fn new(before: &'static str, bulks: &'static [&'static Bulk], after: &'static str) -> Self {
        Self { before, bulks, after, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// For at most so many rows in each of its bulks, and never more than [`WRITES_PER_COMMIT`].
    pub(super) fn of(&'static self, rows: usize) -> Filling {
        let class = SIZES.iter().position(|size| rows <= *size).unwrap_or(SIZES.len() - 1);
        let mut row = Row { arguments: SqliteArguments::default(), failed: None };
        row.arguments.reserve(SIZES[class] * self.bulks.iter().map(|bulk| bulk.columns).sum::<usize>(), 0);
        Filling { script: self, class, filled: 0, row }
    }

    fn text(&'static self, class: usize) -> &'static str {
        self.texts[class].get_or_init(|| {
            let bulks: Vec<_> = self.bulks.iter().map(|bulk| bulk.text(SIZES[class])).collect();
            format!("{}{}{}", self.before, bulks.join("; "), self.after)
        })
    }
}

/// A script that gets its rows, bulk after bulk.
pub(super) struct Filling {
    script: &'static Script,
    class: usize,
    filled: usize,
    row: Row,
}

impl Filling {
    /// The rows of the next bulk.
    pub(super) fn rows<R>(mut self, rows: impl IntoIterator<Item = R>, bind: impl Fn(&mut Row, R)) -> Self {
        let columns = self.script.bulks.get(self.filled).map_or(0, |bulk| bulk.columns);
        let mut count = 0;
        for each in rows {
            bind(&mut self.row, each);
            count += 1;
        }
        for _ in count * columns..SIZES[self.class] * columns {
            self.row.bind(None::<i64>);
        }
        self.filled += 1;
        self
    }

    pub(super) async fn execute(self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let (text, arguments) = self.statement()?;
        sqlx::query_with(text, arguments).execute(connection).await.map(drop)
    }

    /// The rows of whichever statement has some.
    pub(super) async fn fetch(self, connection: &mut SqliteConnection) -> sqlx::Result<Vec<SqliteRow>> {
        let (text, arguments) = self.statement()?;
        sqlx::query_with(text, arguments).fetch_all(connection).await
    }

    fn statement(self) -> sqlx::Result<(&'static str, SqliteArguments)> {
        match self.row.failed {
            Some(error) => Err(sqlx::Error::Encode(error)),
            None => Ok((self.script.text(self.class), self.row.arguments)),
        }
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
