//! Where prices come from: an address and a key, for the tools that ask it.

use super::{AdminSettings, key_state, store::Name};
use crate::{
    protocol::{
        Problem,
        admin::AuditAction,
        http::User,
        settings::{KeyChange, MarketSettings, PutMarket, Source},
    },
    server::{accounts::must_be_admin, agents::tools::market::MarketSource, config::MarketConfig},
};

impl AdminSettings {
    /// The source in force, for each call anew.
    pub fn market_source(&self) -> Option<MarketConfig> {
        if let Some(market) = &self.config.agents.market {
            return Some(market.clone());
        }
        let url = self.store.text(Name::MarketUrl)?;
        Some(MarketConfig { url, api_key: self.store.secret(Name::MarketApiKey) })
    }

    pub fn market(&self) -> MarketSettings {
        if let Some(MarketConfig { url, api_key }) = &self.config.agents.market {
            let held = api_key.clone().map_or(super::Held::Nothing, super::Held::Secret);
            let (url, api_key) = (Some(url.clone()), key_state(&held));
            return MarketSettings { url, api_key, source: Source::Environment };
        }
        let url = self.store.text(Name::MarketUrl);
        let source = if url.is_some() { Source::Stored } else { Source::Default };
        MarketSettings { url, api_key: key_state(&self.store.get(Name::MarketApiKey)), source }
    }

    /// Kept, and in force from the next call on. Without an address there is no source, and its key is forgotten.
    pub async fn save_market(&self, by: &User, body: PutMarket) -> Result<MarketSettings, Problem> {
        must_be_admin(by)?;
        self.rates.write(by.id)?;
        let _alone = self.saving.lock().await;
        let url = body.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        let url = url.map(|url| MarketConfig::url(url).map_err(|takes| Problem::invalid("url", takes))).transpose()?;
        let is_same = url.is_some() && url == self.store.text(Name::MarketUrl);
        let key = match body.api_key {
            KeyChange::Set(key) if url.is_some() => Some((Name::MarketApiKey, Some(key))),
            KeyChange::Keep if is_same => None,
            // A key belongs to an address.
            _ => Some((Name::MarketApiKey, None)),
        };
        let key_changed = key.is_some();
        self.store.change([(Name::MarketUrl, url)].into_iter().chain(key).collect()).await?;
        // Not the address: it may hold a key.
        tracing::info!(by = %by.username, key_changed, "the source of prices was set");
        let detail = if key_changed { "its key too" } else { "" };
        self.audit.did(by, AuditAction::SettingsChanged, "market", detail).await;
        Ok(self.market())
    }
}

impl MarketSource for AdminSettings {
    fn market(&self) -> Option<MarketConfig> {
        self.market_source()
    }
}
