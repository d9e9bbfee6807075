//! A page's bytes as text: HTML without its markup, everything else as it is.

use html2text::config;

use super::{flat::flat, page::Page};
use crate::protocol::limits;

/// Columns that a page's text is laid out in.
const WIDTH: usize = 100;
/// Bytes in which a page's title is looked for.
const HEAD_BYTES: usize = 64 * 1024;

/// Whether a content type is one of text. One that is not named may be.
pub fn can_be_read(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty()
        || kind.starts_with("text/")
        || matches!(kind, "application/json" | "application/xml" | "application/xhtml+xml" | "application/yaml")
        || (kind.starts_with("application/") && (kind.ends_with("+json") || kind.ends_with("+xml")))
}

/// The title with the address, and the text below it; of a long one the part that is asked for.
pub(super) fn written(page: &Page, part: usize) -> Result<String, String> {
    let (title, text) = read(page)?;
    let parts = parts(&text, limits::FETCH_TEXT_BYTES);
    let at = part.clamp(1, parts.len());
    let mut written = format!("[{}]({})\n", title.replace(['[', ']'], ""), page.url);
    if parts.len() > 1 {
        written.push_str(&format!("Part {at} of {}.\n", parts.len()));
    }
    if page.is_cut && at == parts.len() {
        written.push_str("The page is longer than what is read of it.\n");
    }
    written.push('\n');
    written.push_str(if text.trim().is_empty() { "The page has no text." } else { parts[at - 1] });
    Ok(written)
}

fn read(page: &Page) -> Result<(String, String), String> {
    let source = decoded(&page.kind, &page.body);
    if page.kind.is_empty() && source.contains(['\0', '\u{fffd}']) {
        return Err(format!("{} does not say what it is, and is no text.", page.url));
    }
    let address = || page.url.host_str().unwrap_or("page").to_owned();
    let looks_like_html = page.kind.is_empty() && source.trim_start().starts_with('<');
    if !page.kind.contains("html") && !looks_like_html {
        return Ok((address(), source));
    }
    let title = title(&source).unwrap_or_else(address);
    let rendered =
        config::plain().no_table_borders().allow_width_overflow().string_from_read(flat(&source).as_bytes(), WIDTH);
    let text = rendered.map_err(|_| "The page could not be read as HTML.".to_owned())?;
    Ok((title, squeezed(&text)))
}

/// UTF-8, or the one encoding that old pages have beside it; what is neither is shown with its gaps.
fn decoded(kind: &str, body: &[u8]) -> String {
    let is_latin = ["iso-8859-1", "latin1", "windows-1252"].iter().any(|charset| kind.contains(charset));
    match is_latin {
        true => body.iter().map(|byte| char::from(*byte)).collect(),
        false => String::from_utf8_lossy(body).into_owned(),
    }
}

/// What stands between `<title>` and `</title>`.
fn title(source: &str) -> Option<String> {
    let head = &source[..source.floor_char_boundary(HEAD_BYTES)];
    let lower = head.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let from = open + lower[open..].find('>')? + 1;
    let to = from + lower[from..].find("</title")?;
    let plain = config::plain_no_decorate().string_from_read(flat(&head[from..to]).as_bytes(), 1_000).ok()?;
    let title = super::super::short(&plain);
    (!title.is_empty()).then_some(title)
}

/// At most one empty line in a row.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            squeezed.push_str(line);
            squeezed.push('\n');
        }
    }
    squeezed.trim().to_owned()
}

