//! Why the server closes a socket. The range says what to do: 4000–4499 retry, 4500–4999 do not retry as
//! you are.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    Normal = 1000,
    GoingAway = 1001,
    ProtocolError = 1002,
    BadUtf8 = 1007,
    TooLarge = 1009,
    SlowReader = 4001,
    /// The reason holds the delay in milliseconds after which to come back.
    Draining = 4002,
    Heartbeat = 4003,
    RateLimited = 4004,
    /// Refresh the token first.
    TokenExpired = 4500,
    SignedOut = 4501,
    Forbidden = 4503,
    ProtocolViolation = 4504,
    UnsupportedVersion = 4505,
}

/// What a client does about a closed socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    Retry,
    RefreshThenRetry,
    /// The person has to sign in again.
    SignIn,
    Stop,
}

impl CloseCode {
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// A word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going away",
            Self::ProtocolError => "websocket protocol error",
            Self::BadUtf8 => "text that is not UTF-8",
            Self::TooLarge => "frame too large",
            Self::SlowReader => "slow reader",
            Self::Draining => "server draining",
            Self::Heartbeat => "heartbeat",
            Self::RateLimited => "rate limited",
            Self::TokenExpired => "token expired",
            Self::SignedOut => "signed out",
            Self::Forbidden => "forbidden",
            Self::ProtocolViolation => "protocol violation",
            Self::UnsupportedVersion => "unsupported version",
        }
    }
}

/// The advice that any close code carries, known or not.
pub const fn advice(code: u16) -> Advice {
    match code {
        4500 => Advice::RefreshThenRetry,
        4501 => Advice::SignIn,
        4502..=4999 => Advice::Stop,
        _ => Advice::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_a_code_says_whether_to_retry() {
        for code in [1000, 1001, 1006, 1009, 4001, 4002, 4003, 4004, 4499] {
            assert_eq!(advice(code), Advice::Retry, "{code}");
        }
        assert_eq!(advice(4500), Advice::RefreshThenRetry);
        assert_eq!(advice(4501), Advice::SignIn);
        for code in [4503, 4504, 4505, 4999] {
            assert_eq!(advice(code), Advice::Stop, "{code}");
        }
    }
}
