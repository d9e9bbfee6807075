//! Finds where the pieces of a text end, and renders them.
//!
//! A piece is a top-level block, or a part of one: a list longer than [`limits::MARKDOWN_PART_BYTES`] is cut between
//! two items, such a table between two rows, anything longer than [`limits::MARKDOWN_BLOCK_BYTES`] at the end of a
//! line. A fenced block of code is never cut: see `code`. Where a piece ends is decided by what stands before it and by complete lines alone.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TextMergeWithOffset};

use super::{
    definitions::{self, Definitions, Found},
    writer::Writer,
};
use crate::protocol::limits;

/// What was found at a place of the text.
pub(super) enum Step {
    /// These are finished, whatever follows them.
    Pieces(Vec<Piece>),
    /// A fenced block of code begins here, with these words behind the fence.
    Code(String),
    /// What the rest would be if it ended there.
    Open(String),
}

pub(super) struct Piece {
    pub html: String,
    /// Where the next one begins.
    pub end: usize,
    pub under: Option<Under>,
}

/// What a piece goes on with.
#[derive(Clone)]
pub(super) enum Under {
    /// A table: these lines are to be read above it.
    Table(Range<usize>),
    /// A list, from this number on if it has numbers.
    List(Option<u64>),
}

/// Reads on at `from`, where a piece begins.
pub(super) fn step(
    text: &str,
    from: usize,
    goes_on: Option<&Under>,
    is_whole: bool,
    definitions: &mut Definitions,
) -> Step {
    let to = text.floor_char_boundary((from + limits::MARKDOWN_BLOCK_BYTES).min(text.len()));
    let under = match goes_on {
        Some(Under::Table(lines)) => &text[lines.clone()],
        _ => "",
    };
    let source = (!under.is_empty()).then(|| [under, &text[from..to]].concat());
    let window = source.as_deref().unwrap_or(&text[from..to]);
    let (shift, is_last) = (under.len(), to == text.len());
    let is_end = is_last && is_whole;
    // The last line may still become anything.
    let known = if is_end { window.len() } else { window.rfind('\n').map_or(0, |at| at + 1) };
    let Read { mut blocks, code, is_cut, found } = read(window, shift, known, definitions);
    if let (Some(Under::List(number)), Some(first)) = (goes_on, blocks.first_mut()) {
        first.writer.go_on(*number);
    }
    let finished = match code {
        Some((at, info)) if at == shift => return Step::Code(info),
        Some((at, _)) => Some((blocks.len(), at)),
        None if is_end && !is_cut => Some((blocks.len(), window.len())),
        None => {
            let next = blocks.iter().rposition(|block| block.decided < known).filter(|next| *next > 0);
            next.map(|next| (next, blocks[next].start))
        }
    };
    let (pieces, end) = match finished {
        Some((count, end)) => {
            let mut pieces = pieces(blocks, count, end);
            if !found.is_empty() {
                by_themselves(&mut pieces, window, definitions);
            }
            (pieces, end)
        }
        None if is_last && !is_cut => return Step::Open(blocks.into_iter().map(|block| block.writer.html()).collect()),
        None => {
            let (end, next) = cut(window, shift, known, blocks.first());
            let mut parts = read(&window[..end], shift, 0, definitions).blocks;
            if let (Some(Under::List(number)), Some(first)) = (goes_on, parts.first_mut()) {
                first.writer.go_on(*number);
            }
            let under = match (next, goes_on) {
                (Some(Under::Table(_)), Some(Under::Table(lines))) => Some(Under::Table(lines.clone())),
                (Some(Under::Table(lines)), _) => Some(Under::Table(from + lines.start..from + lines.end)),
                (Some(Under::List(_)), _) => parts.first().map(|part| Under::List(part.writer.next_number())),
                (None, _) => None,
            };
            (vec![Piece { html: parts.into_iter().map(|part| part.writer.html()).collect(), end, under }], end)
        }
    };
    found.into_iter().filter(|(span, ..)| (shift..end).contains(&span.start)).for_each(|one| definitions.learn(one));
    let in_text = |piece: Piece| Piece { end: from + piece.end - shift, ..piece };
    Step::Pieces(pieces.into_iter().map(in_text).collect())
}

