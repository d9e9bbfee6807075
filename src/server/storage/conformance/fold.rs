//! The log is the source of truth: fold it, and the projections come out.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Backend, House, delete, edit, message, parse, react};
use crate::{
    fresh_id,
    protocol::{
        CallId, ChartId, ConversationId, DurableFrame, Event, Message, MessageId, RunId, Seq, Side, UserId, UserRef,
        agent::{
            AgentRun, AgentStep, Approval, ApprovalResolved, ChartGenerated, Progress, RunResult, RunStatus, ToolCall,
            ToolResult,
        },
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        http::{MessageNow, ReactionNow, User},
        server::{Format, Membership, Reaction},
    },
    server::storage::Write,
};

/// What somebody tries; some of it is refused, some changes nothing.
#[derive(Clone, Debug)]
enum Try {
    Post {
        who: usize,
        text: u8,
    },
    Edit {
        who: usize,
        what: usize,
        text: u8,
    },
    Delete {
        who: usize,
        what: usize,
        moderates: bool,
    },
    React {
        who: usize,
        what: usize,
        emoji: usize,
        on: bool,
    },
    Join {
        who: usize,
    },
    Leave {
        who: usize,
    },
    /// What agents and the server itself write: by its kind, for a run, about a message.
    Server {
        kind: usize,
        run: usize,
        what: usize,
    },
}

const PEOPLE: usize = 3;
const RUNS: usize = 3;
const SERVER_KINDS: usize = 15;
const EMOJIS: [&str; 3] = ["👍", "🐦", "❤️"];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = 0..PEOPLE;
    let one = prop_oneof![
        4 => (who.clone(), 0..4u8).prop_map(|(who, text)| Try::Post { who, text }),
        3 => (who.clone(), 0..8usize, 0..4u8).prop_map(|(who, what, text)| Try::Edit { who, what, text }),
        2 => (who.clone(), 0..8usize, any::<bool>())
            .prop_map(|(who, what, moderates)| Try::Delete { who, what, moderates }),
        6 => (who.clone(), 0..8usize, 0..EMOJIS.len(), any::<bool>())
            .prop_map(|(who, what, emoji, on)| Try::React { who, what, emoji, on }),
        1 => who.clone().prop_map(|who| Try::Join { who }),
        1 => who.prop_map(|who| Try::Leave { who }),
        6 => (0..SERVER_KINDS, 0..RUNS, 0..8usize).prop_map(|(kind, run, what)| Try::Server { kind, run, what }),
    ];
    vec(one, 1..60)
}

/// A conversation as its log tells it.
#[derive(Default)]
struct Folded {
    messages: Vec<MessageNow>,
    members: Vec<UserId>,
    /// Those that have not ended.
    runs: BTreeSet<RunId>,
    /// What a timeline shows.
    timeline: Vec<DurableFrame>,
}

impl Folded {
    fn of(log: &[DurableFrame]) -> Self {
        log.iter().fold(Self::default(), Self::apply)
    }

    fn apply(mut self, frame: &DurableFrame) -> Self {
        if is_of_the_timeline(&frame.event) {
            self.timeline.push(frame.clone());
        }
        match &frame.event {
            Event::Message(_) => self.messages.push(MessageNow {
                frame: frame.clone(),
                edited_at: None,
                deleted: false,
                reactions: Vec::new(),
            }),
            Event::Edited(edited) => {
                let message = self.message(edited.message_id);
                message.edited_at = Some(frame.timestamp);
                *text(message) = edited.text.clone();
            }
            Event::Deleted(deleted) => {
                let message = self.message(deleted.message_id);
                message.deleted = true;
                message.reactions.clear();
                assert_eq!(text(message), "", "the log itself forgot it");
                let repeats = self.timeline.iter().filter_map(|frame| match &frame.event {
                    Event::Result(result) if result.message_id == deleted.message_id => Some(&result.content),
                    _ => None,
                });
                repeats.for_each(|content| assert_eq!(content, "", "where an agent's result repeats it, too"));
            }
            Event::Reaction(reaction) => self.message(reaction.message_id).react(reaction),
            Event::Member(change) => match change.change {
                Membership::Joined => self.members.push(change.user.id),
                Membership::Left => self.members.retain(|member| *member != change.user.id),
            },
            Event::AgentRun(run) if run.status.is_over() => {
                self.runs.remove(&run.run_id);
            }
            Event::AgentRun(run) => {
                self.runs.insert(run.run_id);
            }
            Event::Hidden => panic!("nobody writes what only fills a place"),
            _ => {}
        }
        self
    }

