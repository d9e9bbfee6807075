//! Read positions: everyone's, of one batch, in two statements.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{
    batch::Batch,
    bulk::{Bulk, Script},
    dialogs,
};
use crate::{
    protocol::{ConversationId, Seq, UserId},
    server::storage::{Appended, Result, StorageError},
};

pub(super) struct Read {
    pub(super) user: UserId,
    pub(super) conversation: ConversationId,
    pub(super) up_to: Seq,
}

static POSITIONS: Bulk = Bulk::new(
    "SELECT v.column1, c.head, m.up_to FROM",
    3,
    "v JOIN conversations c ON c.id = v.column2
     JOIN members m ON m.conversation_id = v.column2 AND m.user_id = v.column3
     WHERE v.column1 IS NOT NULL",
);

pub(super) static MOVE: Bulk = Bulk::new(
    "UPDATE members SET up_to = v.column3 FROM",
    3,
    "v WHERE v.column1 IS NOT NULL AND members.conversation_id = v.column1 AND members.user_id = v.column2",
);

static LOOK: Script = Script::new("", &[&POSITIONS], "");
static WRITE: Script = Script::new("", &[&MOVE], "");

/// Each outcome is the position (`seq`) and whether it moved (`changed`).
pub(super) async fn perform(batch: &mut Batch, reads: &[Read]) -> Result<Vec<Result<Appended>>> {
    if reads.is_empty() {
        return Ok(Vec::new());
    }
    let look = LOOK.of(reads.len()).rows(reads.iter().zip(0i64..), |row, (read, place)| {
        row.bind(place).bind(read.conversation).bind(read.user);
    });
    let rows = look.fetch(batch.connection()).await?;
    let mut heads: HashMap<usize, Seq> = HashMap::new();
    let mut positions: HashMap<(ConversationId, UserId), Seq> = HashMap::new();
    for row in rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default();
        heads.insert(place, row.try_get(1)?);
        positions.insert((reads[place].conversation, reads[place].user), row.try_get(2)?);
    }
    let mut moved = HashMap::new();
    let mut outcomes = Vec::with_capacity(reads.len());
    for (place, read) in reads.iter().enumerate() {
        let key = (read.conversation, read.user);
        let outcome = match (heads.get(&place), positions.get_mut(&key)) {
            (None, _) => dialogs::read(batch.connection(), read).await,
            (Some(head), Some(position)) => {
                let wanted = read.up_to.min(*head);
                let changed = wanted > *position;
                if changed {
                    *position = wanted;
                    moved.insert(key, wanted);
                }
                Ok(Appended { seq: *position, posted: None, changed })
            }
            _ => Err(StorageError::NotFound),
        };
        outcomes.push(outcome);
    }
    if !moved.is_empty() {
        let write = WRITE.of(moved.len()).rows(moved, |row, ((conversation, user), up_to)| {
            row.bind(conversation).bind(user).bind(up_to);
        });
        write.execute(batch.connection()).await?;
    }
    Ok(outcomes)
}
