//! Websites that embed the widget, and the widget's own call.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

use super::{
    ids::{ConversationId, SiteId},
    read::{Read, field},
    settings::Notice,
    time::Timestamp,
};

/// How the name of a visitor begins whom nobody named; four letters of the id follow.
pub const MADE_UP_NAME: &str = "Visitor ";

/// A website whose visitors may talk with us: `GET /sites`. Its secret is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    pub id: SiteId,
    /// 1 to [`super::limits::TITLE_CHARS`] characters on one line.
    pub name: String,
    /// The origins whose pages may open the widget: `https://shop.example`, at most
    /// [`super::limits::SITE_ORIGINS`]. The site `default` allows the server's own beside them.
    pub allowed_origins: Vec<String>,
    /// What the visitor reads first; at most [`super::limits::SITE_TEXT_CHARS`] characters.
    pub greeting: String,
    /// The launcher's colour: `#rrggbb`.
    pub color: String,
    /// When people are there, in the site's own words; empty: nothing is said.
    pub hours: String,
    /// Whether the agents answer until a person takes over. Otherwise a new dialog goes to the queue.
    pub agents: bool,
    /// The queue that its dialogs wait in, where there are several; empty: everybody's.
    pub team: String,
    /// Whether a dialog that comes into the queue goes to the least busy operator who is online.
    pub auto_assign: bool,
}

impl Site {
    /// As it is before anybody changes it.
    pub fn new(id: SiteId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            allowed_origins: Vec::new(),
            greeting: "Hello! How can we help?".into(),
            color: "#4f46e5".into(),
            hours: String::new(),
            agents: true,
            team: String::new(),
            auto_assign: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sites {
    pub sites: Vec<Site>,
}

/// `POST /sites` (which needs `name`) and `PATCH /sites/{id}`: what is left out stays, or is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_assign: Option<bool>,
}

/// The answer to `POST /sites`: the only time that the secret is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteMade {
    #[serde(flatten)]
    pub site: Site,
    /// The key (its bytes are the HS256 key) with which the host signs who its visitors are.
    pub secret: String,
}

/// A site as the settings page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SiteSection {
    /// As it is, or as it was typed and not taken. Without an id: the one that is to be made.
    pub site: Site,
    pub embed_code: String,
    /// What came of the last time that it was sent.
    pub notice: Option<Notice>,
    /// Why what was typed was not taken, by field.
    pub errors: BTreeMap<String, String>,
    /// Once, when it was made.
    pub secret: Option<String>,
}

crate::deserialize_by_reading!(SiteSection, PublicSite);

impl Read for SiteSection {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            site: field(value, "site")?,
            embed_code: field(value, "embed_code")?,
            notice: field(value, "notice")?,
            errors: field(value, "errors")?,
            secret: field(value, "secret")?,
        })
    }
}

impl Read for PublicSite {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            id: field(value, "id")?,
            name: field(value, "name")?,
            greeting: field(value, "greeting")?,
            color: field(value, "color")?,
            hours: field(value, "hours")?,
        })
    }
}

/// `POST /widget/sessions`, from the host page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenWidget {
    pub site_id: String,
    /// From an earlier answer: the same visitor again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor_token: Option<String>,
    /// The address of the host's page, and of the one before it; longer ones are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// A new dialog even where one is open: the visitor asked for it.
    #[serde(default)]
    pub fresh: bool,
}

/// Who the host says that its visitor is. With a `jwt` (HS256 over the site's secret, claim `sub` = `id`, `exp`)
/// it is believed, and the same person on another device is the same visitor; without, it is shown as a claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<String>,
}

/// What the host page's launcher keeps (`visitor_token`) and hands to the frame (the rest).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WidgetSession {
    pub visitor_token: String,
    /// The visitor's own short JWT: `POST /auth/refresh` makes the next one.
    pub token: String,
    pub expires_at: Timestamp,
    pub dialog_id: ConversationId,
    /// The visitor's id, as `author.id` has it in their messages.
    pub visitor_id: super::ids::UserId,
    /// As `author.name` has it.
    pub visitor_name: String,
    pub site: PublicSite,
}

/// What anybody may know of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PublicSite {
    pub id: SiteId,
    pub name: String,
    pub greeting: String,
    pub color: String,
    pub hours: String,
}

impl From<&Site> for PublicSite {
    fn from(site: &Site) -> Self {
        let Site { id, name, greeting, color, hours, .. } = site.clone();
        Self { id, name, greeting, color, hours }
    }
}
