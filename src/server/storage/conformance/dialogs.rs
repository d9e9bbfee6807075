//! Who holds a dialog, what is refused under an old epoch, and what each side reads.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use super::{Backend, House, at, message};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, AgentStep, ConversationId, Event, Message, RunId, RunStatus, Sender, Seq, Side, SiteId, UserId,
        Visibility,
        agent::{Progress, RunResult, Usage},
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        http::{Role, User},
        server::DurableFrame,
    },
    server::storage::{
        Append, Appended, DialogWrite, Result, RunWrite, StorageError, Write,
        desk::{NewDialog, NewVisitor, VisitorNews},
    },
};

pub(super) async fn visitor(house: &House) -> User {
    let id = fresh_id!(UserId);
    let new = NewVisitor { id, site: SiteId::default_site(), name: "Vera".into(), at: at(1) };
    house.storage.create_visitor(new).await.unwrap();
    let username = format!("visitor-{id}");
    User { id, username, display_name: "Vera".into(), role: Role::Visitor, disabled: false }
}

pub(super) async fn operator(house: &House, name: &str) -> User {
    house.user(name).await;
    house.storage.patch_user(name, Some(Role::Operator), None).await.unwrap().unwrap()
}

async fn dialog(house: &House, visitor: &User) -> ConversationId {
    let id = fresh_id!(ConversationId);
    let new = NewDialog {
        id,
        site: SiteId::default_site(),
        visitor: visitor.id,
        title: "Vera".into(),
        agents: true,
        owner: Owner::Ai,
        at: at(1),
    };
    house.storage.create_dialog(new).await.unwrap();
    id
}

pub(super) async fn standing(house: &House, id: ConversationId) -> ControlState {
    house.storage.dialog(id).await.unwrap().unwrap().control
}

async fn write(house: &House, id: ConversationId, write: Write) -> Result<Appended> {
    house.storage.append(Append { conversation_id: id, at: at(2), write }).await
}

pub(super) fn change(state: ControlState, by: &User) -> ControlChanged {
    ControlChanged { state, by: by.as_ref(), reason: None }
}

fn held_by(user: &User) -> Owner {
    Owner::Human { user: user.as_ref() }
}

fn taken(from: &ControlState, by: &User) -> DialogWrite {
    let state = ControlState { owner: held_by(by), status: DialogStatus::Open, epoch: from.epoch + 1 };
    DialogWrite { from: from.clone(), control: Some(change(state, by)), message: None }
}

pub(super) fn said(by: &User, sender: Sender, visibility: Visibility, text: &str) -> Message {
    Message { sender, visibility, ..message(by, text) }
}

fn agents(epoch: u64, events: Vec<Event>) -> Write {
    let run_id = fresh_id!(RunId);
    Write::Run(RunWrite { run_id, events, journal: vec!["told".into()], from: 0, spent: None, epoch: Some(epoch) })
}

fn run(status: RunStatus) -> Event {
    Event::AgentRun(AgentRun::new(fresh_id!(RunId), status))
}

fn stale(outcome: Result<Appended>) -> ControlState {
    match outcome {
        Err(StorageError::StaleEpoch(now)) => *now,
        other => panic!("not stale: {other:?}"),
    }
}

pub async fn of_two_who_take_a_dialog_the_second_hears_of_the_first(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna, ben) = (visitor(&house).await, operator(&house, "anna").await, operator(&house, "ben").await);
    let id = dialog(&house, &vera).await;
    let before = standing(&house, id).await;
    assert_eq!(before, ControlState { owner: Owner::Ai, status: DialogStatus::Open, epoch: 1 });
    let first = write(&house, id, Write::Dialog(taken(&before, &anna))).await.unwrap();
    let late = stale(write(&house, id, Write::Dialog(taken(&before, &ben))).await);
    assert_eq!(late, standing(&house, id).await);
    assert!(late.owner.is(anna.id) && late.epoch == 2);
    let row = house.storage.dialog(id).await.unwrap().unwrap();
    assert_eq!((row.head, row.last_human, row.visitor.id), (first.seq, Some(anna.id), vera.id));
    assert_eq!(house.storage.held_dialogs().await.unwrap(), [(id, anna.id)]);
}

pub async fn an_agents_write_under_an_old_epoch_is_refused_but_for_its_runs_end(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let id = dialog(&house, &vera).await;
    write(&house, id, agents(1, vec![run(RunStatus::Processing)])).await.unwrap();
    write(&house, id, Write::Dialog(taken(&standing(&house, id).await, &anna))).await.unwrap();
    let head = house.head(id).await;
    for events in [
        vec![],
        vec![run(RunStatus::Processing)],
        vec![Event::Message(said(&anna, Sender::Agent, Visibility::Public, "late")), run(RunStatus::Completed)],
    ] {
        stale(write(&house, id, agents(1, events)).await);
    }
    assert_eq!(house.head(id).await, head, "nothing of it was written");
    write(&house, id, agents(1, vec![run(RunStatus::Cancelled)])).await.unwrap();
}

