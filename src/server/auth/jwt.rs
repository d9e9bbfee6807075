//! Tokens: HS256 over the bytes of the configured secret, and no other algorithm, whatever a header says.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::{
    protocol::{Problem, SessionId, Timestamp, UserId, http::Role, limits, time::SECOND_MS},
    server::{config::Secret, error},
};

/// What a token says. The times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: UserId,
    pub jti: SessionId,
    /// For clients to look at. The server asks storage, so a change of role acts at once.
    pub role: Role,
    pub iat: i64,
    pub exp: i64,
}

impl Claims {
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_ms(self.exp.saturating_mul(SECOND_MS))
    }
}

/// A token whose signature is right; its time may be over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    Valid(Claims),
    Expired(Claims),
}

impl Verified {
    pub fn claims(&self) -> &Claims {
        match self {
            Self::Valid(claims) | Self::Expired(claims) => claims,
        }
    }
}

/// Signs and verifies.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl Tokens {
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The times are checked below, against the server's own clock and to the second.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Self {
            signing: EncodingKey::from_secret(secret.expose()),
            verifying: DecodingKey::from_secret(secret.expose()),
            validation,
        }
    }

    /// A token of this session, and when it ends.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        role: Role,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Problem> {
        let iat = now.as_ms().div_euclid(SECOND_MS);
        let claims = Claims { sub: user, jti: session, role, iat, exp: iat + limits::TOKEN_LIFETIME_MS / SECOND_MS };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        let token = token.map_err(|error| error::internal("a token was not signed", &error))?;
        Ok((token, claims.expires_at()))
    }

    /// `None`: not one of ours.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Verified> {
        let claims = decode::<Claims>(token, &self.verifying, &self.validation).ok()?.claims;
        let is_over = claims.expires_at() <= now;
        Some(if is_over { Verified::Expired(claims) } else { Verified::Valid(claims) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh_id;

    const NOW: Timestamp = Timestamp::from_ms(1_795_160_350_042);

    fn tokens() -> Tokens {
        Tokens::new(&Secret::new(b"sesame"))
    }

    fn claims(exp: i64) -> Claims {
        let now = NOW.as_ms() / SECOND_MS;
        Claims { sub: fresh_id!(UserId), jti: fresh_id!(SessionId), role: Role::Member, iat: now, exp }
    }

    fn signed(header: &Header, claims: &impl Serialize, secret: &[u8]) -> String {
        encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    #[test]
    fn an_issued_token_names_person_and_session_for_an_hour() {
        let (user, session) = (fresh_id!(UserId), fresh_id!(SessionId));
        let (token, expires_at) = tokens().issue(user, session, Role::Operator, NOW).unwrap();
        let Some(Verified::Valid(claims)) = tokens().verify(&token, NOW) else { panic!("{token}") };
        assert_eq!((claims.sub, claims.jti, claims.role), (user, session, Role::Operator));
        assert_eq!(claims.exp - claims.iat, 3_600);
        assert_eq!(expires_at, claims.expires_at());
    }

    #[test]
    fn a_token_is_over_at_its_last_second() {
        let (token, end) = tokens().issue(fresh_id!(UserId), fresh_id!(SessionId), Role::Member, NOW).unwrap();
        let before = Timestamp::from_ms(end.as_ms() - 1);
        assert!(matches!(tokens().verify(&token, before), Some(Verified::Valid(_))));
        assert!(matches!(tokens().verify(&token, end), Some(Verified::Expired(_))));
    }

    #[test]
    fn any_hs256_signer_with_the_secret_makes_good_tokens() {
        let token = signed(&Header::new(Algorithm::HS256), &claims(NOW.as_ms() / SECOND_MS + 60), b"sesame");
        assert!(matches!(tokens().verify(&token, NOW), Some(Verified::Valid(_))));
    }

    #[test]
    fn a_forged_token_is_none_of_ours() {
        let good = claims(NOW.as_ms() / SECOND_MS + 60);
        let genuine = signed(&Header::new(Algorithm::HS256), &good, b"sesame");
        let [header, body, signature] = genuine.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let stranger = signed(&Header::new(Algorithm::HS256), &claims(good.exp), b"sesame");
        let other_body = stranger.split('.').nth(1).unwrap();
        let timeless = serde_json::json!({ "sub": good.sub, "jti": good.jti, "role": "admin", "iat": good.iat });
        for forged in [
            signed(&Header::new(Algorithm::HS256), &good, b"guess"),
            signed(&Header::new(Algorithm::HS512), &good, b"sesame"),
            signed(&Header::new(Algorithm::HS256), &timeless, b"sesame"),
            // {"alg":"none","typ":"JWT"}
            format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}."),
            format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.{signature}"),
            format!("{header}.{body}."),
            format!("{header}.{other_body}.{signature}"),
            format!("{header}.{body}"),
            "x".repeat(100_000),
            String::new(),
        ] {
            assert_eq!(tokens().verify(&forged, NOW), None, "{forged:.200}");
        }
    }
}
