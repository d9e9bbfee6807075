//! Compares what every client has with what the server's log has. Pure: what is wrong, one sentence each.

mod messages;

use std::collections::{BTreeMap, HashMap, HashSet};

use magpie::protocol::ConversationId;
use serde_json::Value;

use super::{
    book::{Ack, Late, Written},
    house::Logged,
};

#[derive(Clone)]
pub struct Record {
    pub rooms: BTreeMap<ConversationId, RoomRecord>,
    pub devices: Vec<DeviceRecord>,
}

#[derive(Clone)]
pub struct RoomRecord {
    pub log: Vec<Logged>,
    /// As `GET …/messages` has them.
    pub messages: Vec<Value>,
}

#[derive(Clone)]
pub struct DeviceRecord {
    pub name: String,
    pub user: String,
    /// The events that it applied, as it did.
    pub copies: BTreeMap<ConversationId, Vec<Logged>>,
    /// The rooms that its person is in at the end.
    pub member_of: Vec<ConversationId>,
    pub written: Vec<Written>,
    pub acks: Vec<Ack>,
    pub late: Vec<Late>,
    /// What it saw on the wire that may not be.
    pub wrong: Vec<String>,
}

/// A room's log, read for comparing.
struct Truth<'a> {
    log: &'a [Logged],
    frames: Vec<Value>,
    /// Messages by author and client_id: each of their places.
    posts: HashMap<(&'a str, &'a str), Vec<usize>>,
    deleted: HashSet<String>,
}

pub fn check(record: &Record) -> Vec<String> {
    let frames: BTreeMap<_, _> = record.rooms.iter().map(|(id, room)| (*id, parse(&room.log))).collect();
    let mut truths = BTreeMap::new();
    let mut wrong = Vec::new();
    for (id, room) in &record.rooms {
        let truth = Truth::of(&room.log, &frames[id]);
        wrong.extend(truth.check().into_iter().map(|what| format!("the log of {id}: {what}")));
        wrong.extend(messages::check(&truth.frames, &room.messages));
        truths.insert(*id, truth);
    }
    for device in &record.devices {
        wrong.extend(device.check(&truths).into_iter().map(|what| format!("{}: {what}", device.name)));
        wrong.extend(device.wrong.iter().cloned());
    }
    wrong.extend(strangers(record, &truths));
    wrong
}

fn parse(log: &[Logged]) -> Vec<Value> {
    log.iter().map(|(_, text)| serde_json::from_str(text).unwrap_or_default()).collect()
}

impl<'a> Truth<'a> {
    fn of(log: &'a [Logged], frames: &'a [Value]) -> Self {
        let mut posts: HashMap<_, Vec<usize>> = HashMap::new();
        let mut deleted = HashSet::new();
        for (place, frame) in frames.iter().enumerate() {
            match frame["type"].as_str() {
                Some("message") => {
                    let author = frame["author"]["id"].as_str().unwrap_or_default();
                    posts.entry((author, frame["client_id"].as_str().unwrap_or_default())).or_default().push(place);
                }
                Some("deleted") => {
                    deleted.insert(frame["message_id"].as_str().unwrap_or_default().to_owned());
                }
                _ => {}
            }
        }
        Self { log, frames: frames.to_vec(), posts, deleted }
    }

    fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (place, (seq, text)) in self.log.iter().enumerate() {
            if *seq != place as u64 + 1 {
                wrong.push(format!("{seq} stands at {}: {text}", place + 1));
            }
        }
        let mut texts = HashSet::new();
        for frame in self.frames.iter().filter(|frame| frame["type"] == "message" && frame["text"] != "") {
            // Whoever writes numbers what they write.
            if !texts.insert(frame["text"].as_str()) {
                wrong.push(format!("written twice: {frame}"));
            }
        }
        for ((author, client_id), places) in &self.posts {
            if places.len() > 1 {
                wrong.push(format!("{author} wrote {client_id} {} times", places.len()));
            }
        }
        wrong
    }

    /// Whether a client that has `text` at this place has what was sent: the log forgets what was deleted.
    fn is_same(&self, place: usize, text: &str) -> bool {
        let Some((_, logged)) = self.log.get(place) else { return false };
        if logged == text {
            return true;
        }
        let mut frame: Value = serde_json::from_str(text).unwrap_or_default();
        let message = if frame["type"] == "message" { &frame["id"] } else { &frame["message_id"] };
        if !message.as_str().is_some_and(|id| self.deleted.contains(id)) {
            return false;
        }
        frame["text"] = "".into();
        frame == self.frames[place]
    }

    /// Where each removal of this person stands in the log.
    fn removals_of(&self, user: &str) -> Vec<u64> {
        let is_one =
            |frame: &&Value| frame["type"] == "member" && frame["change"] == "left" && frame["user"]["id"] == user;
        self.frames.iter().filter(is_one).filter_map(|frame| frame["seq"].as_u64()).collect()
    }
}

