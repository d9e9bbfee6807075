use super::*;
use crate::protocol::{
    Author, MessageId, Seq, SiteId, UserRef,
    dialog::DialogLine,
    http::{Kind, LastMessage},
};

const ME: u64 = 100;

fn user(n: u64) -> UserRef {
    UserRef { id: UserId::from_parts(n, 0), name: format!("user {n}") }
}

fn me() -> UserId {
    user(ME).id
}

fn id(n: u64) -> ConversationId {
    ConversationId::from_parts(n, 0)
}

fn queue() -> Owner {
    Owner::Queue { team: None }
}

fn mine() -> Owner {
    Owner::Human { user: user(ME) }
}

fn said(author: u64, seq: u64) -> Option<LastMessage> {
    let author: Author = user(author).into();
    let (id, timestamp) = (MessageId::from_parts(seq, 0), Timestamp(seq as i64));
    Some(LastMessage { id, seq: Seq(seq), author, text: "hello".into(), timestamp })
}

/// Dialog `n` of visitor `n`, whose newest message is its visitor's.
fn line(n: u64, owner: Owner, head: u64) -> Conversation {
    let waiting_since = matches!(owner, Owner::Queue { .. }).then_some(Timestamp(1_000 - n as i64));
    let visitor = user(n);
    Conversation {
        id: id(n),
        title: visitor.name.clone(),
        kind: Kind::Dialog,
        head: Seq(head),
        unread: 1,
        owner,
        status: DialogStatus::Open,
        agents: true,
        last_message: said(n, head),
        dialog: Some(DialogLine {
            site_id: SiteId("default".into()),
            visitor,
            epoch: 1,
            waiting_since,
            visitor_message: None,
        }),
    }
}

fn with(status: DialogStatus, line: Conversation) -> Conversation {
    Conversation { status, ..line }
}

fn desk(lines: Vec<Conversation>) -> Desk {
    let mut desk = Desk::default();
    desk.replace(lines);
    desk
}

fn ids(desk: &Desk, tab: Tab) -> Vec<ConversationId> {
    desk.tab(tab, me()).iter().map(|line| line.id).collect()
}

#[test]
fn each_tab_holds_its_own_and_the_resolved_ones_stand_under_all_alone() {
    let others = Owner::Human { user: user(7) };
    let desk = desk(vec![
        line(1, queue(), 5),
        line(2, queue(), 9),
        line(3, mine(), 3),
        with(DialogStatus::Snoozed, line(4, mine(), 4)),
        line(5, Owner::Ai, 6),
        line(6, others, 8),
        with(DialogStatus::Resolved, line(7, mine(), 7)),
        with(DialogStatus::Resolved, line(8, Owner::Ai, 2)),
        with(DialogStatus::Snoozed, line(9, queue(), 1)),
    ]);
    assert_eq!(ids(&desk, Tab::Queue), [id(2), id(1)], "who waits longest is first");
    assert_eq!(ids(&desk, Tab::Mine), [id(4), id(3)], "the newest word is first");
    assert_eq!(ids(&desk, Tab::Ai), [id(5)]);
    assert_eq!(ids(&desk, Tab::All), [2, 6, 7, 5, 1, 4, 3, 8, 9].map(id));
    assert_eq!(desk.counts(me()), [2, 2, 1, 9]);
    assert_eq!(desk.wanting(me()), 4);
}

#[test]
fn a_line_shows_what_the_visitor_wants_whoever_spoke_after_them() {
    let mut line = line(1, queue(), 5);
    assert_eq!(last_words(&line), Some("hello"), "whatever was said last, where the visitor said nothing yet");
    let asked = LastMessage { text: "Where is my parcel?".into(), ..said(1, 4).unwrap() };
    line.dialog.as_mut().unwrap().visitor_message = Some(Box::new(asked));
    assert_eq!(last_words(&line), Some("Where is my parcel?"));
    assert_eq!(last_words(&Conversation { dialog: None, last_message: None, ..line }), None);
}

