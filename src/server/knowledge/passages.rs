//! A document cut into sections at its headings, and into passages of a size to quote.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::protocol::limits;

/// Between the headings that lead to a passage.
const STEP: &str = " › ";

/// A document's part from one heading to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// 1 to 6; 0 for what stands above all headings.
    level: u8,
    /// Its heading's words.
    pub heading: String,
    /// Its own within the document; empty where there is no heading.
    pub anchor: String,
    /// All of it, the heading's line first.
    pub text: &'a str,
    /// What stands below the heading: where each block of it begins and ends.
    blocks: Vec<(usize, usize)>,
    source: &'a str,
}

/// What is searched for and quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The headings that lead to it, the document's title left out.
    pub heading: String,
    pub anchor: String,
    /// As it was written.
    pub text: String,
}

/// A document's title and its passages. `path` names the document that names itself nowhere.
pub fn read(path: &str, markdown: &str) -> (String, Vec<Passage>) {
    let sections = sections(markdown);
    let title = front_matter_title(markdown)
        .or_else(|| sections.iter().find(|section| section.level == 1).map(|section| section.heading.clone()))
        .unwrap_or_else(|| name_of(path));
    let mut trail: Vec<&Section<'_>> = Vec::new();
    let mut passages = Vec::new();
    for section in &sections {
        trail.retain(|above| above.level < section.level);
        trail.push(section);
        let steps = trail.iter().map(|step| step.heading.as_str()).filter(|step| !step.is_empty() && *step != title);
        let heading = steps.collect::<Vec<_>>().join(STEP);
        for text in section.parts() {
            passages.push(Passage { heading: heading.clone(), anchor: section.anchor.clone(), text });
        }
    }
    (title, passages)
}

/// All of a document but what only machines read (front matter).
pub fn sections(markdown: &str) -> Vec<Section<'_>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut found: Vec<Section<'_>> = Vec::new();
    let mut anchors: Vec<String> = Vec::new();
    let mut heading: Option<String> = None;
    let (mut depth, mut from) = (0_usize, 0);
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match &event {
            Event::Start(Tag::MetadataBlock(_)) => from = range.end,
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                close(&mut found, markdown, from, range.start);
                from = range.start;
                found.push(Section::new(markdown, number(*level)));
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) if depth == 1 => {
                if let (Some(words), Some(section)) = (heading.take(), found.last_mut()) {
                    section.heading = words.split_whitespace().collect::<Vec<_>>().join(" ");
                    section.anchor = fresh(slug(&section.heading), &mut anchors);
                }
            }
            Event::Text(text) | Event::Code(text) if heading.is_some() => {
                heading.get_or_insert_default().push_str(text);
            }
            Event::SoftBreak | Event::HardBreak if heading.is_some() => heading.get_or_insert_default().push(' '),
            Event::Start(_) if depth == 0 => {
                if found.is_empty() {
                    found.push(Section::new(markdown, 0));
                }
                if let Some(section) = found.last_mut() {
                    section.blocks.push((range.start, range.end));
                }
            }
            _ => {}
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Html(_) | Event::Rule if depth == 0 => {
                if let Some(section) = found.last_mut() {
                    section.blocks.push((range.start, range.end));
                }
            }
            _ => {}
        }
    }
    close(&mut found, markdown, from, markdown.len());
    found
}

/// The section before a heading ends there.
fn close<'a>(found: &mut [Section<'a>], markdown: &'a str, from: usize, to: usize) {
    if let Some(section) = found.last_mut() {
        section.text = markdown[from..to].trim();
    }
}

impl<'a> Section<'a> {
    fn new(source: &'a str, level: u8) -> Self {
        Self { level, heading: String::new(), anchor: String::new(), text: "", blocks: Vec::new(), source }
    }

    /// Its blocks together as long as they are short, cut where they are not. A heading with nothing below it is
    /// a passage, too: it may be what somebody looks for.
    fn parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        let mut room = false;
        for (from, to) in &self.blocks {
            for piece in pieces(self.source[*from..*to].trim_end()) {
                match parts.last_mut() {
                    Some(last) if room && last.len() + piece.len() + 2 <= limits::PASSAGE_BYTES => {
                        last.push_str("\n\n");
                        last.push_str(piece);
                    }
                    _ => parts.push(piece.to_owned()),
                }
                room = true;
            }
        }
        if parts.is_empty() && self.level > 1 {
            parts.push(self.heading.clone());
        }
        parts
    }
}

/// A block that is too long to quote, at line ends where it has some.
fn pieces(block: &str) -> Vec<&str> {
    let mut rest = block;
    let mut pieces = Vec::new();
    while rest.len() > limits::PASSAGE_BYTES {
        let most = rest.floor_char_boundary(limits::PASSAGE_BYTES);
        let at = rest[..most].rfind('\n').or_else(|| rest[..most].rfind(' ')).filter(|at| *at > 0).unwrap_or(most);
        pieces.push(rest[..at].trim_end());
        rest = rest[at..].trim_start_matches(['\n', ' ']);
    }
    pieces.push(rest);
    pieces.into_iter().filter(|piece| !piece.trim().is_empty()).collect()
}

