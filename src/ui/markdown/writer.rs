//! Events of the parser as HTML, with what is not to be shown as it is made harmless.

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, Tag, TagEnd, html};

/// One piece of a text.
#[derive(Default)]
pub(super) struct Writer<'a> {
    events: Vec<Event<'a>>,
    /// Links and pictures open around this place, and whether each was written as a link.
    links: Vec<bool>,
    in_code: bool,
    /// The formula that was just written, if it is one in a line.
    formula: Option<String>,
    /// Its first list goes on with one that was cut.
    goes_on: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn html(self) -> String {
        let mut out = String::new();
        html::push_html(&mut out, self.events.into_iter());
        if self.goes_on {
            out.insert_str("<ul".len(), " class=\"on\"");
        }
        out
    }

    /// It begins with what is left of a list, from this number on if it has numbers.
    pub(super) fn go_on(&mut self, number: Option<u64>) {
        if let Some(Event::Start(Tag::List(first))) = self.events.first_mut() {
            *first = first.and(number);
            self.goes_on = true;
        }
    }

    /// The number behind its list's last, if it has numbers.
    pub(super) fn next_number(&self) -> Option<u64> {
        let Some(Event::Start(Tag::List(first))) = self.events.first() else { return None };
        let mut depth = 0_usize;
        let mut items = 0;
        for event in &self.events {
            match event {
                Event::Start(tag) => {
                    items += u64::from(depth == 1 && *tag == Tag::Item);
                    depth += 1;
                }
                Event::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        first.map(|first| first.saturating_add(items))
    }

    pub(super) fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => self.events.push(Event::Text(text)),
            Event::SoftBreak => self.events.push(Event::HardBreak),
            Event::TaskListMarker(done) => self.raw(task(done)),
            Event::Text(text) => self.text(text),
            Event::InlineMath(tex) => {
                self.math(&tex, "math", "$");
                self.formula = Some(tex.into_string());
                return;
            }
            Event::DisplayMath(tex) => self.math(&tex, "math display", "$$"),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            other => self.events.push(other),
        }
        self.formula = None;
    }

    fn start(&mut self, tag: Tag<'a>) {
        let tag = match tag {
            Tag::HtmlBlock => Tag::Paragraph,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => return self.open_link(&dest_url),
            Tag::Heading { level, .. } => heading(level),
            Tag::CodeBlock(kind) => {
                self.in_code = true;
                self.raw(code_head(&kind));
                Tag::CodeBlock(kind)
            }
            Tag::Table(columns) => {
                self.raw("<div class=\"table-scroll\" tabindex=\"0\">".into());
                // An alignment would be an inline style, which the page's policy forbids.
                Tag::Table(vec![Alignment::None; columns.len()])
            }
            other => other,
        };
        self.events.push(Event::Start(tag));
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::HtmlBlock => self.events.push(Event::End(TagEnd::Paragraph)),
            TagEnd::Link | TagEnd::Image => self.close_link(),
            TagEnd::Heading(_) => self.events.push(Event::End(TagEnd::Heading(HeadingLevel::H3))),
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.events.push(Event::End(tag));
                self.raw("</div>\n".into());
            }
            TagEnd::Table => {
                self.events.push(Event::End(tag));
                self.raw("</div>\n".into());
            }
            other => self.events.push(Event::End(other)),
        }
    }

    /// As it was written: a script makes a formula of it (`public/rich.js`).
    fn math(&mut self, tex: &str, class: &str, mark: &str) {
        let mut html = ["<span class=\"", class, "\">", mark].concat();
        escape_body(tex, &mut html);
        html.push_str(mark);
        html.push_str("</span>");
        self.events.push(Event::InlineHtml(html.into()));
    }

    fn raw(&mut self, html: CowStr<'a>) {
        self.events.push(Event::Html(html));
    }

    fn open_link(&mut self, url: &str) {
        let written = is_allowed(url) && !self.links.contains(&true);
        if written {
            let open = anchor(url);
            self.events.push(Event::InlineHtml(open.into()));
        }
        self.links.push(written);
    }

    fn close_link(&mut self) {
        if self.links.pop() == Some(true) {
            self.events.push(Event::InlineHtml("</a>".into()));
        }
    }

    /// Text, with the bare web addresses in it as links.
    fn text(&mut self, mut text: CowStr<'a>) {
        if let Some(tex) = self.formula.take().filter(|_| text.starts_with(|c: char| c.is_ascii_digit())) {
            // Two prices, no formula.
            self.events.pop();
            text = ["$", &tex, "$", &text].concat().into();
        }
        if self.in_code || self.links.contains(&true) || !text.contains("://") {
            return self.events.push(Event::Text(text));
        }
        let mut rest: &str = &text;
        while let Some((before, url, after)) = find_url(rest) {
            self.events.push(Event::Text(before.to_owned().into()));
            self.events.push(Event::InlineHtml(anchor(url).into()));
            self.events.push(Event::Text(url.to_owned().into()));
            self.events.push(Event::InlineHtml("</a>".into()));
            rest = after;
        }
        self.events.push(Event::Text(rest.to_owned().into()));
    }
}