    fn message(&mut self, id: MessageId) -> &mut MessageNow {
        let is_it = |message: &&mut MessageNow| matches!(&message.frame.event, Event::Message(it) if it.id == id);
        self.messages.iter_mut().find(is_it).unwrap()
    }
}

fn is_of_the_timeline(event: &Event) -> bool {
    !matches!(
        event,
        Event::Message(_)
            | Event::Edited(_)
            | Event::Deleted(_)
            | Event::Reaction(_)
            | Event::Member(_)
            | Event::Hidden
    )
}

/// One event of each kind that the server itself writes.
fn server_event(kind: usize, run_id: RunId, message_id: MessageId, by: UserRef) -> Event {
    use RunStatus::*;
    let (call_id, agent, tool_name) = (fresh_id!(CallId), "assistant".to_owned(), "calculate".to_owned());
    let arguments = serde_json::json!({ "expression": "17 * 23" });
    match kind {
        0 => Event::AgentStep(AgentStep::new(run_id, agent, "🐦", 1, "looks".into())),
        1 => Event::ToolCall(ToolCall { run_id, call_id, agent, tool_name, arguments, class: None }),
        2 => Event::ToolResult(ToolResult {
            run_id,
            call_id,
            agent,
            tool_name,
            success: true,
            result_preview: "391".into(),
            duration_ms: 1,
        }),
        3 => Event::Approval(Approval { run_id, call_id, agent, tool_name, arguments, expires_at: super::at(9) }),
        4 => {
            Event::ApprovalResolved(ApprovalResolved { run_id, call_id, approved: true, by: Some(by), arguments: None })
        }
        5 => Event::Progress(Progress { run_id, current_turn: 1, max_turns: 8, percentage: 12.5 }),
        6 => {
            let (chart_id, url, title) = (fresh_id!(ChartId), "/chart".to_owned(), "Chart".to_owned());
            Event::ChartGenerated(ChartGenerated { run_id, chart_id, url, title, symbol: None, table: None })
        }
        7 => Event::Result(RunResult { run_id, content: "391".into(), format: Format::Markdown, message_id }),
        8 => {
            let state = ControlState { owner: Owner::Ai, status: DialogStatus::Open, epoch: 1 };
            Event::Control(ControlChanged { state, by, reason: None })
        }
        kind => {
            let all = [Initializing, Processing, Completed, Cancelled, Failed, Interrupted];
            Event::AgentRun(AgentRun::new(run_id, all[kind % all.len()]))
        }
    }
}

fn text(message: &mut MessageNow) -> &mut String {
    match &mut message.frame.event {
        Event::Message(message) => &mut message.text,
        other => panic!("a message, not {}", other.kind()),
    }
}

trait React {
    fn react(&mut self, reaction: &Reaction);
}

impl React for MessageNow {
    /// Emojis stand in the order of the earliest who still reacts so.
    fn react(&mut self, reaction: &Reaction) {
        let Reaction { by, emoji, on, .. } = reaction;
        let at = self.reactions.iter().position(|reaction| reaction.emoji == *emoji);
        match (at, on) {
            (Some(at), true) => self.reactions[at].by.push(by.clone()),
            (None, true) => self.reactions.push(ReactionNow { emoji: emoji.clone(), by: vec![by.clone()] }),
            (Some(at), false) => {
                self.reactions[at].by.retain(|person: &UserRef| person.id != by.id);
                self.reactions.retain(|reaction| !reaction.by.is_empty());
            }
            (None, false) => panic!("off without on makes no event"),
        }
    }
}

/// By emoji: the order among emojis is the fold's own affair, that among people is not.
fn sorted(mut messages: Vec<MessageNow>) -> Vec<MessageNow> {
    for message in &mut messages {
        message.reactions.sort_by(|a, b| a.emoji.cmp(&b.emoji));
    }
    messages
}