const fn number(level: HeadingLevel) -> u8 {
    level as u8
}

/// `Restoring a backup!` → `restoring-a-backup`, as others name the anchors of headings.
fn slug(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
    if slug.is_empty() { "section".to_owned() } else { slug }
}

/// The second one of a name is `name-1`.
fn fresh(slug: String, taken: &mut Vec<String>) -> String {
    let same = taken.iter().filter(|before| **before == slug).count();
    taken.push(slug.clone());
    if same == 0 { slug } else { format!("{slug}-{same}") }
}

/// The `title: …` of a document's front matter.
fn front_matter_title(markdown: &str) -> Option<String> {
    let matter = markdown.strip_prefix("---\n").or_else(|| markdown.strip_prefix("---\r\n"))?;
    let lines = matter.lines().take_while(|line| !matches!(line.trim_end(), "---" | "..."));
    let title = lines.into_iter().find_map(|line| line.strip_prefix("title:"))?;
    let title = title.trim().trim_matches(['"', '\'']).trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// `guides/how-to_restore.md` → `How to restore`.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).replace(['-', '_'], " ");
    let mut chars = stem.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(markdown: &str) -> Vec<(String, String, String)> {
        let (_, passages) = read("x.md", markdown);
        passages.into_iter().map(|passage| (passage.heading, passage.anchor, passage.text)).collect()
    }

    fn three(heading: &str, anchor: &str, text: &str) -> (String, String, String) {
        (heading.into(), anchor.into(), text.into())
    }

    #[test]
    fn a_document_is_cut_at_its_headings() {
        let text = "Before.\n\n# Backup\n\nWhy.\n\n## Restoring\n\nStop it.\n\n```sh\n# no heading\ncp a b\n```\n\n\
            ### Epoch\nNew one.\n\n## Restoring\n\nAgain *this*.\n\nAlternative\n===========\n> quoted\n> # deep\n";
        assert_eq!(read("x.md", text).0, "Backup");
        assert_eq!(
            all(text),
            [
                three("", "", "Before."),
                three("", "backup", "Why."),
                three("Restoring", "restoring", "Stop it.\n\n```sh\n# no heading\ncp a b\n```"),
                three("Restoring › Epoch", "epoch", "New one."),
                three("Restoring", "restoring-1", "Again *this*."),
                three("Alternative", "alternative", "> quoted\n> # deep"),
            ]
        );
    }

    #[test]
    fn a_document_has_a_title_wherever_it_says_it() {
        for (path, text, title) in [
            ("a.md", "---\ntitle: \"From the front\"\ntags: x\n---\n# Heading\ntext", "From the front"),
            ("a.md", "text\n\n# The *first* `one`\n\n# Second", "The first one"),
            ("guides/how-to_restore.md", "## Only small\ntext", "How to restore"),
            ("leer.md", "", "Leer"),
        ] {
            assert_eq!(read(path, text).0, title);
        }
        assert_eq!(all("---\ntitle: x\nsecret: 1\n---\nBody."), [three("", "", "Body.")]);
    }

    #[test]
    fn a_long_section_is_several_passages_and_loses_no_word() {
        let words: Vec<String> = (0..3_000).map(|at| format!("word{at}")).collect();
        let text = format!("# T\n\n{}\n\n## Long\n\n{}", words[..1_500].join(" "), words[1_500..].join("\n"));
        let passages = all(&text);
        assert!(passages.len() > 8);
        assert!(passages.iter().all(|(_, _, text)| text.len() <= limits::PASSAGE_BYTES));
        let found: Vec<&str> = passages.iter().flat_map(|(_, _, text)| text.split_whitespace()).collect();
        assert_eq!(found, words);
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in any::<String>()) {
            read("x.md", &text);
        }

        #[test]
        fn passages_are_parts_of_the_document_in_their_order(
            lines in prop::collection::vec(prop::sample::select(vec![
                "# One", "## Two", "### Three", "word", "", "- item", "> quote", "```", "    code", "| a | b |", "|---|---|",
                "---", "***", "<div>", "text\n===", "[x]: y", "1. n", "é ß 漢字", "\t", "<!-- c -->",
            ]), 0..40),
        ) {
            let text = lines.join("\n");
            let (_, passages) = read("x.md", &text);
            prop_assert!(passages.iter().all(|passage| passage.text.len() <= limits::PASSAGE_BYTES));
            let mut from = 0;
            for section in sections(&text) {
                let at = text[from..].find(section.text);
                prop_assert!(at.is_some(), "{:?} after {from}", section.text);
                from += at.unwrap_or_default() + section.text.len();
            }
            let anchors: Vec<&str> = passages.iter().map(|passage| passage.anchor.as_str()).collect();
            let mut runs = anchors.clone();
            runs.dedup();
            let mut unique = runs.clone();
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(runs.len(), unique.len(), "an anchor of two sections in {:?}", anchors);
        }
    }
}
