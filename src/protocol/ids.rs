//! Newtypes for everything that is counted or named, so that no two kinds are ever mixed up.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ulid::Ulid;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

macro_rules! ulid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// The id made of `ms` milliseconds since 1970 and 80 random bits (the upper ones are ignored).
            pub const fn from_parts(ms: u64, random: u128) -> Self {
                Self(Ulid::from_parts(ms, random))
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }

            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Ulid::from_string(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(|_| de::Error::custom("not a ULID"))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$" })
            }
        }
    )*};
}

ulid_ids! {
    /// A person or an agent. An agent's is made of its name: [`UserId::of_agent`].
    UserId;
    /// A room or a dialog.
    ConversationId;
    /// A message, from its first token on.
    MessageId;
    /// One run of the agents, from question to answer.
    RunId;
    /// One call of a tool within a run.
    CallId;
    /// A chart that an agent drew.
    ChartId;
    /// One socket.
    ConnectionId;
    /// An address that is told of what happens in dialogs.
    WebhookId;
    /// One event on its way to one webhook.
    DeliveryId;
    /// A sign-in: the `jti` of its tokens.
    SessionId;
    /// Which life of the log a cursor belongs to: it changes if the log is restored or truncated.
    LogEpoch;
}

impl UserId {
    /// The id under which the agent of this name writes: the same on every node and after every start.
    pub const fn of_agent(name: &str) -> Self {
        // FNV-1a over 128 bits; time 0 keeps it apart from everyone who ever registered.
        let mut hash: u128 = 0x6c62272e07bb014262b821756295c58d;
        let bytes = name.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u128).wrapping_mul(0x0000000001000000000000000000013B);
            i += 1;
        }
        Self::from_parts(0, hash)
    }
}

/// An event's place in its conversation's log: 1, 2, 3 … without a hole. As a cursor, 0 is "nothing yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    pub const ZERO: Seq = Seq(0);

    pub const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a website is called: `default`, or what the server made for it. Letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SiteId(pub String);

impl SiteId {
    /// The site that a fresh server has.
    pub fn default_site() -> Self {
        Self("default".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client calls a message of its own, made once and kept over every retry: a ULID or a UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<MessageId> for ClientId {
    fn from(id: MessageId) -> Self {
        Self(id.to_string())
    }
}

impl FromStr for ClientId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let is_ulid = || Ulid::from_string(text).is_ok();
        let is_uuid = || {
            text.len() == 36
                && text.bytes().enumerate().all(|(i, byte)| match i {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                })
        };
        if is_ulid() || is_uuid() { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom("neither a ULID nor a UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_a_ulid_or_a_uuid() {
        for good in ["01JD3WQ8ZC3E5V9G7M2K4N6P8R", "2f1c6a0e-6b1d-4c7e-9f55-0a6d3c1b2e4f"] {
            assert_eq!(good.parse::<ClientId>().unwrap().as_str(), good);
        }
        for bad in ["", "1", "2f1c6a0e6b1d4c7e9f550a6d3c1b2e4f", "2f1c6a0e-6b1d-4c7e-9f55-0a6d3c1b2e4g"] {
            assert_eq!(bad.parse::<ClientId>(), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn an_agent_keeps_its_id() {
        assert_eq!(UserId::of_agent("assistant"), UserId::of_agent("assistant"));
        assert_ne!(UserId::of_agent("assistant"), UserId::of_agent("analyst"));
    }
}
