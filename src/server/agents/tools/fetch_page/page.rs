//! Fetches a page, one step of its way at a time: each address that a redirect names is checked as the first
//! was, and the connection goes to the very address that was checked.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use reqwest::{Client, Response, Url, header, redirect};

use super::addresses::{Checked, Resolver, may_reach, resolved};
use crate::{
    protocol::limits,
    server::config::{FetchHosts, hosts::Reach},
};

/// What came.
#[derive(Debug)]
pub struct Page {
    /// Where it was found in the end.
    pub url: Url,
    /// Its content type, in lower case; empty where it has none.
    pub kind: String,
    pub body: Vec<u8>,
    /// The body is longer.
    pub is_cut: bool,
}

/// An error is a sentence for the model.
pub(super) async fn fetch(hosts: &FetchHosts, resolver: &dyn Resolver, mut url: Url) -> Result<Page, String> {
    for _ in 0..=limits::FETCH_REDIRECTS {
        let response = step(hosts, resolver, &url).await?;
        if !response.status().is_redirection() {
            return page(url, response).await;
        }
        let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| url.join(location).ok());
        url = next.ok_or_else(|| format!("{} answers {} and names no other place.", shown(&url), response.status()))?;
    }
    Err(format!("The page redirects more than {} times.", limits::FETCH_REDIRECTS))
}

/// One request, to an address that was checked.
async fn step(hosts: &FetchHosts, resolver: &dyn Resolver, url: &Url) -> Result<Response, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("Only http and https pages can be read.".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("An address with a user name or a password in it is not read.".into());
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("That address has no host.".into());
    };
    let reach = hosts.reach(host, port).ok_or_else(|| not_allowed(host, port))?;
    let addresses = resolved(resolver, host).await?;
    if let Some(address) = addresses.iter().find(|address| !may_reach(**address, reach)) {
        tracing::info!(%host, %address, "a page was refused: it is at no public address");
        return Err(private(host, port, reach));
    }
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .http1_only()
        .dns_resolver(Checked(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()))
        .connect_timeout(Duration::from_millis(limits::FETCH_CONNECT_MS))
        .user_agent(concat!("Magpie/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("No connection can be made: {error}."))?;
    let accept = "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,application/xml;q=0.9";
    let sent = client.get(url.clone()).header(header::ACCEPT, accept).send().await;
    sent.map_err(|error| {
        let what = if error.is_connect() { "cannot be reached" } else { "does not answer as a web server should" };
        tracing::debug!(%error, "a page could not be fetched");
        format!("{} {what}.", shown(url))
    })
}

async fn page(url: Url, response: Response) -> Result<Page, String> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("{} answers {status}.", shown(&url)));
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    let mut page = Page { url, kind, body: Vec::new(), is_cut: false };
    if !super::text::can_be_read(&page.kind) {
        let kind = page.kind.split(';').next().unwrap_or_default();
        return Err(format!("{} is {kind}, which cannot be read as text.", shown(&page.url)));
    }
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            // What came is of use.
            Err(_) if !page.body.is_empty() => {
                page.is_cut = true;
                break;
            }
            Err(_) => return Err(format!("{} broke off.", shown(&page.url))),
        };
        let room = limits::FETCH_BODY_BYTES - page.body.len();
        page.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            page.is_cut = true;
            break;
        }
    }
    Ok(page)
}

fn not_allowed(host: &str, port: u16) -> String {
    format!(
        "{host} (port {port}) is no host that this server may read. Its operator allows hosts with MAGPIE_FETCH_HOSTS."
    )
}

fn private(host: &str, port: u16, reach: Reach) -> String {
    match reach {
        Reach::Public => format!(
            "{host} is at no public address, and is not read. If it is meant, the operator lists it with its port in \
             MAGPIE_FETCH_HOSTS: {host}:{port}."
        ),
        Reach::Private => format!("{host} is at an address that is never read."),
    }
}

/// Without the query: it may hold what is nobody's business.
fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.to_string()
}
