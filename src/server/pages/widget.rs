//! `/widget/{site}`: the one page that others may show within theirs, and for which nobody signs in.

use axum::{extract::Request, http::HeaderValue, middleware::Next, response::IntoResponse, response::Response};

use crate::{
    protocol::{Code, SiteId, site::Site},
    server::state::AppState,
};

/// Who may show this response in a frame, as CSP's `frame-ancestors` names them: with the request, for whoever
/// renders it, and with the response, for whoever would forbid all frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAncestors(pub String);

impl FrameAncestors {
    /// The pages of the site's allow-list; for `default` our own, too.
    fn of(site: &Site) -> Self {
        let own = (site.id == SiteId::default_site()).then_some("'self'");
        // A policy is made of these: one with a sign of its own in it is left out.
        let named = site.allowed_origins.iter().map(String::as_str).filter(|origin| !origin.contains([';', '\'', '"']));
        let all: Vec<_> = own.into_iter().chain(named).collect();
        Self(if all.is_empty() { "'none'".to_owned() } else { all.join(" ") })
    }

    /// `X-Frame-Options` for this response: it knows no list.
    pub fn frame_options(response: &Response) -> Option<HeaderValue> {
        response.extensions().get::<Self>().is_none().then(|| HeaderValue::from_static("DENY"))
    }
}

/// The page of this site. One that there is not is a page like any other that there is not: the page itself says 404.
pub(super) async fn page(state: &AppState, site: String, mut request: Request, next: Next) -> Response {
    let ancestors = match state.widget.site(&SiteId(site)).await {
        Ok(row) => Some(FrameAncestors::of(&row.site)),
        Err(problem) if problem.code == Code::NotFound => None,
        Err(problem) => return problem.into_response(),
    };
    if let Some(ancestors) = &ancestors {
        request.extensions_mut().insert(ancestors.clone());
    }
    let mut response = next.run(request).await;
    if let Some(ancestors) = ancestors {
        response.extensions_mut().insert(ancestors);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_framed_by_its_own_list_alone() {
        let mut site = Site::new(SiteId("shop".into()), "Shop");
        assert_eq!(FrameAncestors::of(&site).0, "'none'");
        site.allowed_origins =
            vec!["https://shop.example".into(), "http://localhost:8080".into(), "https://a;b".into()];
        assert_eq!(FrameAncestors::of(&site).0, "https://shop.example http://localhost:8080");
        site.id = SiteId::default_site();
        assert_eq!(FrameAncestors::of(&site).0, "'self' https://shop.example http://localhost:8080");
    }
}