pub async fn a_repeated_reply_takes_nothing_again(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let id = dialog(&house, &vera).await;
    let reply = said(&anna, Sender::Operator, Visibility::Public, "hello");
    let first = DialogWrite { message: Some(reply.clone()), ..taken(&standing(&house, id).await, &anna) };
    let posted = write(&house, id, Write::Dialog(first.clone())).await.unwrap();
    let now = standing(&house, id).await;
    let back = ControlState { owner: Owner::Ai, epoch: now.epoch + 1, ..now.clone() };
    let back = DialogWrite { from: now, control: Some(change(back, &anna)), message: None };
    write(&house, id, Write::Dialog(back)).await.unwrap();
    let again = DialogWrite { message: Some(reply), ..taken(&standing(&house, id).await, &anna) };
    let again = write(&house, id, Write::Dialog(again)).await.unwrap();
    assert_eq!((again.seq, again.changed), (posted.seq, false));
    assert_eq!(standing(&house, id).await.owner, Owner::Ai);
}

pub async fn a_refused_message_changes_no_hands(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let (id, other) = (dialog(&house, &vera).await, dialog(&house, &vera).await);
    let elsewhere = house.user("eve").await;
    let before = standing(&house, id).await;
    let there = said(&vera, Sender::Visitor, Visibility::Public, "there");
    let write_there = DialogWrite { from: before.clone(), control: None, message: Some(there.clone()) };
    write(&house, other, Write::Dialog(write_there)).await.unwrap();
    let reply = Message { reply_to: Some(there.id), ..said(&anna, Sender::Operator, Visibility::Public, "here") };
    for message in [reply, said(&elsewhere, Sender::Operator, Visibility::Public, "I am no operator")] {
        let refused = DialogWrite { message: Some(message), ..taken(&before, &anna) };
        let refused = write(&house, id, Write::Dialog(refused)).await;
        assert!(matches!(refused, Err(StorageError::NotFound)), "{refused:?}");
    }
    assert_eq!(standing(&house, id).await, before);
}

