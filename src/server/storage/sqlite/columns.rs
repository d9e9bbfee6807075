//! How our newtypes stand in a column: ids as 16-byte BLOBs, seq and time as integers, roles and kinds as
//! their words on the wire.

use sqlx::{
    Decode, Encode, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};

use crate::protocol::{
    ChartId, ConversationId, DeliveryId, LogEpoch, MessageId, RunId, Seq, SessionId, SiteId, Timestamp, UserId,
    WebhookId,
    admin::AuditAction,
    dialog::DialogStatus,
    http::{Kind, Role},
    webhook::{DeliveryStatus, WebhookEvent},
};

/// `$name` is kept in a column as `$column`.
macro_rules! kept_as {
    ($column:ty, $($name:ty: $to:expr, $from:expr;)*) => {$(
        impl Type<Sqlite> for $name {
            fn type_info() -> SqliteTypeInfo {
                <$column as Type<Sqlite>>::type_info()
            }

            fn compatible(ty: &SqliteTypeInfo) -> bool {
                <$column as Type<Sqlite>>::compatible(ty)
            }
        }

        impl Encode<'_, Sqlite> for $name {
            fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
                let to: fn(&$name) -> $column = $to;
                Encode::<Sqlite>::encode(to(self), buffer)
            }
        }

        impl<'r> Decode<'r, Sqlite> for $name {
            fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
                let from: fn($column) -> Result<$name, BoxDynError> = $from;
                from(<$column as Decode<Sqlite>>::decode(value)?)
            }
        }
    )*};
}

macro_rules! ids {
    ($($name:ident)*) => {
        kept_as! { Vec<u8>, $($name: |id| id.to_bytes().to_vec(), |bytes| Ok($name::from_bytes(sixteen(bytes)?));)* }
    };
}

ids! { UserId ConversationId MessageId RunId ChartId SessionId LogEpoch WebhookId DeliveryId }

kept_as! { i64,
    Seq: |seq| i64::try_from(seq.0).unwrap_or(i64::MAX), |number| Ok(Seq(number.try_into()?));
    Timestamp: |at| at.as_ms(), |ms| Ok(Timestamp::from_ms(ms));
}

kept_as! { String,
    Role: |role| role.as_str().to_owned(), |word| word_of(&word);
    Kind: |kind| kind_word(*kind).to_owned(), |word| word_of(&word);
    DialogStatus: |status| status_word(*status).to_owned(), |word| word_of(&word);
    AuditAction: |action| action.as_str().to_owned(), |word| word_of(&word);
    WebhookEvent: |event| event.as_str().to_owned(), |word| word_of(&word);
    DeliveryStatus: |status| status.as_str().to_owned(), |word| word_of(&word);
    SiteId: |id| id.0.clone(), |id| Ok(SiteId(id));
}

fn sixteen(bytes: Vec<u8>) -> Result<[u8; 16], BoxDynError> {
    bytes.try_into().map_err(|_| "an id of another length than 16".into())
}

const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Room => "room",
        Kind::Dialog => "dialog",
    }
}

pub(super) const fn status_word(status: DialogStatus) -> &'static str {
    match status {
        DialogStatus::Open => "open",
        DialogStatus::Snoozed => "snoozed",
        DialogStatus::Resolved => "resolved",
    }
}

/// The enum whose word on the wire this is.
fn word_of<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, BoxDynError> {
    Ok(serde_json::from_value(word.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_status_and_role_is_read_back_from_its_word() {
        for kind in [Kind::Room, Kind::Dialog] {
            assert_eq!(word_of::<Kind>(kind_word(kind)).unwrap(), kind);
        }
        for status in [DialogStatus::Open, DialogStatus::Snoozed, DialogStatus::Resolved] {
            assert_eq!(word_of::<DialogStatus>(status_word(status)).unwrap(), status);
        }
        for role in [Role::Member, Role::Operator, Role::Admin, Role::Visitor] {
            assert_eq!(word_of::<Role>(role.as_str()).unwrap(), role);
        }
        assert!(word_of::<Role>("king").is_err());
    }
}
