use axum::{
    Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue},
    response::IntoResponse,
};
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::server::agents::tools::{Tool, ToolOutput, tests::context};

const YAHOO: &str = r#"{"chart":{"result":[{"meta":{"currency":"USD","symbol":"AAPL","regularMarketPrice":191.5,
"regularMarketTime":1795186800},"timestamp":[1795012200,1795098600],"indicators":{"quote":[{"close":[189.25,190.0],
"open":[1,2]}],"adjclose":[{"adjclose":[180.0,181.0]}]}}],"error":null}}"#;
const ALPHA: &str = r#"{"Meta Data":{"2. Symbol":"IBM"},"Time Series (Daily)":{
"2026-11-19":{"1. open":"1.0","4. close":"220.50","5. volume":"7"},"2026-11-18":{"4. close":"210.00"}}}"#;
const TWELVE: &str = r#"{"meta":{"symbol":"EUR/USD","currency":"USD"},"values":[
{"datetime":"2026-11-19","open":"1","close":"1.10"},{"datetime":"2026-11-18","close":"1.00"}],"status":"ok"}"#;
const STOOQ: &str = "Date,Open,High,Low,Close,Volume\n2026-11-18,1,2,3,50,6\n2026-11-19,1,2,3,55.5,6\n";
const COLUMNS: &str = r#"{"c":[50.0,null,55.5],"t":[1795012200,1795050000,1795098600],"s":"ok"}"#;
const PLAIN: &str = r#"[{"date":"2026-11-18","close":50},{"date":"2026-11-19","close":55.5,"adjClose":1}]"#;

/// What one request asked for.
type Asked = Arc<Mutex<Vec<(String, Option<HeaderValue>)>>>;

