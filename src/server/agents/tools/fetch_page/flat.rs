//! HTML made flat: one block after the other, none within another, with nothing in them but text, links and line
//! breaks. A page can be written so that a parser that follows all rules takes hours or gigabytes over it; this
//! reads each byte once, and what it writes takes no longer than its length.

/// What is shown in no page.
const HIDDEN: [&str; 13] = [
    "script", "style", "template", "svg", "math", "iframe", "object", "noembed", "noframes", "xmp", "title", "select",
    "canvas",
];
/// What begins a line of its own. Whatever is not listed stands within a line.
const BLOCKS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "head",
    "header",
    "hr",
    "html",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
    "caption",
];

#[derive(Default)]
struct Flat {
    out: String,
    /// The element that the block at hand is written as; none is open where it is empty.
    block: &'static str,
    in_link: bool,
    /// The row at hand has a cell already.
    has_cell: bool,
}

/// The same text in flat HTML.
pub fn flat(html: &str) -> String {
    let mut flat = Flat::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        flat.text(&rest[..at]);
        rest = &rest[at..];
        rest = match Tag::read(rest) {
            Some((tag, after)) => {
                flat.tag(&tag);
                if !tag.closes && HIDDEN.contains(&tag.name.as_str()) { behind(after, &tag.name) } else { after }
            }
            None => match skipped(rest) {
                Some(after) => after,
                None => {
                    flat.text("&lt;");
                    &rest[1..]
                }
            },
        };
    }
    flat.text(rest);
    flat.end_block();
    flat.out
}

impl Flat {
    fn text(&mut self, text: &str) {
        if self.block.is_empty() && text.trim().is_empty() {
            return;
        }
        if self.block.is_empty() {
            self.begin_block("p");
        }
        self.out.push_str(text);
    }

    fn tag(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "br" => self.text("<br>"),
            "a" => self.link(tag),
            "pre" if !tag.closes => self.begin_block("pre"),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !tag.closes => self.begin_block(match tag.name.as_str() {
                "h1" => "h1",
                "h2" => "h2",
                _ => "h3",
            }),
            "li" if !tag.closes => {
                self.begin_block("p");
                self.out.push_str("* ");
            }
            "td" | "th" if !tag.closes => {
                if self.has_cell {
                    self.text(" | ");
                }
                self.has_cell = true;
            }
            "td" | "th" => {}
            "tr" => {
                self.end_block();
                self.has_cell = false;
            }
            "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "li" => self.end_block(),
            name if BLOCKS.contains(&name) => self.end_block(),
            _ => {}
        }
    }

    fn link(&mut self, tag: &Tag) {
        self.end_link();
        if let (false, Some(href)) = (tag.closes, &tag.href) {
            let href = href.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
            self.text(&format!("<a href=\"{href}\">"));
            self.in_link = !self.block.is_empty();
        }
    }

    fn end_link(&mut self) {
        if std::mem::take(&mut self.in_link) {
            self.out.push_str("</a>");
        }
    }

    fn begin_block(&mut self, name: &'static str) {
        self.end_block();
        self.out.push_str(&format!("<{name}>"));
        self.block = name;
    }

    fn end_block(&mut self) {
        self.end_link();
        let block = std::mem::take(&mut self.block);
        if !block.is_empty() {
            self.has_cell = false;
            self.out.push_str(&format!("</{block}>\n"));
        }
    }
}

struct Tag {
    /// In lower case.
    name: String,
    closes: bool,
    href: Option<String>,
}

impl Tag {
    /// The tag that the text begins with, and what stands behind it.
    fn read(text: &str) -> Option<(Self, &str)> {
        let inner = text.strip_prefix('<')?;
        let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let named = inner.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).unwrap_or(inner.len());
        // No element of HTML has a longer name.
        let name = inner[..named.min(inner.floor_char_boundary(16))].to_ascii_lowercase();
        let wants_href = name == "a" && !closes;
        let (href, after) = attributes(&inner[named..], wants_href);
        Some((Self { name, closes, href }, after))
    }
}

/// Reads up to the tag's end: the `href` where it is wanted, and what stands behind. A `>` within quotes is none.
fn attributes(mut rest: &str, wants_href: bool) -> (Option<String>, &str) {
    let mut href = None;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (href, after);
        }
        if rest.is_empty() {
            return (href, rest);
        }
        let named = rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace() || matches!(c, '/' | '>' | '='));
        let (name, behind) = rest.split_at(named.map_or(rest.len(), |(at, _)| at));
        rest = behind.trim_start();
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start();
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(value.len())),
        };
        if wants_href && href.is_none() && name.eq_ignore_ascii_case("href") {
            href = Some(value.trim().to_owned());
        }
        rest = behind;
    }
}

/// Behind a comment, a declaration or an instruction. `None`: the `<` is one of the text.
fn skipped(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    if let Some(comment) = inner.strip_prefix("!--") {
        return Some(comment.split_once("-->").map_or("", |(_, after)| after));
    }
    inner.starts_with(['!', '?', '/']).then(|| inner.split_once('>').map_or("", |(_, after)| after))
}

/// Behind the end tag of an element whose inside is not read.
fn behind<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest.split_once('>').map_or("", |(_, after)| after);
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_stand_one_after_the_other() {
        for (html, expected) in [
            ("a<div>b<div>c</div>d</div>", "<p>a</p>\n<p>b</p>\n<p>c</p>\n<p>d</p>\n"),
            ("<H1 class='x>y'>T</h1><p>a<br/>b", "<h1>T</h1>\n<p>a<br>b</p>\n"),
            ("<ul><li>one<li>two</ul>", "<p>* one</p>\n<p>* two</p>\n"),
            ("<tr><td>a<td>b</tr><tr><th>c</th></tr>", "<p>a | b</p>\n<p>c</p>\n"),
            ("<a href='/x\"y'>l<a href=z>m</a>n", "<p><a href=\"/x&quot;y\">l</a><a href=\"z\">m</a>n</p>\n"),
            ("<p><a href=x>never closed<p>next", "<p><a href=\"x\">never closed</a></p>\n<p>next</p>\n"),
            ("1 < 2 &amp; 3<!-- no > --><!DOCTYPE x><?php ?>4", "<p>1 &lt; 2 &amp; 34</p>\n"),
            ("<script>if (a</b) </SCRIPT>x<style>y", "<p>x</p>\n"),
            ("<title>T</title><b onclick=\"<p>\">x</b>", "<p>x</p>\n"),
        ] {
            assert_eq!(flat(html), expected, "{html}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_within_anything_but_a_link_in_a_block(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<div>", "</div>", "<table>", "<td>", "</td>", "<a href=x>", "</a>", "<b>", "</b>", "<p>", "<h1>", "</h2>",
                "<pre>", "</pre>", "<script>", "</script>", "<!--", "-->", "<", ">", "\"", "'", "<a href='", "text", "&amp;", "<br>",
            ]), 0..60),
        ) {
            let flat = flat(&parts.concat());
            let mut open: Vec<&str> = Vec::new();
            for tag in flat.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)) {
                let name = tag.split(' ').next().unwrap_or_default();
                match name.strip_prefix('/') {
                    Some(name) => prop_assert_eq!(open.pop(), Some(name), "{}", flat),
                    None if name == "br" => {}
                    None => open.push(name),
                }
                prop_assert!(open.len() <= 2, "{}", flat);
            }
            prop_assert!(open.is_empty(), "{}", flat);
        }

        #[test]
        fn no_text_brings_it_down(text in any::<String>()) {
            flat(&text);
        }
    }
}