/// All headings of a message stand below the page's own; their class keeps the size.
fn heading<'a>(level: HeadingLevel) -> Tag<'a> {
    let class = match level {
        HeadingLevel::H1 => "h1",
        HeadingLevel::H2 => "h2",
        _ => "h3",
    };
    Tag::Heading { level: HeadingLevel::H3, id: None, classes: vec![class.into()], attrs: vec![] }
}

fn task<'a>(done: bool) -> CowStr<'a> {
    let (label, mark) = if done { ("done", "☑") } else { ("to do", "☐") };
    format!("<span class=\"task\" role=\"img\" aria-label=\"{label}\">{mark}</span> ").into()
}

fn code_head<'a>(kind: &CodeBlockKind<'_>) -> CowStr<'a> {
    let language = match kind {
        CodeBlockKind::Fenced(info) => language(info),
        CodeBlockKind::Indented => "",
    };
    bar(language).into()
}

/// The language that the first line of a block of code names.
pub(super) fn language(info: &str) -> &str {
    info.split([' ', ',']).next().unwrap_or_default()
}

/// The bar over a block of code: its language, and the button that a script brings to life.
pub(super) fn bar(language: &str) -> String {
    let mut html = String::from("<div class=\"code\"><div class=\"code-head\"><span>");
    html.push_str(&escape(language));
    html.push_str("</span><button type=\"button\" class=\"copy needs-js\" data-copy>Copy</button></div>");
    html
}

fn anchor(url: &str) -> String {
    format!("<a href=\"{}\" rel=\"noopener noreferrer nofollow ugc\" target=\"_blank\">", escape(url))
}

fn is_allowed(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && url.len() > scheme.len()
    }) || is_chart(url)
        || is_document(url)
}

/// A chart of this server, as an agent's answer names it.
fn is_chart(url: &str) -> bool {
    let id = url.strip_prefix("/api/v1/charts/").and_then(|file| file.strip_suffix(".svg"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A document of the knowledge base, as a quote links it: no step leads out of there.
fn is_document(url: &str) -> bool {
    url.starts_with("/api/v1/knowledge/")
        && !url.to_ascii_lowercase().replace("%2e", ".").contains("..")
        && url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%#".contains(&byte))
}

/// The first bare web address: what stands before it, the address, what stands after.
fn find_url(text: &str) -> Option<(&str, &str, &str)> {
    let start = [text.find("https://"), text.find("http://")].into_iter().flatten().min()?;
    let tail = &text[start..];
    let end = tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`')).unwrap_or(tail.len());
    let mut url = tail[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
    if url.ends_with(')') && !url.contains('(') {
        url = url.trim_end_matches([')', '.', ',']);
    }
    let after = start + url.len();
    is_allowed(url).then(|| (&text[..start], url, &text[after..]))
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text between tags.
pub(super) fn escape_body(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        out.push_str(match special.as_bytes()[0] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &special[1..];
    }
    out.push_str(rest);
}
