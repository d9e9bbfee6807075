//! The sites as the settings page shows them, and what an admin sent that is to be told on the page that follows: a
//! mistake by its field with all that was typed, or the secret, once. In memory alone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Sites;
use crate::protocol::{
    Problem, SiteId, UserId,
    http::User,
    limits,
    settings::Notice,
    site::{Site, SiteForm, SiteSection, Sites as Shown},
};

/// Of each admin the last form. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Drafts(Arc<Mutex<BTreeMap<UserId, (Instant, Draft)>>>);

/// What came of a form.
#[derive(Clone, Debug, Default, PartialEq)]
struct Draft {
    /// Which site's it was; empty: the one that makes a new one.
    id: String,
    /// What was typed, where it was not taken.
    typed: SiteForm,
    errors: BTreeMap<String, String>,
    notice: Option<Notice>,
    secret: Option<String>,
}

impl Drafts {
    fn leave(&self, user: UserId, draft: Draft) {
        let mut drafts = self.0.lock();
        drafts.retain(|_, (at, _)| is_fresh(*at));
        if drafts.len() >= limits::MODEL_DRAFTS && !drafts.contains_key(&user) {
            drafts.pop_first();
        }
        drafts.insert(user, (Instant::now(), draft));
    }

    /// Once.
    fn take(&self, user: UserId) -> Option<Draft> {
        self.0.lock().remove(&user).filter(|(at, _)| is_fresh(*at)).map(|(_, draft)| draft)
    }
}

fn is_fresh(at: Instant) -> bool {
    at.elapsed() < Duration::from_millis(limits::MODEL_DRAFT_MS)
}

impl Sites {
    /// Every site, and the form for a new one. `host`: where the widget's loader is to be had.
    pub async fn sections(&self, caller: &User, host: &str) -> Result<Vec<SiteSection>, Problem> {
        let Shown { mut sites } = Shown { sites: self.list(caller).await? };
        let default = SiteId::default_site();
        sites.sort_by_key(|site| (site.id != default, site.name.to_lowercase()));
        sites.push(Site { name: String::new(), ..Site::new(SiteId(String::new()), "") });
        let mut draft = self.drafts.take(caller.id);
        Ok(sites.into_iter().map(|site| section(site, host, &mut draft)).collect())
    }

    /// A form of the page, and whose it is. What came of it is on the next one.
    pub async fn sent(&self, caller: &User, id: &str, form: SiteForm) -> Result<SiteId, Problem> {
        let typed = form.clone();
        let done = if id.is_empty() {
            self.create(caller, form).await.map(|made| (made.site.id.0, "Made.", Some(made.secret)))
        } else {
            self.patch(caller, &SiteId(id.to_owned()), form).await.map(|site| (site.id.0, "Saved.", None))
        };
        self.leave(caller, id, typed, done)
    }

    /// Another secret: what the one before signed counts no more.
    pub async fn sent_for_secret(&self, caller: &User, id: &str) -> Result<SiteId, Problem> {
        let made = self.new_secret(caller, &SiteId(id.to_owned())).await;
        let done = made
            .map(|made| (made.site.id.0, "There is a new secret. The one before counts no more.", Some(made.secret)));
        self.leave(caller, id, SiteForm::default(), done)
    }

    fn leave(
        &self,
        caller: &User,
        id: &str,
        typed: SiteForm,
        done: Result<(String, &str, Option<String>), Problem>,
    ) -> Result<SiteId, Problem> {
        let word = |is_good, text: &str| Some(Notice { is_good, text: text.to_owned() });
        let (draft, result) = match done {
            Ok((id, text, secret)) => {
                let made = SiteId(id.clone());
                (Draft { id, notice: word(true, text), secret, ..Draft::default() }, Ok(made))
            }
            Err(problem) => {
                let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
                let errors = problem.details.iter().filter_map(|(field, why)| Some((field.clone(), text(why)?)));
                let notice = word(false, &problem.detail);
                (Draft { id: id.to_owned(), typed, errors: errors.collect(), notice, secret: None }, Err(problem))
            }
        };
        self.drafts.leave(caller.id, draft);
        result
    }
}

