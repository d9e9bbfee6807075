//! Who the host's page says that its visitor is, and whether the site's secret vouches for it.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::{
    protocol::{Problem, Timestamp, limits, site::Identity, time::SECOND_MS},
    server::config::Secret,
};

/// What is known of a person after a look at the signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub verified: bool,
}

impl Known {
    pub(super) fn verified_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.verified)
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

/// # Errors
/// `invalid`: a text that is too long, or a `jwt` that is not the site's, is over, or is somebody else's.
pub(super) fn check(given: Identity, secret: Option<&Secret>, now: Timestamp) -> Result<Known, Problem> {
    let Identity { id, name, email, jwt } = given;
    let known = Known {
        id: text("identity.id", id)?,
        name: text("identity.name", name)?,
        email: text("identity.email", email)?,
        verified: false,
    };
    let Some(jwt) = jwt.filter(|jwt| !jwt.is_empty()) else { return Ok(known) };
    let claims = secret.and_then(|secret| read(&jwt, secret));
    let claims =
        claims.ok_or_else(|| Problem::invalid("identity.jwt", "not signed with this site's secret (HS256)"))?;
    if claims.exp.saturating_mul(SECOND_MS) <= now.as_ms() {
        return Err(Problem::invalid("identity.jwt", "its time is over (claim exp)"));
    }
    if known.id.as_ref().is_some_and(|id| *id != claims.sub) {
        return Err(Problem::invalid("identity.jwt", "its claim sub is not the id"));
    }
    let id = text("identity.jwt", Some(claims.sub))?;
    Ok(Known { verified: id.is_some(), id, ..known })
}

fn read(jwt: &str, secret: &Secret) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    // The time is checked above, against the server's own clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<Claims>(jwt, &DecodingKey::from_secret(secret.expose()), &validation).ok().map(|token| token.claims)
}

fn text(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let is_strange =
        |text: &String| text.chars().count() > limits::IDENTITY_CHARS || text.chars().any(char::is_control);
    if text.as_ref().is_some_and(is_strange) {
        return Err(Problem::invalid(field, format!("at most {} characters on one line", limits::IDENTITY_CHARS)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_795_160_350_042);

    fn signed(by: &str, algorithm: Algorithm, sub: &str, exp_s: i64) -> Option<String> {
        let claims = json!({ "sub": sub, "exp": NOW.as_ms() / SECOND_MS + exp_s });
        Some(encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(by.as_bytes())).unwrap())
    }

    fn checked(id: Option<&str>, jwt: Option<String>) -> Result<Known, Problem> {
        let given = Identity { id: id.map(Into::into), name: Some("Eve".into()), email: None, jwt };
        check(given, Some(&Secret::new(b"site secret")), NOW)
    }

    #[test]
    fn only_the_sites_own_signature_over_the_same_id_is_believed() {
        let known = checked(Some("7"), signed("site secret", Algorithm::HS256, "7", 60)).unwrap();
        assert_eq!(known.verified_id(), Some("7"));
        assert_eq!(checked(None, signed("site secret", Algorithm::HS256, "7", 60)).unwrap().verified_id(), Some("7"));
        for (id, jwt) in [
            ("7", signed("another", Algorithm::HS256, "7", 60)),
            ("7", signed("site secret", Algorithm::HS512, "7", 60)),
            ("7", signed("site secret", Algorithm::HS256, "8", 60)),
            ("7", signed("site secret", Algorithm::HS256, "7", -1)),
            ("7", Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0.".into())),
        ] {
            let problem = checked(Some(id), jwt.clone()).unwrap_err();
            assert!(problem.details.contains_key("identity.jwt"), "{jwt:?}");
        }
        let claimed = checked(Some("7"), None).unwrap();
        assert_eq!((claimed.id.as_deref(), claimed.verified), (Some("7"), false), "said, not shown");
    }

    #[test]
    fn a_site_without_a_secret_vouches_for_nobody() {
        let given = Identity { jwt: signed("", Algorithm::HS256, "7", 60), ..Identity::default() };
        assert!(check(given, None, NOW).is_err());
    }

    #[test]
    fn texts_have_a_bound() {
        let long = "x".repeat(limits::IDENTITY_CHARS + 1);
        assert!(checked(Some(&long), None).unwrap_err().details.contains_key("identity.id"));
    }
}
