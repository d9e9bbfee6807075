//! What operators ask for beside the dialogs: who their colleagues are, and the replies that they share.

use super::Dialogs;
use crate::protocol::{
    Problem,
    desk::{Canned, Operator},
    http::{Role, User},
    limits,
};

/// # Errors
/// `forbidden`: neither an operator nor an admin.
pub fn must_be_operator(caller: &User) -> Result<(), Problem> {
    match caller.role {
        Role::Operator | Role::Admin => Ok(()),
        Role::Member | Role::Visitor => Err(Problem::forbidden("Only operators may do this.")),
    }
}

impl Dialogs {
    pub async fn operators(&self, caller: &User) -> Result<Vec<Operator>, Problem> {
        must_be_operator(caller)?;
        let operator = |user: User| Operator {
            status: self.hub.presence(user.id),
            id: user.id,
            name: user.display_name,
            username: user.username,
        };
        Ok(self.storage.operators().await?.into_iter().map(operator).collect())
    }

    pub async fn canned(&self, caller: &User) -> Result<Vec<Canned>, Problem> {
        must_be_operator(caller)?;
        Ok(self.storage.canned().await?)
    }

    /// These take the place of all that are. Returns them as they are kept.
    pub async fn put_canned(&self, caller: &User, canned: Vec<Canned>) -> Result<Vec<Canned>, Problem> {
        must_be_operator(caller)?;
        let canned = checked(canned)?;
        self.storage.put_canned(&canned).await?;
        tracing::info!(by = %caller.id, count = canned.len(), "canned replies changed");
        Ok(canned)
    }
}

/// Trimmed and within their bounds.
fn checked(canned: Vec<Canned>) -> Result<Vec<Canned>, Problem> {
    if canned.len() > limits::CANNED {
        return Err(Problem::invalid("canned", format!("at most {}", limits::CANNED)));
    }
    let mut checked: Vec<Canned> = Vec::with_capacity(canned.len());
    for (index, one) in canned.into_iter().enumerate() {
        let shortcut = one.shortcut.trim().trim_start_matches('/').to_owned();
        let text = one.text.trim().to_owned();
        let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if !(1..=limits::CANNED_SHORTCUT_CHARS).contains(&shortcut.chars().count()) || !shortcut.chars().all(is_plain) {
            let wanted = format!("1 to {} letters, digits, dashes or underscores", limits::CANNED_SHORTCUT_CHARS);
            return Err(Problem::invalid(&format!("canned[{index}].shortcut"), wanted));
        }
        if !(1..=limits::CANNED_TEXT_CHARS).contains(&text.chars().count()) {
            let wanted = format!("1 to {} characters", limits::CANNED_TEXT_CHARS);
            return Err(Problem::invalid(&format!("canned[{index}].text"), wanted));
        }
        if checked.iter().any(|other| other.shortcut.to_lowercase() == shortcut.to_lowercase()) {
            return Err(Problem::invalid(&format!("canned[{index}].shortcut"), "there is another one of this name"));
        }
        checked.push(Canned { shortcut, text });
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canned(shortcut: &str, text: &str) -> Canned {
        Canned { shortcut: shortcut.into(), text: text.into() }
    }

    fn refused(list: Vec<Canned>) -> String {
        checked(list).unwrap_err().details.into_keys().next().unwrap()
    }

    #[test]
    fn a_canned_reply_is_kept_trimmed_and_within_its_bounds() {
        let kept = checked(vec![canned(" /hours ", " 9 to 5\n"), canned("ask-name_2", "{name}?")]).unwrap();
        assert_eq!(kept, [canned("hours", "9 to 5"), canned("ask-name_2", "{name}?")]);
        let longest = canned(&"é".repeat(limits::CANNED_SHORTCUT_CHARS), &"é".repeat(limits::CANNED_TEXT_CHARS));
        assert_eq!(checked(vec![longest.clone()]), Ok(vec![longest.clone()]));
        for wrong in ["", "/", "two words", &(longest.shortcut.clone() + "é")] {
            assert_eq!(refused(vec![canned("ok", "x"), canned(wrong, "x")]), "canned[1].shortcut", "{wrong:?}");
        }
        for wrong in [" ", &(longest.text.clone() + "é")] {
            assert_eq!(refused(vec![canned("ok", wrong)]), "canned[0].text");
        }
        assert_eq!(refused(vec![canned("Hours", "x"), canned("hours", "y")]), "canned[1].shortcut");
        let many = |count: usize| (0..count).map(|n| canned(&n.to_string(), "x")).collect::<Vec<_>>();
        assert_eq!(checked(many(limits::CANNED)).unwrap().len(), limits::CANNED);
        assert_eq!(refused(many(limits::CANNED + 1)), "canned");
    }

    #[test]
    fn as_many_as_may_be_fit_into_one_request() {
        let longest =
            canned(&"\u{10000}".repeat(limits::CANNED_SHORTCUT_CHARS), &"🐦".repeat(limits::CANNED_TEXT_CHARS));
        let body = crate::protocol::desk::CannedReplies { canned: vec![longest; limits::CANNED] };
        assert!(serde_json::to_vec(&body).unwrap().len() < limits::HTTP_BODY_BYTES);
    }
}
