//! The operators' lists: every dialog by whose hands it is in, and what of a change is worth a word on the desktop.
//!
//! A dialog that is not opened is known by its line alone, which the server tells anew after each change. One that
//! is opened is told of twice: by its events and by its line. Whichever has the newer head counts.

use crate::protocol::{
    ConversationId, Timestamp, UserId,
    dialog::{DialogStatus, Owner},
    http::Conversation,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    lines: Vec<Conversation>,
    /// Whether all of it was fetched once: before, a line that is not here says nothing.
    is_known: bool,
}

/// Which dialogs are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Those that wait for a person, the one that waits longest first.
    #[default]
    Queue,
    /// Those that the reader holds.
    Mine,
    /// Those that the agents answer.
    Ai,
    /// All of them, the resolved ones too.
    All,
}

impl Tab {
    pub const EVERY: [Self; 4] = [Self::Queue, Self::Mine, Self::Ai, Self::All];

    /// The word in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Mine => "mine",
            Self::Ai => "ai",
            Self::All => "all",
        }
    }

    /// The word on the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "Queue",
            Self::Mine => "Mine",
            Self::Ai => "AI",
            Self::All => "All",
        }
    }

    /// The one that an address names; the queue where it names none.
    pub fn of(word: Option<&str>) -> Self {
        Self::EVERY.into_iter().find(|tab| Some(tab.as_str()) == word).unwrap_or_default()
    }

    pub fn holds(self, line: &Conversation, me: UserId) -> bool {
        let is_unresolved = line.status != DialogStatus::Resolved;
        match self {
            Self::Queue => line.status == DialogStatus::Open && matches!(line.owner, Owner::Queue { .. }),
            Self::Mine => is_unresolved && line.owner.is(me),
            Self::Ai => is_unresolved && line.owner == Owner::Ai,
            Self::All => true,
        }
    }
}

/// What is worth a word to somebody who looks elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// It came into the queue.
    Waits,
    /// The visitor wrote in a dialog that the reader holds.
    Wrote,
}

impl Desk {
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    pub fn line(&self, id: ConversationId) -> Option<&Conversation> {
        self.lines.iter().find(|line| line.id == id)
    }

    pub fn line_mut(&mut self, id: ConversationId) -> Option<&mut Conversation> {
        self.lines.iter_mut().find(|line| line.id == id)
    }

    /// All lines as just fetched; one of ours that is fresher stays. Returns those that are others than before.
    pub fn replace(&mut self, mut lines: Vec<Conversation>) -> Vec<ConversationId> {
        for line in &mut lines {
            if let Some(ours) = self.line(line.id).filter(|ours| ours.head > line.head) {
                *line = ours.clone();
            }
        }
        let is_other = |line: &&Conversation| self.line(line.id) != Some(line);
        let changed = lines.iter().filter(is_other).map(|line| line.id).collect();
        self.lines = lines;
        self.is_known = true;
        changed
    }

    /// One line as it is told anew. Whether that changes anything: what is older than ours does not.
    pub fn tell(&mut self, told: &Conversation) -> bool {
        match self.line_mut(told.id) {
            Some(ours) if told.head < ours.head || ours == told => false,
            Some(ours) => {
                ours.clone_from(told);
                true
            }
            None => {
                self.lines.push(told.clone());
                true
            }
        }
    }

    /// Whether it was there.
    pub fn remove(&mut self, id: ConversationId) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.id != id);
        self.lines.len() != before
    }

    /// The lines of a tab, in its order.
    pub fn tab(&self, tab: Tab, me: UserId) -> Vec<&Conversation> {
        let mut lines: Vec<_> = self.lines.iter().filter(|line| tab.holds(line, me)).collect();
        match tab {
            Tab::Queue => lines.sort_by_key(|line| (waiting_since(line), line.id)),
            Tab::Mine | Tab::Ai | Tab::All => {
                lines.sort_by_key(|line| std::cmp::Reverse((last_at(line), line.id)));
            }
        }
        lines
    }

    /// How many each of [`Tab::EVERY`] holds.
    pub fn counts(&self, me: UserId) -> [usize; 4] {
        Tab::EVERY.map(|tab| self.lines.iter().filter(|line| tab.holds(line, me)).count())
    }

    /// How many want the reader's eye: those in the queue, and one's own with something unread.
    pub fn wanting(&self, me: UserId) -> usize {
        let wants = |line: &&Conversation| Tab::Queue.holds(line, me) || (Tab::Mine.holds(line, me) && line.unread > 0);
        self.lines.iter().filter(wants).count()
    }

    /// The dialog `step` further down a tab than `from`; from none it is the first, and it ends where the tab does.
    pub fn neighbour(&self, tab: Tab, me: UserId, from: Option<ConversationId>, step: isize) -> Option<ConversationId> {
        let lines = self.tab(tab, me);
        let here = from.and_then(|id| lines.iter().position(|line| line.id == id));
        let index = here.map_or(0, |here| here.saturating_add_signed(step));
        lines.get(index.min(lines.len().checked_sub(1)?)).map(|line| line.id)
    }
}

/// What the reader, who looks elsewhere, is told of a line that became another one. `before`: nothing where it is new.
pub fn alert(before: Option<&Conversation>, after: &Conversation, me: UserId) -> Option<Alert> {
    let was = |tab: Tab| before.is_some_and(|before| tab.holds(before, me));
    if Tab::Queue.holds(after, me) && !was(Tab::Queue) {
        return Some(Alert::Waits);
    }
    let newest = |line: &Conversation| line.last_message.as_ref().map(|message| message.seq);
    let visitor = after.dialog.as_ref().map(|dialog| dialog.visitor.id);
    let is_visitors = after.last_message.as_ref().is_some_and(|message| Some(message.author.id) == visitor);
    let is_news = before.is_none_or(|before| newest(before) < newest(after));
    (Tab::Mine.holds(after, me) && is_visitors && is_news && after.unread > 0).then_some(Alert::Wrote)
}

/// As the visitor is called: by their host page, else by us.
pub fn visitor_name(line: &Conversation) -> &str {
    line.dialog.as_ref().map_or(line.title.as_str(), |dialog| &dialog.visitor.name)
}

/// What the visitor wants, as far as one message tells: their newest, whoever spoke after them.
pub fn last_words(line: &Conversation) -> Option<&str> {
    let visitors = line.dialog.as_ref().and_then(|dialog| dialog.visitor_message.as_deref());
    visitors.or(line.last_message.as_ref()).map(|message| message.text.as_str())
}

/// Since when it waits; the end of time where it does not.
fn waiting_since(line: &Conversation) -> Timestamp {
    line.dialog.as_ref().and_then(|dialog| dialog.waiting_since).unwrap_or(Timestamp(i64::MAX))
}

fn last_at(line: &Conversation) -> Timestamp {
    line.last_message.as_ref().map(|message| message.timestamp).unwrap_or_default()
}

#[cfg(test)]
mod tests;