fn section(mut site: Site, host: &str, draft: &mut Option<Draft>) -> SiteSection {
    let embed_code = embed_code(&site, host);
    let Draft { typed, errors, notice, secret, .. } = draft.take_if(|draft| draft.id == site.id.0).unwrap_or_default();
    let SiteForm { name, allowed_origins, greeting, color, hours, agents, team, auto_assign } = typed;
    site.name = name.unwrap_or(site.name);
    site.allowed_origins = allowed_origins.unwrap_or(site.allowed_origins);
    site.greeting = greeting.unwrap_or(site.greeting);
    site.color = color.unwrap_or(site.color);
    site.hours = hours.unwrap_or(site.hours);
    site.agents = agents.unwrap_or(site.agents);
    site.team = team.unwrap_or(site.team);
    site.auto_assign = auto_assign.unwrap_or(site.auto_assign);
    SiteSection { site, embed_code, notice, errors, secret }
}

/// The one tag of the widget. A colour that is not the loader's own is named, so that a new visitor sees it, too.
fn embed_code(site: &Site, host: &str) -> String {
    let (id, color) = (&site.id, &site.color);
    let color =
        if *color == Site::new(id.clone(), "").color { String::new() } else { format!(" data-color=\"{color}\"") };
    format!("<script async src=\"{host}/widget.js\" data-site=\"{id}\"{color}></script>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh_id;

    fn shop() -> Site {
        Site::new(SiteId("shop".into()), "Shop")
    }

    #[test]
    fn the_embed_code_is_one_tag() {
        let code = embed_code(&shop(), "https://chat.example");
        assert_eq!(code, r#"<script async src="https://chat.example/widget.js" data-site="shop"></script>"#);
        let red = Site { color: "#cc0000".into(), ..shop() };
        assert!(embed_code(&red, "").contains(r##"data-site="shop" data-color="#cc0000">"##));
    }

    #[test]
    fn what_was_typed_and_not_taken_is_shown_with_its_mistake_once() {
        let typed = SiteForm { name: Some("Shop 2".into()), color: Some("red".into()), ..SiteForm::default() };
        let errors = BTreeMap::from([("color".to_owned(), "a colour".to_owned())]);
        let mut draft = Some(Draft { id: "shop".into(), typed, errors: errors.clone(), ..Draft::default() });
        let other = section(Site::new(SiteId("other".into()), "Other"), "", &mut draft);
        assert!(other.errors.is_empty() && draft.is_some(), "another site's section knows nothing of it");
        let shown = section(shop(), "", &mut draft);
        assert_eq!((shown.site.name.as_str(), shown.site.color.as_str(), shown.errors), ("Shop 2", "red", errors));
        assert_eq!(shown.site.greeting, shop().greeting, "what was not typed is as it is");
        assert_eq!(draft, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_draft_is_told_once_and_not_after_a_while_and_there_are_so_many_at_most() {
        let drafts = Drafts::default();
        let users: Vec<UserId> = (0..=limits::MODEL_DRAFTS).map(|_| fresh_id!(UserId)).collect();
        let draft = || Draft { id: "shop".into(), ..Draft::default() };
        for user in &users {
            drafts.leave(*user, draft());
        }
        assert_eq!(drafts.0.lock().len(), limits::MODEL_DRAFTS);
        let last = users[limits::MODEL_DRAFTS];
        assert_eq!(drafts.take(last), Some(draft()));
        assert_eq!(drafts.take(last), None);
        drafts.leave(last, draft());
        tokio::time::advance(Duration::from_millis(limits::MODEL_DRAFT_MS)).await;
        assert_eq!(drafts.take(last), None);
    }
}