#[derive(Clone)]
struct Provider {
    answer: (u16, &'static str),
    asked: Asked,
}

async fn answer(
    State(provider): State<Provider>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> impl IntoResponse {
    provider.asked.lock().push((uri.to_string(), headers.get(header::AUTHORIZATION).cloned()));
    (StatusCode::from_u16(provider.answer.0).unwrap(), provider.answer.1)
}

/// The address of a provider that always answers the same.
async fn provider(status: u16, body: &'static str) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = Asked::default();
    let app = Router::new().fallback(answer).with_state(Provider { answer: (status, body), asked: asked.clone() });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{addr}"), asked)
}

fn market(url: &str, key: Option<&str>) -> Arc<Market> {
    let api_key = key.map(|key| Secret::new(key.as_bytes()));
    Arc::new(Market::new(Arc::new(Some(MarketConfig { url: url.into(), api_key }))))
}

async fn called(tool: impl Tool, arguments: Value) -> Result<ToolOutput, String> {
    tool.call(&*context().await, arguments).await.map_err(|error| error.to_string())
}

async fn price(url: &str) -> Result<String, String> {
    let called = called(MarketPrice(market(&format!("{url}/{{symbol}}"), None)), json!({"symbol": "AAPL"})).await;
    called.map(|output| output.text)
}

#[tokio::test]
async fn a_price_is_read_in_every_shape() {
    for (body, expected) in [
        (
            YAHOO,
            "AAPL: 191.5 USD (2026-11-20, 15:00 UTC), +0.79 % on the close of 2026-11-19 (190). Source: 127.0.0.1.",
        ),
        (ALPHA, "AAPL: 220.5 (close of 2026-11-19), +5.00 % on the close of 2026-11-18 (210). Source: 127.0.0.1."),
        (TWELVE, "AAPL: 1.1 USD (close of 2026-11-19), +10.00 % on the close of 2026-11-18 (1). Source: 127.0.0.1."),
        (STOOQ, "AAPL: 55.5 (close of 2026-11-19), +11.00 % on the close of 2026-11-18 (50). Source: 127.0.0.1."),
        (COLUMNS, "AAPL: 55.5 (close of 2026-11-19), +11.00 % on the close of 2026-11-18 (50). Source: 127.0.0.1."),
        (PLAIN, "AAPL: 55.5 (close of 2026-11-19), +11.00 % on the close of 2026-11-18 (50). Source: 127.0.0.1."),
        (r#"{"symbol":"X","price":12.5,"currency":"EUR"}"#, "AAPL: 12.5 EUR (now). Source: 127.0.0.1."),
        (
            r#"{"Global Quote":{"01. symbol":"IBM","05. price":"12.50","07. latest trading day":"2026-11-19"}}"#,
            "AAPL: 12.5 (2026-11-19). Source: 127.0.0.1.",
        ),
    ] {
        assert_eq!(price(&provider(200, body).await.0).await.as_deref(), Ok(expected), "{body}");
    }
}

#[tokio::test]
async fn a_history_is_told_and_drawn_with_its_symbol_and_its_numbers() {
    let (url, asked) = provider(200, STOOQ).await;
    let url =
        format!("{url}/q?s={{symbol}}&d1={{from_compact}}&d2={{to_compact}}&f={{from}}&u={{from_unix}}-{{to_unix}}");
    let history = MarketHistory(market(&url, None));
    let output = called(history, json!({"symbol": "^SPX", "from": "2026-11-01"})).await.unwrap();
    assert!(
        output.text.starts_with("^SPX from 2026-11-18 to 2026-11-19, 2 closes: 50 to 55.5 (+11.00 %), lowest 50 on")
    );
    let chart = output.chart.unwrap();
    assert_eq!((chart.symbol.as_deref(), chart.title.as_str()), (Some("^SPX"), "^SPX, 2026-11-18 to 2026-11-19"));
    assert_eq!(chart.table.rows, [["2026-11-18", "50"], ["2026-11-19", "55.5"]]);
    assert!(chart.svg.starts_with("<svg"));
    let asked = asked.lock()[0].0.clone();
    assert_eq!(asked, "/q?s=%5ESPX&d1=20261101&d2=20261120&f=2026-11-01&u=1793491200-1795219199");
}

#[tokio::test]
async fn the_key_goes_where_the_address_says_and_nowhere_else() {
    let (url, asked) = provider(200, STOOQ).await;
    for (template, uri, bearer) in
        [("{symbol}?key={key}", "/AAPL?key=s%26cret", None), ("{symbol}", "/AAPL", Some("Bearer s&cret"))]
    {
        called(MarketPrice(market(&format!("{url}/{template}"), Some("s&cret"))), json!({"symbol": "AAPL"}))
            .await
            .unwrap();
        let (asked_uri, authorization) = asked.lock().pop().unwrap();
        assert_eq!(asked_uri, uri);
        assert_eq!(authorization.as_ref().and_then(|value| value.to_str().ok()), bearer);
    }
    let (url, _) = provider(200, r#"{"Error Message":"the key s&cret is not known"}"#).await;
    let error =
        called(MarketPrice(market(&format!("{url}/{{symbol}}?{{key}}"), Some("s&cret"))), json!({"symbol": "A"})).await;
    let error = error.unwrap_err();
    assert!(error.contains("the key … is not known") && !error.contains("s&cret"), "{error}");
}

#[tokio::test]
async fn every_failure_says_what_to_do() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let none = called(MarketPrice(Arc::new(Market::new(Arc::new(None)))), json!({"symbol": "AAPL"})).await;
    assert!(none.unwrap_err().contains("MAGPIE_MARKET_URL"));
    let error = price(&format!("http://{closed}")).await.unwrap_err();
    assert!(error.contains("cannot be reached") && error.contains("MAGPIE_MARKET_URL"), "{error}");
    for (status, body, why) in [
        (401, "", "MAGPIE_MARKET_API_KEY"),
        (403, "", "MAGPIE_MARKET_API_KEY"),
        (404, "", "knows nothing of AAPL"),
        (429, "", "asked too often"),
        (302, "", "sends to another address"),
        (503, "", "failure of its own"),
        (200, "<html>hello</html>", "holds no prices"),
        (200, "", "holds no prices"),
        (200, "[]", "has no prices of AAPL"),
        (200, r#"{"values":[]}"#, "has no prices of AAPL"),
        (200, r#"{"code":400,"message":"symbol not found","status":"error"}"#, "symbol not found"),
        (
            200,
            r#"{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}"#,
            "No data found",
        ),
    ] {
        let error = price(&provider(status, body).await.0).await.unwrap_err();
        assert!(error.contains(why), "{status} {body}: {error}");
    }
    for symbol in ["", "a b", "../../etc", "x?y=1", &"A".repeat(limits::MARKET_SYMBOL_CHARS + 1)] {
        let error = called(MarketPrice(market("http://127.0.0.1:1/{symbol}", None)), json!({ "symbol": symbol })).await;
        assert!(symbol == "../../etc" || error.unwrap_err().contains("no symbol"), "{symbol}");
    }
}

#[tokio::test]
async fn an_answer_has_a_bound() {
    let long: &'static str = Box::leak("x".repeat(limits::MARKET_BODY_BYTES + 1).into_boxed_str());
    assert!(price(&provider(200, long).await.0).await.unwrap_err().contains("more than"));
    let days: String =
        (0..limits::MARKET_DAYS + 10).map(|at| format!("{},1\n", date(i64::try_from(at).unwrap()))).collect();
    assert_eq!(series::read(&format!("date,close\n{days}")).unwrap().closes.len(), limits::MARKET_DAYS);
}

#[tokio::test]
async fn days_are_given_in_several_ways() {
    let (url, asked) = provider(200, PLAIN).await;
    let url = format!("{url}/{{symbol}}/{{from}}/{{to}}");
    for (arguments, path) in [
        (json!({"symbol": "A"}), "/A/2026-10-21/2026-11-20"),
        (json!({"symbol": "A", "days": 7}), "/A/2026-11-13/2026-11-20"),
        (json!({"symbol": "A", "from": "2026-11-01", "to": "2026-11-19"}), "/A/2026-11-01/2026-11-19"),
        (json!({"symbol": "A", "days": 99999999, "to": "2099-01-01"}), "/A/2006-11-25/2026-11-20"),
    ] {
        called(MarketHistory(market(&url, None)), arguments).await.unwrap();
        assert_eq!(asked.lock().pop().unwrap().0, path);
    }
    for (arguments, why) in [
        (json!({"symbol": "A", "from": "2026-11-19", "to": "2026-11-01"}), "after the last"),
        (json!({"symbol": "A", "from": "someday"}), "no date"),
        (json!({"symbol": "A", "to": "2020-01-01"}), "has no prices"),
    ] {
        let error = called(MarketHistory(market(&url, None)), arguments).await.unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

proptest! {
    #[test]
    fn no_answer_brings_it_down(text in any::<String>(), json in "[\\[\\]{}\":,a-e0-9.\\- ]{0,120}") {
        for body in [text, json] {
            let _ = series::read(&body);
        }
    }
}

#[tokio::test]
async fn where_no_client_can_be_made_nobody_is_asked() {
    let (url, asked) = provider(200, PLAIN).await;
    let api = MarketConfig { url: format!("{url}/{{symbol}}"), api_key: None };
    let market = Arc::new(Market { source: Arc::new(Some(api)), client: None });
    let said = called(MarketPrice(market), json!({"symbol": "AAPL"})).await.unwrap_err();
    assert!(said.starts_with("No connection to a market API can be made."), "{said}");
    assert!(asked.lock().is_empty());
}