/// Each of the first `count` blocks as a piece that ends where the next one begins, the last at `end`.
fn pieces(blocks: Vec<Block<'_>>, count: usize, end: usize) -> Vec<Piece> {
    let mut ends: Vec<_> = blocks.iter().take(count).skip(1).map(|block| block.start).collect();
    ends.push(end);
    let mut blocks = blocks.into_iter().take(count);
    let piece =
        |end| Piece { html: blocks.next().map(|block| block.writer.html()).unwrap_or_default(), end, under: None };
    ends.into_iter().map(piece).collect()
}

/// Where something is defined, what a piece sees of that must not depend on how much was read with it: each is read
/// by itself, with what was learned before.
fn by_themselves(pieces: &mut [Piece], window: &str, definitions: &Definitions) {
    let mut start = 0;
    for piece in pieces {
        let blocks = read(&window[start..piece.end], 0, 0, definitions).blocks;
        piece.html = blocks.into_iter().map(|block| block.writer.html()).collect();
        start = piece.end;
    }
}

/// Where to cut a block that is longer than a piece may be, and what goes on behind it: the lines are those above
/// the rows of a table, the number is still to be found.
fn cut(window: &str, shift: usize, known: usize, block: Option<&Block<'_>>) -> (usize, Option<Under>) {
    if let Some(block) = block
        && let Some(joint) = block.joint.filter(|joint| *joint > shift)
    {
        let table = block.rows_start.map(|rows| Under::Table(block.start..rows));
        return (joint, Some(table.unwrap_or(Under::List(None))));
    }
    let at_space = || window[shift..].rfind(' ').map(|at| shift + at + 1);
    let at = Some(known).filter(|at| *at > shift).or_else(at_space);
    (at.unwrap_or(window.len()), None)
}

struct Read<'a> {
    blocks: Vec<Block<'a>>,
    /// Where the line of the first fence stands, which nothing is read behind, and what it says.
    code: Option<(usize, String)>,
    /// The last block is a list or a table that is cut at its joint; nothing is read behind.
    is_cut: bool,
    found: Vec<Found>,
}

/// A top-level block.
struct Block<'a> {
    start: usize,
    /// The line that makes it what it is: a table is one by its second, and else goes on with what is above it.
    decided: usize,
    writer: Writer<'a>,
    /// The last place, before the last line, where it may be cut in two.
    joint: Option<usize>,
    /// Where the rows of a table begin.
    rows_start: Option<usize>,
}

/// The blocks of a window up to the first fence or the first joint to cut at, if its line ends before `known`. The
/// window begins with `shift` bytes that were read before.
fn read<'a>(window: &'a str, shift: usize, known: usize, definitions: &Definitions) -> Read<'a> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_MATH;
    let resolve = |link: pulldown_cmark::BrokenLink<'a>| definitions.resolve(&link);
    let parser = Parser::new_with_broken_link_callback(window, options, Some(resolve));
    let found = definitions::found(parser.reference_definitions());
    let mut read = Read { blocks: Vec::new(), code: None, is_cut: false, found };
    let mut depth = 0;
    for (event, range) in TextMergeWithOffset::new(parser.into_offset_iter()) {
        if depth == 0 {
            let start = line_start(window, range.start);
            if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = &event
                && start < known
            {
                read.code = Some((start, info.to_string()));
                break;
            }
            if read.blocks.is_empty() || !follows_a_definition(&window[..start]) {
                let second = || window[start..].find('\n').map_or(window.len(), |at| start + at + 1);
                let decided = if matches!(event, Event::Start(Tag::Table(_))) { second() } else { start };
                read.blocks.push(Block { start, decided, writer: Writer::default(), joint: None, rows_start: None });
            }
        }
        let Some(block) = read.blocks.last_mut() else { continue };
        let start = line_start(window, range.start);
        match &event {
            Event::Start(Tag::Item) if depth == 1 && start < known => block.joint = Some(start),
            Event::Start(Tag::TableRow) if depth == 1 && start < known => {
                block.joint = block.rows_start.map(|_| start);
                block.rows_start = block.rows_start.or(Some(start));
            }
            _ => {}
        }
        let is_long = |joint: usize| joint >= block.start.max(shift) + limits::MARKDOWN_PART_BYTES;
        if depth == 1 && block.joint.is_some_and(is_long) {
            read.is_cut = true;
            break;
        }
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            _ => {}
        }
        block.writer.take(event);
    }
    read
}

/// Whether lines stand right above that define something: what begins below them depends on them.
fn follows_a_definition(above: &str) -> bool {
    above.lines().rev().take_while(|line| !line.trim().is_empty()).any(|line| line.contains("]:"))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}
