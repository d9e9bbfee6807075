use proptest::prelude::*;
use pulldown_cmark::{Options, Parser, TextMergeStream};

use super::{Painter, Sheet, to_html};
use crate::protocol::limits;

#[test]
fn text_is_marked_up() {
    assert_eq!(to_html("a **b** ~~c~~"), "<p>a <strong>b</strong> <del>c</del></p>\n");
    assert_eq!(to_html("one\ntwo"), "<p>one<br />\ntwo</p>\n");
    assert_eq!(to_html("# Title"), "<h3 class=\"h1\">Title</h3>\n");
    assert!(to_html("|a|b|\n|-|-|\n|1|2|").contains("<div class=\"table-scroll\" tabindex=\"0\"><table>"));
    assert!(to_html("- [x] done").contains("aria-label=\"done\""));
}

#[test]
fn code_keeps_its_language_and_its_characters() {
    let html = to_html("```rust\nlet a = \"<b>\"; // https://example.com\n```");
    assert!(html.contains("<code class=\"language-rust\">let a = \"&lt;b&gt;\"; // https://example.com\n"));
    assert!(html.contains("<span>rust</span>"));
}

#[test]
fn raw_html_is_shown_as_text() {
    assert_eq!(to_html("a <b>c</b>"), "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n");
    let block = to_html("<div onclick=\"x()\">\nhi\n</div>");
    assert!(block.starts_with("<p>&lt;div onclick="), "{block}");
}

#[test]
fn links_lead_to_the_web_alone() {
    let safe = to_html("[a](https://example.com/?q=1&r=\"2)");
    assert!(safe.contains("<a href=\"https://example.com/?q=1&amp;r=&quot;2\" rel=\"noopener"), "{safe}");
    for url in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil", "/c/1", "vbscript:x"] {
        let html = to_html(&format!("[a](<{url}>)"));
        assert_eq!(html, "<p>a</p>\n", "{url}");
    }
}

#[test]
fn an_agents_chart_is_a_link_and_no_other_path_of_this_site_is() {
    let html = to_html("[Open the picture](/api/v1/charts/01JD3WQ8ZC3E5V9G7M2K4N6P8R.svg)");
    assert!(html.contains("<a href=\"/api/v1/charts/01JD3WQ8ZC3E5V9G7M2K4N6P8R.svg\""), "{html}");
    for path in ["/api/v1/charts/../me.svg", "/api/v1/charts/.svg", "/api/v1/me", "/fn/sign_out"] {
        assert_eq!(to_html(&format!("[a]({path})")), "<p>a</p>\n", "{path}");
    }
}

#[test]
fn a_quotes_source_is_a_link_that_leads_to_documents_alone() {
    let html = to_html("[Backups › Restoring](/api/v1/knowledge/ops/backup%20guide.md#restoring-a-backup)");
    assert!(html.contains("<a href=\"/api/v1/knowledge/ops/backup%20guide.md#restoring-a-backup\""), "{html}");
    for path in ["../me", "a/../../me", "%2e%2e/me", ".%2E/me", "a?b=c", "a\"b", "a\\b"] {
        assert_eq!(to_html(&format!("[a](</api/v1/knowledge/{path}>)")), "<p>a</p>\n", "{path}");
    }
}

#[test]
fn a_picture_is_a_link() {
    let html = to_html("![a cat](https://example.com/cat.png)");
    assert!(html.contains("href=\"https://example.com/cat.png\"") && html.contains(">a cat</a>"), "{html}");
    assert!(!html.contains("<img"));
    let nested = to_html("[![a](https://example.com/a.png)](https://example.com)");
    assert_eq!(nested.matches("<a ").count(), 1, "{nested}");
}

#[test]
fn a_bare_address_is_a_link() {
    let html = to_html("see https://example.com/a_b_c, and (http://example.org/x).");
    assert!(html.contains("href=\"https://example.com/a_b_c\""), "{html}");
    assert!(html.contains(">https://example.com/a_b_c</a>, and ("), "{html}");
    assert!(html.contains("href=\"http://example.org/x\""), "{html}");
}

/// Tags and attributes of the HTML, as a browser would find them: a `<` that opens a tag is never escaped.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
}