#[test]
fn a_line_that_is_told_counts_where_its_head_is_not_older() {
    let mut desk = desk(vec![line(1, Owner::Ai, 5)]);
    assert!(!desk.tell(&line(1, queue(), 4)), "older");
    assert!(!desk.tell(&line(1, Owner::Ai, 5)), "the same");
    assert!(desk.tell(&Conversation { unread: 0, ..line(1, Owner::Ai, 5) }), "of the same head, told later");
    assert!(desk.tell(&line(1, queue(), 6)));
    assert_eq!(desk.line(id(1)).map(|line| line.owner.clone()), Some(queue()));
    assert!(desk.tell(&line(2, queue(), 1)), "one that is new");
    assert_eq!(desk.counts(me()), [2, 0, 0, 2]);
    assert!(desk.remove(id(2)) && !desk.remove(id(2)));
}

#[test]
fn a_fetched_list_takes_the_place_of_what_is_not_fresher() {
    let mut desk = Desk::default();
    assert!(!desk.is_known());
    desk.tell(&line(1, queue(), 7));
    let changed = desk.replace(vec![line(1, Owner::Ai, 6), line(2, queue(), 2)]);
    assert!(desk.is_known());
    assert_eq!((changed, desk.line(id(1)).unwrap().head), (vec![id(2)], Seq(7)));
    assert_eq!(desk.replace(vec![line(2, queue(), 3)]), [id(2)]);
    assert_eq!(desk.line(id(1)), None, "what is not in it is not there any more");
}

#[test]
fn a_word_is_worth_it_when_a_dialog_comes_to_wait_or_ones_own_visitor_writes() {
    let told = |before: Option<Conversation>, after: Conversation| alert(before.as_ref(), &after, me());
    assert_eq!(told(Some(line(1, Owner::Ai, 1)), line(1, queue(), 2)), Some(Alert::Waits));
    assert_eq!(told(None, line(1, queue(), 2)), Some(Alert::Waits));
    assert_eq!(told(Some(line(1, queue(), 2)), line(1, queue(), 3)), None, "it waits already");
    assert_eq!(told(Some(line(1, mine(), 2)), line(1, mine(), 3)), Some(Alert::Wrote));
    assert_eq!(told(Some(line(1, mine(), 3)), line(1, mine(), 3)), None, "told twice");
    let read = Conversation { unread: 0, ..line(1, mine(), 3) };
    assert_eq!(told(Some(line(1, mine(), 2)), read), None, "it was read before");
    let own = Conversation { last_message: said(ME, 3), ..line(1, mine(), 3) };
    assert_eq!(told(Some(line(1, mine(), 2)), own), None, "one's own words, in another tab");
    let others = Owner::Human { user: user(7) };
    assert_eq!(told(Some(line(1, others.clone(), 2)), line(1, others, 3)), None, "another's");
}

#[test]
fn the_next_dialog_is_the_one_below_until_the_end() {
    let desk = desk(vec![line(1, queue(), 5), line(2, queue(), 9), line(3, queue(), 9)]);
    let next = |from: Option<u64>, step| desk.neighbour(Tab::Queue, me(), from.map(id), step);
    assert_eq!(
        [next(None, 1), next(Some(3), 1), next(Some(2), 1), next(Some(1), 1)],
        [3, 2, 1, 1].map(|n| Some(id(n)))
    );
    assert_eq!([next(Some(1), -1), next(Some(3), -1)], [2, 3].map(|n| Some(id(n))));
    assert_eq!(desk.neighbour(Tab::Mine, me(), None, 1), None);
}

#[test]
fn an_address_names_a_tab() {
    for tab in Tab::EVERY {
        assert_eq!(Tab::of(Some(tab.as_str())), tab);
    }
    assert_eq!((Tab::of(None), Tab::of(Some("nonsense"))), (Tab::Queue, Tab::Queue));
}
