//! What admins decide while the server runs, by plain forms. What came of one is told on the page that follows.

use leptos::{prelude::*, server_fn::codec::PostUrl};

use super::ApiError;

#[server(prefix = "/fn", endpoint = "save_model", input = PostUrl)]
pub async fn save_model(
    provider: String,
    #[server(default)] base_url: String,
    #[server(default)] model: String,
    #[server(default)] api_key: String,
    #[server(default)] forget_key: String,
) -> Result<(), ApiError> {
    use crate::{
        protocol::settings::{KeyChange, Notice, PutModel},
        server::{functions, settings::MODEL_FORM},
    };

    let (state, me) = functions::caller().await?;
    let body = PutModel::of_form(provider, base_url, model, KeyChange::of_form(api_key, &forget_key));
    let saved = state.settings.save_model(&me, body).await;
    let told = saved.map(|now| {
        let text = match now.provider.as_str() {
            "offline" => "Saved. No model is asked from now on: the built-in planner answers.",
            _ => "Saved. The next answer is the new model's.",
        };
        Notice { is_good: true, text: text.into() }
    });
    Ok(functions::tell(&state.settings, me.id, MODEL_FORM, told)?)
}

/// Asks the model that the form describes, or, where it describes none, the one in force.
#[server(prefix = "/fn", endpoint = "test_model", input = PostUrl)]
pub async fn test_model(
    #[server(default)] provider: String,
    #[server(default)] base_url: String,
    #[server(default)] model: String,
    #[server(default)] api_key: String,
    #[server(default)] forget_key: String,
) -> Result<(), ApiError> {
    use crate::{
        protocol::settings::{KeyChange, Notice, PutModel},
        server::{functions, settings::MODEL_FORM},
    };

    let (state, me) = functions::caller().await?;
    let body = PutModel::of_form(provider, base_url, model, KeyChange::of_form(api_key, &forget_key));
    let body = (!body.provider.is_empty()).then_some(body);
    let told = state.settings.test_model(&me, body).await.map(|tested| {
        let text = match (tested.ok, tested.model) {
            (true, Some(model)) => format!("{model} answered in {} ms: “{}”", tested.latency_ms, tested.text),
            _ => tested.text,
        };
        Notice { is_good: tested.ok, text }
    });
    Ok(functions::tell(&state.settings, me.id, MODEL_FORM, told)?)
}

#[server(prefix = "/fn", endpoint = "save_market", input = PostUrl)]
pub async fn save_market(
    #[server(default)] url: String,
    #[server(default)] api_key: String,
    #[server(default)] forget_key: String,
) -> Result<(), ApiError> {
    use crate::{
        protocol::settings::{KeyChange, Notice, PutMarket},
        server::{functions, settings::MARKET_FORM},
    };

    let (state, me) = functions::caller().await?;
    let body = PutMarket { url: Some(url), api_key: KeyChange::of_form(api_key, &forget_key) };
    let saved = state.settings.save_market(&me, body).await;
    let told = saved.map(|_| Notice { is_good: true, text: "Saved.".into() });
    Ok(functions::tell(&state.settings, me.id, MARKET_FORM, told)?)
}