/// Pieces of so many bytes at most, cut at line ends where there are some. Never none.
fn parts(text: &str, bytes: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > bytes {
        let most = rest.floor_char_boundary(bytes);
        let at = rest[..most].rfind('\n').filter(|at| *at > bytes / 2).unwrap_or(most);
        parts.push(&rest[..at]);
        rest = rest[at..].trim_start_matches('\n');
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(kind: &str, body: &[u8]) -> Page {
        let url = "https://example.com/a".parse().unwrap();
        Page { url, kind: kind.into(), body: body.into(), is_cut: false }
    }

    fn text(kind: &str, body: &str) -> String {
        written(&page(kind, body.as_bytes()), 1).unwrap()
    }

    #[test]
    fn html_is_read_without_its_markup() {
        let html = "<html><head><title>A &amp; B</title><style>p{}</style><script>x()</script></head><body>\
            <h1>Head</h1><p>One <b>two</b>.</p><ul><li>item</li></ul><a href='/c'>link</a></body></html>";
        let text = text("text/html; charset=utf-8", html);
        assert!(text.starts_with("[A & B](https://example.com/a)\n\n"), "{text}");
        for part in ["Head", "One", "two", "item", "link", "/c"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        for part in ["p{}", "x()", "<b>"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn other_text_is_read_as_it_is() {
        assert_eq!(text("application/json", "{\"a\": 1}"), "[example.com](https://example.com/a)\n\n{\"a\": 1}");
        assert!(written(&page("text/plain; charset=iso-8859-1", b"caf\xe9"), 1).unwrap().ends_with("café"));
        assert!(written(&page("", b"\x00\x01\xff"), 1).is_err());
        assert!(text("text/html", "").ends_with("The page has no text."));
        for (kind, readable) in [
            ("text/css", true),
            ("application/ld+json", true),
            ("", true),
            ("application/pdf", false),
            ("image/svg+xml", false),
            ("application/octet-stream", false),
            ("video/mp4", false),
        ] {
            assert_eq!(can_be_read(kind), readable, "{kind}");
        }
    }

    #[test]
    fn a_long_page_is_read_in_parts() {
        let body: String = (0..20_000).map(|at| format!("line {at}\n")).collect();
        let page = page("text/plain", body.as_bytes());
        let first = written(&page, 1).unwrap();
        assert!(first.contains("Part 1 of 7.") && first.contains("line 0\n"), "{first:.80}");
        let all: Vec<String> = (1..=7).map(|part| written(&page, part).unwrap()).collect();
        assert!(all.iter().all(|part| part.len() <= limits::FETCH_TEXT_BYTES + limits::FETCH_URL_BYTES));
        for line in [0, 5_000, 19_999] {
            assert!(all.iter().any(|part| part.contains(&format!("line {line}"))));
        }
        assert_eq!(written(&page, 99).unwrap(), all[6]);
    }

    #[test]
    fn a_page_made_to_hurt_is_read_in_time() {
        let deep = "<div>".repeat(limits::FETCH_BODY_BYTES / 5);
        let tables = "<table><tr><td>".repeat(limits::FETCH_BODY_BYTES / 15);
        let open: String = (0..20_000).map(|at| format!("<b a={at}>")).chain(["<p>x".repeat(200_000)]).collect();
        let scopes = "<div><table><td></div></table>".repeat(limits::FETCH_BODY_BYTES / 30);
        let one_line = "word ".repeat(limits::FETCH_BODY_BYTES / 5);
        let no_space = "x".repeat(limits::FETCH_BODY_BYTES);
        let links = "<a href=x>".repeat(limits::FETCH_BODY_BYTES / 10);
        let quotes = "<a href='".repeat(limits::FETCH_BODY_BYTES / 9);
        let scripts = "<script>".repeat(limits::FETCH_BODY_BYTES / 8);
        let started = std::time::Instant::now();
        for (at, hostile) in [deep, tables, open, scopes, one_line, no_space, links, quotes, scripts].iter().enumerate()
        {
            let _ = written(&page("text/html", hostile.as_bytes()), 1);
            // A build without optimisation, on a machine with much else to do.
            assert!(started.elapsed().as_secs() < 60, "{at} took too long");
        }
    }

    proptest! {
        #[test]
        fn no_page_brings_it_down(body in prop::collection::vec(any::<u8>(), 0..400), html in any::<bool>()) {
            let _ = written(&page(if html { "text/html" } else { "" }, &body), 1);
        }
    }
}