pub async fn a_visitor_reads_no_note_anywhere(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let id = dialog(&house, &vera).await;
    let say = async |by: &User, sender, visibility, text: &str| {
        let message = said(by, sender, visibility, text);
        let write_it = DialogWrite { from: standing(&house, id).await, control: None, message: Some(message.clone()) };
        write(&house, id, Write::Dialog(write_it)).await.unwrap();
        message
    };
    say(&vera, Sender::Visitor, Visibility::Public, "my order").await;
    let note = say(&anna, Sender::Operator, Visibility::Note, "a tricky order").await;
    let edit = Write::Edit { message_id: note.id, by: anna.as_ref(), text: "a very tricky order".into() };
    write(&house, id, edit).await.unwrap();
    let emoji = "👀".to_owned();
    write(&house, id, Write::React { message_id: note.id, by: anna.as_ref(), emoji, on: true }).await.unwrap();

    let storage = &house.storage;
    let page = storage.events(id, Seq::ZERO, 100, usize::MAX, Side::Visitor).await.unwrap();
    let kinds: Vec<_> = page.frames.iter().map(|frame| frame.text.clone()).collect();
    assert_eq!(page.frames.iter().map(|frame| frame.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5], "no hole");
    assert!(kinds[2..].iter().all(|text| text.contains(r#""type":"hidden""#)), "{kinds:?}");
    assert!(!kinds.concat().contains("tricky"));
    for (side, messages, found) in [(Side::Visitor, 1, 1), (Side::House, 2, 2)] {
        assert_eq!(storage.messages(id, None, 10, side).await.unwrap().messages.len(), messages);
        assert_eq!(storage.search(id, "order", 10, side).await.unwrap().len(), found);
    }
    let line = storage.conversation_of(vera.id, id).await.unwrap().unwrap();
    assert_eq!((line.unread, line.last_message.unwrap().text.as_str(), line.dialog), (0, "my order", None));
    let line = storage.conversation_of(anna.id, id).await.unwrap().unwrap();
    assert_eq!(line.last_message.unwrap().text, "a very tricky order");
    let dialog = line.dialog.unwrap();
    assert_eq!((line.unread, dialog.visitor.name.as_str()), (1, "Vera"));
    let asked = dialog.visitor_message.unwrap();
    assert_eq!((asked.text.as_str(), asked.seq.0, asked.author.id), ("my order", 2, vera.id));
    let newer = say(&vera, Sender::Visitor, Visibility::Public, "it is late").await;
    let asked = async || storage.conversation_of(anna.id, id).await.unwrap().unwrap().dialog.unwrap().visitor_message;
    assert_eq!(asked().await.unwrap().text, "it is late");
    write(&house, id, Write::Delete { message_id: newer.id, by: vera.as_ref(), moderates: false }).await.unwrap();
    assert_eq!(asked().await.unwrap().text, "my order", "never a deleted one");
}

pub async fn a_visitor_reads_no_trace_of_a_run(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let id = dialog(&house, &visitor(&house).await).await;
    let run_id = fresh_id!(RunId);
    let usage = Usage { input_tokens: 7_777, ..Usage::default() };
    let ended = AgentRun { usage: Some(usage), ..AgentRun::new(run_id, RunStatus::Completed) };
    let step = AgentStep::new(run_id, "Assistant".to_owned(), "🐦", 1, "thinks".to_owned());
    let progress = Progress { run_id, current_turn: 1, max_turns: 2, percentage: 50.0 };
    let events =
        [run(RunStatus::Processing), Event::AgentStep(step), Event::Progress(progress), Event::AgentRun(ended)];
    for event in events {
        write(&house, id, Write::Server(event)).await.unwrap();
    }
    let timeline = async |side| {
        let frames = house.storage.agent_events(id, Seq::ZERO, 3, side).await.unwrap();
        frames.iter().map(|frame| (super::parse(frame).event.kind(), frame.text.contains("7777"))).collect::<Vec<_>>()
    };
    assert_eq!(timeline(Side::Visitor).await, [("agent_run", false), ("agent_run", false)]);
    let newest = [("agent_step", false), ("progress", false), ("agent_run", true)];
    assert_eq!(timeline(Side::House).await, newest);
}

pub async fn operators_see_every_dialog_and_members_none(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let root = house.user("root").await;
    let (vera, anna, mia) = (visitor(&house).await, operator(&house, "anna").await, house.user("mia").await);
    let stranger = visitor(&house).await;
    let id = dialog(&house, &vera).await;
    let hello = said(&vera, Sender::Visitor, Visibility::Public, "hello");
    let before = standing(&house, id).await;
    write(&house, id, Write::Dialog(DialogWrite { from: before, control: None, message: Some(hello) })).await.unwrap();
    for (who, sees) in [(&root, true), (&anna, true), (&vera, true), (&mia, false), (&stranger, false)] {
        assert_eq!(house.storage.access(who.id, id).await.unwrap().is_some(), sees, "{}", who.display_name);
        assert_eq!(house.storage.conversation_of(who.id, id).await.unwrap().is_some(), sees);
        let listed = house.storage.conversations_of(who.id).await.unwrap();
        assert_eq!(listed.iter().any(|line| line.id == id), sees, "{}", who.display_name);
    }
    let operators: Vec<_> = house.storage.operators().await.unwrap().into_iter().map(|user| user.id).collect();
    assert_eq!(operators, [root.id, anna.id]);
    assert_eq!(house.storage.set_read(anna.id, id, Seq(2)).await.unwrap(), Some(Seq(2)));
    assert_eq!(house.storage.set_read(anna.id, id, Seq(1)).await.unwrap(), None, "never back");
    assert_eq!(house.storage.conversation_of(anna.id, id).await.unwrap().unwrap().unread, 0);
    assert_eq!(house.storage.conversation_of(root.id, id).await.unwrap().unwrap().unread, 1);
    house.storage.set_read(mia.id, id, Seq(2)).await.unwrap_err();
}

pub async fn a_visitor_is_no_account(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let vera = visitor(&house).await;
    let anna = house.user("anna").await;
    assert_eq!(anna.role, Role::Admin, "the first account, whoever visited before");
    assert_eq!(house.storage.users().await.unwrap(), [anna]);
    assert_eq!(house.storage.user_by_name(&vera.username).await.unwrap(), None);
    assert_eq!(house.storage.credentials(&vera.username).await.unwrap(), None);
    assert_eq!(house.storage.patch_user(&vera.username, Some(Role::Admin), None).await.unwrap(), None);
}

pub async fn a_visitor_is_known_by_each_of_their_tokens(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, site) = (visitor(&house).await, SiteId::default_site());
    let most = crate::protocol::limits::VISITOR_TOKENS as u8;
    for n in 0..=most {
        house.storage.add_visitor_token(vera.id, [n; 32], at(i64::from(n))).await.unwrap();
    }
    let known = async |hash| house.storage.visitor_by_token(hash).await.unwrap().map(|row| row.user.id);
    assert_eq!(
        (known([0; 32]).await, known([1; 32]).await, known([most; 32]).await),
        (None, Some(vera.id), Some(vera.id))
    );
    let by_id = async || house.storage.visitor_by_external_id(&site, "7").await.unwrap().map(|row| row.user.id);
    let tell = async |verified| {
        let news = VisitorNews { external: Some(("7".into(), verified)), ..VisitorNews::default() };
        house.storage.tell_of_visitor(vera.id, news).await.unwrap();
    };
    tell(false).await;
    assert_eq!(by_id().await, None, "what anybody can say finds nobody");
    tell(true).await;
    assert_eq!(by_id().await, Some(vera.id));
    let claim =
        VisitorNews { external: Some(("8".into(), false)), email: Some("v@x.example".into()), ..Default::default() };
    house.storage.tell_of_visitor(vera.id, claim).await.unwrap();
    assert_eq!(by_id().await, Some(vera.id), "what was vouched for is not replaced by a claim");
    let id = dialog(&house, &vera).await;
    let details = house.storage.visitor_details(id).await.unwrap().unwrap();
    assert_eq!((details.external_id.as_deref(), details.verified), (Some("7"), true));
    assert_eq!(details.email.as_deref(), Some("v@x.example"));
}

/// What is done, in the tests of chance below.
#[derive(Clone, Debug)]
enum Step {
    /// By one of two operators, from what they saw so many changes ago.
    Take {
        who: bool,
        behind: u64,
    },
    ToAi {
        behind: u64,
    },
    Resolve,
    /// Agents who were asked so many epochs ago.
    Agents {
        behind: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<bool>(), 0u64..3).prop_map(|(who, behind)| Step::Take { who, behind }),
        (0u64..3).prop_map(|behind| Step::ToAi { behind }),
        Just(Step::Resolve),
        (0u64..3).prop_map(|behind| Step::Agents { behind }),
    ]
}

pub async fn in_any_order_only_who_holds_the_dialog_writes(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna, ben) = (visitor(&house).await, operator(&house, "anna").await, operator(&house, "ben").await);
    let mut plays = TestRunner::new(Config::default());
    let steps = prop::collection::vec(step(), 1..20);
    for _ in 0..100 {
        let steps = steps.new_tree(&mut plays).unwrap().current();
        let id = dialog(&house, &vera).await;
        for step in steps {
            let now = standing(&house, id).await;
            let seen = |behind: u64| ControlState { epoch: now.epoch.saturating_sub(behind), ..now.clone() };
            let to = |from: ControlState, owner, by: &User| {
                let state = ControlState { owner, status: DialogStatus::Open, epoch: from.epoch + 1 };
                Write::Dialog(DialogWrite { from, control: Some(change(state, by)), message: None })
            };
            let (what, may) = match step {
                Step::Take { who, behind } => {
                    let by = if who { &anna } else { &ben };
                    (to(seen(behind), held_by(by), by), behind == 0)
                }
                Step::ToAi { behind } => (to(seen(behind), Owner::Ai, &anna), behind == 0),
                Step::Resolve => {
                    let state = ControlState { status: DialogStatus::Resolved, ..now.clone() };
                    let control = Some(change(state, &anna));
                    (Write::Dialog(DialogWrite { from: now.clone(), control, message: None }), true)
                }
                Step::Agents { behind } => {
                    let epoch = now.epoch.saturating_sub(behind);
                    let words = said(&anna, Sender::Agent, Visibility::Public, "words");
                    (agents(epoch, vec![Event::Message(words)]), now.is_with_ai(epoch))
                }
            };
            let outcome = write(&house, id, what).await;
            assert_eq!(outcome.is_ok(), may, "{outcome:?} from {now:?}");
        }
        // The log says the same: every word of the agents stands under an epoch that was the AI's.
        let mut holder = Owner::Ai;
        let page = house.storage.events(id, Seq::ZERO, 1_000, usize::MAX, Side::House).await.unwrap();
        for frame in page.frames {
            let frame: DurableFrame = serde_json::from_str(&frame.text).unwrap();
            match frame.event {
                Event::Control(change) => holder = change.state.owner,
                Event::Message(_) => assert_eq!(holder, Owner::Ai),
                _ => {}
            }
        }
    }
}

pub async fn a_result_that_repeats_a_note_is_a_notes(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let id = dialog(&house, &vera).await;
    let note = said(&anna, Sender::Operator, Visibility::Note, "secret");
    let write_it = DialogWrite { from: standing(&house, id).await, control: None, message: Some(note.clone()) };
    write(&house, id, Write::Dialog(write_it)).await.unwrap();
    let result = RunResult {
        run_id: fresh_id!(RunId),
        content: "secret".into(),
        format: Default::default(),
        message_id: note.id,
    };
    write(&house, id, Write::Server(Event::Result(result))).await.unwrap();
    let page = house.storage.events(id, Seq::ZERO, 10, usize::MAX, Side::Visitor).await.unwrap();
    assert!(page.frames.iter().all(|frame| !frame.text.contains("secret")));
}
