//! Link definitions (`[name]: https://…`) of the whole text, for pieces that are rendered one by one.

use std::{cell::RefCell, ops::Range};

use pulldown_cmark::{BrokenLink, CowStr, RefDefs};

/// Names that are kept of a text, defined or asked for. Few texts have any, so that they are looked for one by one.
const NAMES: usize = 500;

#[derive(Default)]
pub(super) struct Definitions {
    known: Vec<(String, Link)>,
    missing: RefCell<Vec<String>>,
    /// Something was defined after it had been asked for: what was rendered by then is not what it would be.
    late: bool,
}

/// Where a name leads, and its title.
type Link = (String, String);
/// A definition in a window of the text, and where it stands there.
pub(super) type Found = (Range<usize>, String, Link);

pub(super) fn found(definitions: &RefDefs<'_>) -> Vec<Found> {
    let mut all: Vec<_> = definitions
        .iter()
        .map(|(label, link)| {
            let title = link.title.as_deref().unwrap_or_default();
            (link.span.clone(), key(label), (link.dest.to_string(), title.to_owned()))
        })
        .collect();
    all.sort_by_key(|(span, ..)| span.start);
    all
}

impl Definitions {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The first definition of a name counts.
    pub(super) fn learn(&mut self, (_, label, link): Found) {
        if self.known.len() < NAMES && self.find(&label).is_none() {
            self.late |= self.missing.get_mut().contains(&label);
            self.known.push((label, link));
        }
    }

    fn find(&self, label: &str) -> Option<&Link> {
        self.known.iter().find(|(known, _)| known == label).map(|(_, link)| link)
    }

    /// Whether all is to be rendered once more, now that everything is known.
    pub(super) fn take_late(&mut self) -> bool {
        std::mem::take(&mut self.late)
    }

    pub(super) fn resolve<'a>(&self, link: &BrokenLink<'_>) -> Option<(CowStr<'a>, CowStr<'a>)> {
        let label = key(&link.reference);
        let known = self.find(&label).map(|(url, title)| (url.clone().into(), title.clone().into()));
        let mut missing = self.missing.borrow_mut();
        if known.is_none() && missing.len() < NAMES && !missing.contains(&label) {
            missing.push(label);
        }
        known
    }
}

/// Names are the same in any case and with any white space between their words.
fn key(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
