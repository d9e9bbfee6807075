//! The forms of the settings page, in words.

use super::{AdminSettings, drafts::Drafts};
use crate::{
    protocol::{
        UserId,
        settings::{Button, Field, Form, KeyState, Notice, Source},
    },
    server::{
        config::{Registration, model::Provider},
        functions::ACCOUNT_FORM,
        sheets,
    },
};

/// The forms by their name.
pub const MODEL_FORM: &str = "model";
pub const MARKET_FORM: &str = "market";

impl AdminSettings {
    /// For this admin: with what they sent last and did not save, where they come from that, which `word` says.
    pub fn forms(&self, user: UserId, word: Option<(&'static str, Notice)>) -> Vec<Form> {
        let notice = |form| word.clone().filter(|(of, _)| *of == form).map(|(_, notice)| notice);
        let drafts = word.is_some().then_some(&self.drafts);
        let mut forms = vec![self.model_form(user, notice(MODEL_FORM), drafts), self.market_form(notice(MARKET_FORM))];
        if self.config.auth.registration == Registration::Closed {
            let mut account = sheets::account_form();
            account.notice = notice(ACCOUNT_FORM);
            forms.insert(0, account);
        }
        forms
    }

    /// The word that was left, once: which form it is about, and what came of it.
    pub fn word(&self, user: UserId) -> Option<(&'static str, Notice)> {
        self.drafts.word(user)
    }

    /// Leaves word for the page that follows a plain form.
    pub fn leave(&self, user: UserId, form: &'static str, notice: Notice) {
        self.drafts.leave(user, form, notice);
    }

    fn model_form(&self, user: UserId, notice: Option<Notice>, drafts: Option<&Drafts>) -> Form {
        let now = self.model();
        let is_fixed = now.source == Source::Environment;
        let note = match (now.source, now.api_key) {
            (Source::Environment, _) => {
                "The environment of the server sets the model (MAGPIE_LLM_PROVIDER) and wins over what is saved here."
            }
            (_, KeyState::Unreadable) => {
                "The saved API key was sealed with another key than the server has now. Put the file settings.key or \
                 MAGPIE_SETTINGS_KEY back, or type the API key again."
            }
            _ if now.provider == Provider::Offline.as_str() => {
                "No model is set: the built-in planner answers, with real tools, without a key and without a network. \
                 Choose a provider and save, and the next answer is a model's."
            }
            _ => "What is saved here is in force from the next answer on.",
        };
        let mut values = (now.provider, now.base_url, now.model);
        let mut key = now.api_key;
        if let Some(draft) = drafts.and_then(|drafts| drafts.of(user)).filter(|_| !is_fixed) {
            key = if draft.key.is_some() { KeyState::Set } else { KeyState::None };
            values = (draft.provider, draft.base_url, draft.model);
        }
        let (provider, base_url, model) = values;
        let options = Provider::ALL.into_iter().map(|provider| provider.as_str().to_owned()).collect();
        let fields = [
            Field { options, ..field("Provider", "provider", "text", provider, "") },
            field("Base URL", "base_url", "url", base_url.unwrap_or_default(), "the provider's own"),
            field("Model", "model", "text", model.unwrap_or_default(), ""),
        ];
        let fields = fields.into_iter().chain(key_fields(key, is_fixed));
        let buttons = [("Save", "/fn/save_model"), ("Test", "/fn/test_model")].into_iter();
        Form {
            id: MODEL_FORM.into(),
            title: "Model".into(),
            note: note.into(),
            notice,
            fields: fields.map(|field| Field { is_fixed, ..field }).collect(),
            buttons: buttons.filter(|(label, _)| !is_fixed || *label == "Test").map(button).collect(),
        }
    }

    fn market_form(&self, notice: Option<Notice>) -> Form {
        let now = self.market();
        let is_fixed = now.source == Source::Environment;
        let note = match now.source {
            Source::Environment => {
                "The environment of the server sets it (MAGPIE_MARKET_URL) and wins over what is saved here."
            }
            Source::Stored => "Agents ask this address for prices.",
            Source::Default => "Without an address of an HTTP API, agents know no prices.",
        };
        let url = field("URL", "url", "url", now.url.unwrap_or_default(), "none");
        let fields = [url].into_iter().chain(key_fields(now.api_key, is_fixed));
        Form {
            id: MARKET_FORM.into(),
            title: "Market data".into(),
            note: note.into(),
            notice,
            fields: fields.map(|field| Field { is_fixed, ..field }).collect(),
            buttons: if is_fixed { Vec::new() } else { vec![button(("Save", "/fn/save_market"))] },
        }
    }
}

fn field(label: &str, name: &str, kind: &str, value: String, placeholder: &str) -> Field {
    let [label, name, kind, placeholder] = [label, name, kind, placeholder].map(str::to_owned);
    Field { label, name, kind, value, placeholder, ..Field::default() }
}

/// Never with the key in it.
fn key_fields(state: KeyState, is_fixed: bool) -> Vec<Field> {
    let placeholder = match state {
        KeyState::None => "none",
        KeyState::Set => "set",
        KeyState::Unreadable => "cannot be read",
    };
    let mut fields = vec![field("API key", "api_key", "password", String::new(), placeholder)];
    if state != KeyState::None && !is_fixed {
        fields.push(field("Forget the API key", "forget_key", "checkbox", "yes".into(), ""));
    }
    fields
}

fn button((label, action): (&str, &str)) -> Button {
    Button { label: label.into(), action: action.into() }
}