pub async fn the_log_folds_to_what_is_stored(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let people = [house.user("anna").await, house.user("ben").await, house.user("carla").await];
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let tries = tries().new_tree(&mut runner).unwrap().current();
        let room = house.room(&[&people[0], &people[1]]).await;
        let unread = attempt(&house, room, &people, &tries).await;
        let folded = Folded::of(&house.all(room).await);
        let stored = house.storage.messages(room, None, 1_000, Side::House).await.unwrap().messages;
        assert_eq!(sorted(stored), sorted(folded.messages), "{tries:?}");
        let members = house.storage.members(room).await.unwrap();
        assert_eq!(members.iter().map(|member| member.user.id).collect::<Vec<_>>(), folded.members, "{tries:?}");
        let unfinished = house.storage.unfinished_runs().await.unwrap().into_iter();
        let of_this = unfinished.filter_map(|(conversation, run)| (conversation == room).then_some(run));
        assert_eq!(of_this.collect::<BTreeSet<_>>(), folded.runs, "{tries:?}");
        let timeline = house.storage.agent_events(room, Seq::ZERO, 1_000, Side::House).await.unwrap();
        assert_eq!(timeline.iter().map(parse).collect::<Vec<_>>(), folded.timeline, "{tries:?}");
        for (user, expected) in unread {
            let line = house.storage.conversation_of(user, room).await.unwrap();
            assert_eq!(line.map(|line| line.unread), Some(expected), "{tries:?}");
        }
    }
}

/// Tries it all; how much each who is a member at the end has not read.
async fn attempt(house: &House, room: ConversationId, people: &[User], tries: &[Try]) -> BTreeMap<UserId, u64> {
    let mut sent: Vec<Message> = Vec::new();
    let runs = [(); RUNS].map(|()| fresh_id!(RunId));
    for one in tries {
        let target = |what: usize, by: &User| sent.get(what).cloned().unwrap_or_else(|| message(by, "never sent"));
        let write = match *one {
            Try::Post { who, text } => {
                let posted = message(&people[who], &format!("text {text}"));
                sent.push(posted.clone());
                Write::Post(posted)
            }
            Try::Edit { who, what, text } => edit(&target(what, &people[who]), &people[who], &format!("text {text}")),
            Try::Delete { who, what, moderates: false } => delete(&target(what, &people[who]), &people[who]),
            Try::Delete { who, what, moderates: true } => {
                let message_id = target(what, &people[who]).id;
                Write::Delete { message_id, by: people[who].as_ref(), moderates: true }
            }
            Try::React { who, what, emoji, on } => react(&target(what, &people[who]), &people[who], EMOJIS[emoji], on),
            Try::Join { who } => Write::Join { user: people[who].as_ref() },
            Try::Leave { who } => Write::Leave { user: people[who].as_ref() },
            Try::Server { kind, run, what } => {
                let about = target(what, &people[0]).id;
                Write::Server(server_event(kind, runs[run], about, people[0].as_ref()))
            }
        };
        let before = house.head(room).await;
        match house.write(room, write).await {
            Ok(appended) if appended.changed => assert_eq!(appended.seq, before.next()),
            Ok(appended) => assert_eq!((appended.seq, house.head(room).await), (before, before)),
            Err(_) => assert_eq!(house.head(room).await, before, "what is refused leaves no trace"),
        }
    }
    unread(house, room).await
}

/// Counted from messages and read positions, the slow way.
async fn unread(house: &House, room: ConversationId) -> BTreeMap<UserId, u64> {
    let messages = house.storage.messages(room, None, 1_000, Side::House).await.unwrap().messages;
    let of_others = |user: UserId, after| {
        let counts = messages.iter().filter(|message| !message.deleted && message.frame.seq > after);
        counts.filter(|message| matches!(&message.frame.event, Event::Message(it) if it.author.id != user)).count()
    };
    let members = house.storage.members(room).await.unwrap();
    members.iter().map(|member| (member.user.id, of_others(member.user.id, member.up_to) as u64)).collect()
}