impl DeviceRecord {
    fn check(&self, truths: &BTreeMap<ConversationId, Truth>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (room, log) in &self.copies {
            wrong.extend(self.check_copy(*room, log, &truths[room]));
        }
        for ack in &self.acks {
            wrong.extend(self.check_ack(ack, &truths[&ack.room]));
        }
        for (room, truth) in truths {
            wrong.extend(self.check_written(*room, truth));
        }
        for late in &self.late {
            let removal = truths[&late.room].removals_of(&self.user).get(late.removal).copied();
            if removal.is_some_and(|removal| late.seq >= removal) {
                wrong.push(format!("after removal {}, which was event {removal:?}: {late:?}", late.removal));
            }
        }
        wrong
    }

    fn check_copy(&self, room: ConversationId, log: &[Logged], truth: &Truth) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut before = 0;
        for (seq, text) in log {
            if *seq == before {
                wrong.push(format!("duplicated: {seq} of {room}"));
            } else if *seq < before {
                wrong.push(format!("duplicated or reordered: {seq} after {before} of {room}"));
            } else if *seq > before + 1 {
                wrong.push(format!("lost: {} to {} of {room}", before + 1, seq - 1));
            }
            let is_same = usize::try_from(*seq).is_ok_and(|seq| seq > 0 && truth.is_same(seq - 1, text));
            if !is_same {
                wrong.push(format!("{seq} of {room} is not what the log has: {text}"));
            }
            before = before.max(*seq);
        }
        if self.member_of.contains(&room) && before < truth.log.len() as u64 {
            let first = usize::try_from(before).map(|before| &truth.log[before]);
            wrong.push(format!("lost: {} to {} of {room}: {first:?} …", before + 1, truth.log.len()));
        }
        wrong
    }

    fn check_ack(&self, ack: &Ack, truth: &Truth) -> Option<String> {
        let places = truth.posts.get(&(self.user.as_str(), ack.client_id.as_str())).map(Vec::as_slice);
        let is_there = match places {
            Some(&[place]) => truth.log[place].0 == ack.seq && truth.frames[place]["id"] == ack.message_id.as_str(),
            _ => false,
        };
        (!is_there).then(|| format!("acked and not there once at its place: {ack:?}, but {places:?}"))
    }

    /// Each message that was written is there once, with its text, in the order of writing.
    fn check_written(&self, room: ConversationId, truth: &Truth) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut before = None;
        for written in self.written.iter().filter(|written| written.room == room) {
            let places = truth.posts.get(&(self.user.as_str(), written.client_id.as_str()));
            let Some(&place) = places.and_then(|places| places.first()) else {
                if self.member_of.contains(&room) {
                    wrong.push(format!("never got there: {written:?}"));
                }
                continue;
            };
            let frame = &truth.frames[place];
            let is_deleted = frame["id"].as_str().is_some_and(|id| truth.deleted.contains(id));
            if frame["text"] != written.text.as_str() && !is_deleted {
                wrong.push(format!("got there as another text: {written:?}, {frame}"));
            }
            if !written.was_out {
                if before.is_some_and(|before| place < before) {
                    wrong.push(format!("reordered: {written:?} stands before what was written before it"));
                }
                before = Some(place);
            }
        }
        wrong
    }
}

/// Messages in a log that nobody wrote.
fn strangers(record: &Record, truths: &BTreeMap<ConversationId, Truth>) -> Vec<String> {
    let written: HashSet<_> = record
        .devices
        .iter()
        .flat_map(|device| device.written.iter().map(|written| (device.user.as_str(), written.client_id.as_str())))
        .collect();
    let posts = truths.values().flat_map(|truth| truth.posts.keys());
    posts.filter(|post| !written.contains(*post)).map(|post| format!("nobody wrote {post:?}")).collect()
}