fn is_harmless(html: &str) -> Result<(), String> {
    const ALLOWED: &[&str] = &[
        "a",
        "p",
        "br",
        "strong",
        "em",
        "del",
        "code",
        "pre",
        "div",
        "span",
        "button",
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "h3",
        "hr",
    ];
    for tag in tags(html) {
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if !ALLOWED.contains(&name) {
            return Err(format!("tag {tag:?} in {html:?}"));
        }
        let unquoted: String = tag.split('"').step_by(2).collect();
        for attribute in unquoted.split_whitespace().skip(1) {
            let attribute = attribute.split('=').next().unwrap_or_default();
            if attribute.starts_with("on") || attribute == "srcdoc" {
                return Err(format!("attribute {attribute:?} in {html:?}"));
            }
        }
        let href = tag.split("href=\"").nth(1).map(str::to_ascii_lowercase);
        if href.is_some_and(|href| {
            !["http://", "https://", "mailto:", "/api/v1/charts/", "/api/v1/knowledge/"]
                .iter()
                .any(|ok| href.starts_with(ok))
        }) {
            return Err(format!("href of {tag:?} in {html:?}"));
        }
    }
    Ok(())
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<script>",
        "</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=x>",
        "javascript:alert(1)",
        "[",
        "](",
        ")",
        "!",
        "<",
        ">",
        "\"",
        "'",
        "`",
        "```",
        "\n",
        "\n\n",
        "    ",
        "- [ ] ",
        "> ",
        "# ",
        "|",
        "|-|-|",
        "&lt;",
        "&#x6a;",
        "https://e.com/",
        "http://\"onmouseover=x",
        "mailto:a@b",
        "<javascript:x>",
        "<https://e.com>",
        "*",
        "_",
        "~~",
        "onclick=\"x\"",
        "\\",
        "\t",
        "\u{0}",
        "é",
        "🐦",
        "[a]: javascript:x\n",
        "<!--",
        "-->",
        "<a href=",
        "text ",
        "1. ",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn hostile_text_never_becomes_markup(text in hostile()) {
        let html = to_html(&text);
        prop_assert!(!html.contains("<script"), "{html}");
        is_harmless(&html).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn any_text_is_rendered_without_harm(text in any::<String>()) {
        is_harmless(&to_html(&text)).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn an_aligned_table_carries_no_style_that_the_policy_would_refuse() {
    let html = to_html("| a | b |\n|:-:|--:|\n| 1 | 2 |");
    assert!(html.contains("<td>1</td>") && !html.contains("style"), "{html}");
}

/// What was shown at each moment, and what is at the end.
fn painted(texts: &[&str]) -> String {
    let mut painter = Painter::new(Sheet::default());
    let mut before = "";
    let mut rewrites = 0;
    for text in texts {
        rewrites += u32::from(!text.starts_with(before));
        before = text;
        while painter.paint(text, rewrites, false) {}
    }
    while painter.paint(before, rewrites, true) {}
    painter.into_paper().into_html()
}

#[test]
fn a_whole_text_to_which_an_edit_adds_is_shown_as_one() {
    for (before, after) in [
        ("Base text", "Base text with **more** words"),
        ("- one\n- two", "- one\n- two\n- three"),
        ("```\na\n```", "```\na\n```\nand words"),
    ] {
        let mut painter = Painter::new(Sheet::default());
        while painter.paint(before, 0, true) {}
        while painter.paint(after, 0, true) {}
        assert_eq!(painter.into_paper().into_html(), to_html(after));
    }
}

/// Beginnings of the text at these places, which need not ascend.
fn beginnings<'a>(text: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let cut = |index: &prop::sample::Index| &text[..text.floor_char_boundary(index.index(text.len() + 1))];
    cuts.iter().map(cut).chain([text]).collect()
}

fn markdown() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "word ",
        "word\n",
        "\n",
        "\n\n",
        "# Title\n",
        "===\n",
        "---\n",
        "- item\n",
        "* other\n",
        "1. one\n",
        "2. two\n",
        "1",
        "2",
        ". ",
        "-",
        "*",
        "  more\n",
        "    deep\n",
        "\t",
        "> quote\n",
        ">",
        "```\n",
        "```rust\n",
        "~~~~\n",
        "~~~\n",
        "``",
        "`code`",
        "|a|b|\n",
        "|-|-|\n",
        "|1|2|\n",
        "| ",
        "[a]",
        "[a]: https://e.com\n",
        "[A]: https://f.com \"t\"\n",
        "[b][a]",
        "<div>\n",
        "<!--\n",
        "-->\n",
        "</div>\n",
        "**bold",
        "**",
        "$x$",
        "$$\nx\n$$\n",
        "- [ ] to do\n",
        "é",
        "🐦",
        "\r\n",
        "\\",
        "  ",
        " ",
        "let x = 1;\n",
        "https://e.com/a ",
        "&amp;",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_text_in_pieces_is_the_text_at_once(text in markdown(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut ascending = cuts.clone();
        ascending.sort_by_key(|index| index.index(text.len() + 1));
        prop_assert_eq!(painted(&beginnings(&text, &ascending)), to_html(&text));
        // With the model asked again in between.
        prop_assert_eq!(painted(&beginnings(&text, &cuts)), to_html(&text));
    }

    #[test]
    fn a_text_that_is_written_anew_is_as_if_nothing_had_been_there(one in markdown(), other in markdown()) {
        prop_assert_eq!(painted(&[&one, &other]), to_html(&other));
    }

    #[test]
    fn hostile_text_is_harmless_at_every_moment(text in hostile(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let html = painted(&beginnings(&text, &cuts));
        is_harmless(&html).map_err(TestCaseError::fail)?;
    }

    /// Piece by piece is how the whole would be rendered, but for what one piece says of another.
    #[test]
    fn pieces_are_what_the_whole_is(text in markdown().prop_filter("definitions", |text| !text.contains("]:") && !text.contains(['\r', '\t']))) {
        let mut writer = super::writer::Writer::default();
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_MATH;
        for event in TextMergeStream::new(Parser::new_ext(&text, options)) {
            writer.take(event);
        }
        prop_assert_eq!(to_html(&text), writer.html());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Lists, tables and boxes longer than a part of them.
    #[test]
    fn a_long_text_in_pieces_is_the_text_at_once(
        parts in prop::collection::vec((markdown(), 1..200_usize), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let text: String = parts.iter().map(|(text, times)| text.repeat(*times)).collect();
        let text = &text[..text.floor_char_boundary(40_000)];
        let mut ascending = cuts;
        ascending.sort_by_key(|index| index.index(text.len() + 1));
        prop_assert_eq!(painted(&beginnings(text, &ascending)), to_html(text));
    }
}

#[test]
fn a_definition_counts_wherever_it_stands() {
    let html = to_html("See [the page][p].\n\nMore.\n\n[p]: https://example.com\n");
    assert!(html.contains("href=\"https://example.com\""), "{html}");
    assert_eq!(
        painted(&["See [the page][p].\n\nMore.\n\n", "See [the page][p].\n\nMore.\n\n[p]: https://example.com\n"]),
        html
    );
}

#[test]
fn a_formula_keeps_its_source() {
    assert_eq!(to_html("so $a<b$."), "<p>so <span class=\"math\">$a&lt;b$</span>.</p>\n");
    assert!(to_html("$$x^2$$").contains("<span class=\"math display\">$$x^2$$</span>"));
    for text in ["It costs $5 and $10.", "$5-$10 a month", "a $ and a $ sign"] {
        assert!(!to_html(text).contains("math"), "{text}: {}", to_html(text));
    }
}

/// A megabyte of one block: never more than a piece of it is rendered again, and nothing of it is lost.
#[test]
fn no_block_is_too_long_to_grow() {
    let lines = |line: &str| line.repeat(200_000 / line.len());
    for text in [
        lines("- an item of a list\n"),
        ["| a | b |\n|---|---|\n", &lines("| one | two |\n")].concat(),
        lines("a line of one paragraph\n"),
        lines("word "),
        lines("unbroken"),
        lines("> a quote\n"),
        ["<!--\n", &lines("never ended\n")].concat(),
        ["```\n", &lines("let x = 1;\n")].concat(),
        lines("[a]: https://example.com/\n"),
    ] {
        let whole = to_html(&text);
        let steps: Vec<_> = (0..text.len()).step_by(10_007).chain([text.len()]).map(|at| &text[..at]).collect();
        let grown = painted(&steps);
        let same = grown.bytes().zip(whole.bytes()).take_while(|(one, other)| one == other).count();
        let from = same.saturating_sub(100);
        let near = |html: &str| html.chars().skip(from).take(300).collect::<String>();
        assert!(grown == whole, "at {same}: {:?} … {:?}", near(&grown), near(&whole));
        let shown = |word: &str| whole.matches(word).count() == text.matches(word).count();
        assert!(["item", "one paragraph", "a quote", "ended", "let x"].into_iter().all(shown), "{}", &text[..40]);
    }
}

#[test]
fn a_long_list_is_several_that_look_like_one() {
    let bullets = to_html(&"- an item of a list\n".repeat(500));
    let lists = limits::MARKDOWN_PART_BYTES / 20;
    assert_eq!((bullets.matches("<ul>").count(), bullets.matches("<ul class=\"on\">").count()), (1, 500 / lists));
    // Every item has the number that it had in one list, whatever stands before it.
    let counted = to_html(&"1. an item of a list\n".repeat(500));
    let starts: Vec<_> = counted.split(" start=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let items = limits::MARKDOWN_PART_BYTES.div_ceil(21) as u64;
    assert_eq!(starts, [1 + items, 1 + 2 * items].map(|number| number.to_string()));
    let table = to_html(&["| a | b |\n|---|---|\n", &"| one | two |\n".repeat(500)].concat());
    assert_eq!(table.matches("<table>").count(), table.matches("<th>a</th>").count());
    assert_eq!(table.matches("<td>one</td>").count(), 500);
}

#[test]
fn blocks_of_a_long_text_stand_in_boxes() {
    let text = "A paragraph of some length, and then another.\n\n".repeat(1_000);
    let html = to_html(&text);
    let boxes = html.matches("<div class=\"chunk\">").count();
    assert_eq!(boxes, text.len() / limits::MARKDOWN_CHUNK_BYTES);
    assert_eq!(boxes, html.matches("</div>").count());
    assert!(!to_html(&text[..limits::MARKDOWN_CHUNK_BYTES]).contains("chunk"));
    let steps: Vec<_> = (0..text.len()).step_by(1_003).chain([text.len()]).map(|at| &text[..at]).collect();
    assert_eq!(painted(&steps), html);
}
