//! Puts a text that grows on a paper: what is finished stays as it is, only the end is put anew.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use super::{
    code::Code,
    cutter::{Step, Under, step},
    definitions::Definitions,
};
use crate::protocol::limits;

/// A place on a paper.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub at: usize,
    /// The place in the box that is open there.
    pub in_chunk: Option<usize>,
}

/// Where HTML is put: a page's element, or a string.
pub trait Paper {
    /// Where it ends now, to cut it there later.
    fn end(&self) -> Mark;
    /// Takes away what stands behind this place.
    fn cut(&mut self, mark: Mark);
    /// From here on, up to the next, all stands in a box of this class.
    fn begin_chunk(&mut self, class: &str);
    /// Puts HTML at the end.
    fn put(&mut self, html: &str);
    /// Begins a block of code: `head` leaves its own element open, `code` those of the code. From here to
    /// [`Paper::close_code`] there is nothing but text and its parts.
    fn open_code(&mut self, head: &str, code: &str);
    fn code_part(&mut self, is_first: bool);
    fn code_text(&mut self, text: &str);
    fn close_code(&mut self, has_parts: bool);
}

pub struct Painter<P> {
    paper: P,
    pieces: Vec<Done>,
    /// A block of code that has not ended.
    code: Option<Code>,
    /// Where the box begins in the text that the next piece stands in; the first ones stand in none.
    chunk: usize,
    definitions: Definitions,
    rewrites: u32,
    /// How long the text was that was said to be whole.
    whole: Option<usize>,
}

/// A finished piece.
struct Done {
    start: usize,
    end: usize,
    hash: u64,
    /// What the next one goes on with.
    under: Option<Under>,
    chunk: usize,
    /// Where the paper ended then.
    mark: Mark,
}

impl<P: Paper> Painter<P> {
    pub fn new(paper: P) -> Self {
        Self {
            paper,
            pieces: Vec::new(),
            code: None,
            chunk: 0,
            definitions: Definitions::default(),
            rewrites: 0,
            whole: None,
        }
    }

    pub fn into_paper(self) -> P {
        self.paper
    }

    /// Brings the paper up to this text, or a good part of the way: then it is to be called again, in the next
    /// frame. The text is what it was with more behind it, unless `rewrites` counts another change. When
    /// `is_whole`, nothing more will come, unless somebody edits it.
    pub fn paint(&mut self, text: &str, rewrites: u32, is_whole: bool) -> bool {
        let was_edited = self.whole.is_some_and(|length| length != text.len());
        self.whole = is_whole.then_some(text.len());
        if rewrites != self.rewrites || was_edited {
            self.rewrites = rewrites;
            self.rewind(text);
        }
        if self.code.is_none() {
            self.paper.cut(self.mark());
        }
        let mut budget = limits::PAINT_BYTES;
        loop {
            if let Some(code) = &mut self.code {
                let Some(end) = code.grow(text, is_whole, &mut budget, &mut self.paper) else { return budget == 0 };
                code.close(&mut self.paper);
                self.code = None;
                self.done(text, end, None);
            }
            let from = self.at();
            if from >= text.len() {
                return is_whole && self.begin_again();
            }
            if budget == 0 {
                return true;
            }
            let under = self.pieces.last().and_then(|last| last.under.clone());
            match step(text, from, under.as_ref(), is_whole, &mut self.definitions) {
                Step::Pieces(pieces) => {
                    for piece in pieces {
                        self.make_room();
                        self.paper.put(&piece.html);
                        self.done(text, piece.end, piece.under);
                    }
                    budget = budget.saturating_sub(self.at() - from);
                }
                Step::Code(info) => {
                    let Some((code, head, open)) = Code::open(text, from, &info) else { return false };
                    self.make_room();
                    self.paper.open_code(&head, &open);
                    self.code = Some(code);
                }
                Step::Open(html) => {
                    self.make_room();
                    self.paper.put(&html);
                    return false;
                }
            }
        }
    }

    /// What is finished ends here in the text,
    fn at(&self) -> usize {
        self.pieces.last().map_or(0, |last| last.end)
    }

    /// and here on the paper.
    fn mark(&self) -> Mark {
        self.pieces.last().map_or(Mark::default(), |last| last.mark)
    }

    /// Before each piece: begins a box where one is full.
    fn make_room(&mut self) {
        let (at, last) = (self.at(), self.pieces.last());
        self.chunk = last.map_or(0, |last| last.chunk);
        if at - self.chunk >= limits::MARKDOWN_CHUNK_BYTES {
            self.chunk = at;
            let goes_on = matches!(last, Some(Done { under: Some(Under::List(_)), .. }));
            self.paper.begin_chunk(if goes_on { "chunk on" } else { "chunk" });
        }
    }

    fn done(&mut self, text: &str, end: usize, under: Option<Under>) {
        let start = self.at();
        let (hash, mark) = (hash(&text[start..end]), self.paper.end());
        self.pieces.push(Done { start, end, hash, under, chunk: self.chunk, mark });
    }

    /// Keeps the pieces that are still the beginning of the text.
    fn rewind(&mut self, text: &str) {
        self.code = None;
        let is_same = |piece: &Done| text.get(piece.start..piece.end).is_some_and(|now| hash(now) == piece.hash);
        let kept = self.pieces.iter().take_while(|piece| is_same(piece)).count();
        // The last one may have ended where it did because of what followed it, or because the text was whole.
        self.pieces.truncate(kept.saturating_sub(1));
        if !self.definitions.is_empty() {
            self.definitions = Definitions::default();
            self.pieces.clear();
        }
        self.paper.cut(self.mark());
    }

    /// Where something was defined after it had been used, all is put anew, now that it is known.
    fn begin_again(&mut self) -> bool {
        let is_due = self.definitions.take_late();
        if is_due {
            self.pieces.clear();
            self.paper.cut(Mark::default());
        }
        is_due
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
