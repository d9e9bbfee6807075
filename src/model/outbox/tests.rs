use proptest::prelude::*;

use super::*;

mod shared;

const NOW: Timestamp = Timestamp(1_000_000);

fn id(n: u64) -> ClientId {
    MessageId::from_parts(n, 7).into()
}

fn message(n: u64, conversation: u64) -> Outgoing {
    Outgoing {
        client_id: id(n),
        conversation: ConversationId::from_parts(conversation, 0),
        text: format!("message {n}"),
        reply_to: None,
        visibility: Visibility::Public,
        at: NOW,
    }
}

fn sent(effects: &[Effect]) -> Vec<ClientId> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(message) => Some(message.client_id.clone()),
        _ => None,
    });
    sent.collect()
}

fn up() -> Outbox {
    let mut outbox = Outbox::default();
    outbox.handle(Event::Up, NOW);
    outbox
}

#[test]
fn what_is_written_while_down_is_sent_in_order_when_up() {
    let mut outbox = Outbox::default();
    for n in 1..=3 {
        assert_eq!(outbox.handle(Event::Send(message(n, 1)), NOW), []);
    }
    assert_eq!(outbox.waiting(), 3);
    let mut order = sent(&outbox.handle(Event::Up, NOW));
    for n in 1..=3 {
        order.extend(sent(&outbox.handle(Event::Acked(id(n)), NOW)));
    }
    assert_eq!(order, [id(1), id(2), id(3)]);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn a_clock_that_is_put_back_or_a_server_that_names_a_day_holds_nothing_up_for_long() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    let tomorrow = Problem { retry_after_ms: Some(86_400_000), ..Problem::new(Code::RateLimited, "Slow down.") };
    outbox.handle(Event::Refused(id(1), tomorrow), NOW);
    let earlier = Timestamp(NOW.0 - 900_000);
    outbox.handle(Event::Tick, earlier);
    let due = outbox.wake_at().unwrap();
    assert!(due <= later(earlier, limits::SEND_WAIT_MS), "{due:?}");
    assert_eq!(sent(&outbox.handle(Event::Tick, due)), [id(1)]);
    outbox.handle(Event::Tick, earlier);
    assert!(outbox.wake_at().unwrap() <= later(earlier, limits::SEND_ANSWER_MS));
}

#[test]
fn a_text_that_makes_too_large_a_frame_is_not_sent_again_and_again() {
    let mut outbox = up();
    let text = "\u{1}".repeat(limits::MESSAGE_BYTES);
    let effects = outbox.handle(Event::Send(Outgoing { text, ..message(1, 1) }), NOW);
    assert_eq!(sent(&effects), []);
    assert_eq!(outbox.stuck().count(), 1);
    let longest = "x".repeat(limits::MESSAGE_BYTES);
    assert_eq!(sent(&outbox.handle(Event::Send(Outgoing { text: longest, ..message(2, 1) }), NOW)), [id(2)]);
}

#[test]
fn conversations_do_not_wait_for_each_other() {
    let mut outbox = up();
    assert_eq!(sent(&outbox.handle(Event::Send(message(1, 1)), NOW)), [id(1)]);
    assert_eq!(sent(&outbox.handle(Event::Send(message(2, 2)), NOW)), [id(2)]);
}

#[test]
fn what_was_on_its_way_is_sent_again_after_a_disconnect() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    assert_eq!(outbox.handle(Event::Down, NOW), []);
    assert_eq!(sent(&outbox.handle(Event::Up, NOW)), [id(1)]);
}

#[test]
fn a_rate_limit_holds_back_those_behind_it_and_passes() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    outbox.handle(Event::Send(message(2, 1)), NOW);
    for _ in 0..limits::SEND_ATTEMPTS + 1 {
        assert_eq!(outbox.handle(Event::Refused(id(1), Problem::rate_limited(500)), NOW), []);
        assert_eq!(outbox.wake_at(), Some(Timestamp(NOW.0 + 500)));
        assert_eq!(sent(&outbox.handle(Event::Tick, Timestamp(NOW.0 + 499))), []);
        assert_eq!(sent(&outbox.handle(Event::Tick, Timestamp(NOW.0 + 500))), [id(1)]);
    }
    assert_eq!(sent(&outbox.handle(Event::Acked(id(1)), NOW)), [id(2)]);
}

#[test]
fn a_message_refused_for_good_is_stuck_until_it_is_retried_or_discarded() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    outbox.handle(Event::Send(message(2, 1)), NOW);
    let effects = outbox.handle(Event::Refused(id(1), Problem::not_found()), NOW);
    assert!(matches!(&effects[0], Effect::Stuck { client_id, .. } if *client_id == id(1)));
    assert_eq!(sent(&effects), [id(2)]);
    assert_eq!(outbox.waiting(), 1);
    outbox.handle(Event::Acked(id(2)), NOW);
    assert_eq!(sent(&outbox.handle(Event::Retry(id(1)), NOW)), [id(1)]);
    outbox.handle(Event::Refused(id(1), Problem::not_found()), NOW);
    outbox.handle(Event::Discard(id(1)), NOW);
    assert_eq!(outbox.messages().count(), 0);
}

#[test]
fn a_refusal_that_never_passes_ends_in_stuck() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    let problem = Problem::new(Code::Unavailable, "The database is away.");
    let mut now = NOW;
    for _ in 1..limits::SEND_ATTEMPTS {
        assert_eq!(outbox.handle(Event::Refused(id(1), problem.clone()), now), []);
        now = outbox.wake_at().unwrap();
        assert_eq!(sent(&outbox.handle(Event::Tick, now)), [id(1)]);
    }
    assert!(matches!(outbox.handle(Event::Refused(id(1), problem), now)[..], [Effect::Stuck { .. }]));
}

#[test]
fn the_outbox_takes_only_so_many() {
    let mut outbox = Outbox::default();
    for n in 0..limits::OUTBOX_MESSAGES as u64 {
        assert_eq!(outbox.handle(Event::Send(message(n, n)), NOW), []);
    }
    let one_more = message(9_999, 1);
    assert_eq!(outbox.handle(Event::Send(one_more.clone()), NOW), [Effect::Full(one_more)]);
    assert_eq!(outbox.waiting(), limits::OUTBOX_MESSAGES);
}

#[test]
fn a_message_without_an_answer_casts_doubt_on_the_connection() {
    let mut outbox = up();
    outbox.handle(Event::Send(message(1, 1)), NOW);
    outbox.handle(Event::Send(message(2, 2)), NOW);
    let due = Timestamp(NOW.0 + limits::SEND_ANSWER_MS as i64);
    assert_eq!(outbox.wake_at(), Some(due));
    assert_eq!(outbox.handle(Event::Tick, Timestamp(due.0 - 1)), []);
    assert_eq!(outbox.handle(Event::Tick, due), [Effect::Overdue], "once for both");
    assert_eq!(outbox.handle(Event::Tick, due), []);
    assert_eq!(outbox.wake_at(), Some(Timestamp(due.0 + limits::SEND_ANSWER_MS as i64)));
    for n in 1..=2 {
        outbox.handle(Event::Acked(id(n)), due);
    }
    assert_eq!(outbox.wake_at(), None);
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64),
    Ack,
    Refuse(bool),
    Up,
    Down,
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..3u64).prop_map(Step::Write),
        Just(Step::Ack),
        any::<bool>().prop_map(Step::Refuse),
        Just(Step::Up),
        Just(Step::Down),
        (0..5_000i64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whatever happens, a message is acknowledged, stuck, or still to be sent, and within a conversation
    /// the server takes them in the order in which they were written.
    #[test]
    fn nothing_written_is_ever_lost_or_overtaken(steps in steps()) {
        let mut outbox = Outbox::default();
        let (mut now, mut next) = (NOW, 0u64);
        let (mut written, mut taken, mut stuck) = (Vec::new(), Vec::new(), Vec::new());
        let mut on_the_wire: VecDeque<Outgoing> = VecDeque::new();
        let play = |outbox: &mut Outbox, event, now, wire: &mut VecDeque<Outgoing>, stuck: &mut Vec<ClientId>| {
            for effect in outbox.handle(event, now) {
                match effect {
                    Effect::Send(message) => wire.push_back(message),
                    Effect::Stuck { client_id, .. } => stuck.push(client_id),
                    Effect::Overdue => {}
                    Effect::Fail(..) | Effect::Show(_) | Effect::Retried(..) | Effect::Gone(..) => {
                        unreachable!("no queue is shared")
                    }
                    Effect::Full(_) => unreachable!("fewer than the bound are written"),
                }
            }
        };
        for step in steps {
            match step {
                Step::Write(conversation) => {
                    next += 1;
                    let message = message(next, conversation);
                    written.push(message.clone());
                    play(&mut outbox, Event::Send(message), now, &mut on_the_wire, &mut stuck);
                }
                Step::Ack => if let Some(message) = on_the_wire.pop_front() {
                    taken.push(message.clone());
                    play(&mut outbox, Event::Acked(message.client_id), now, &mut on_the_wire, &mut stuck);
                },
                Step::Refuse(passes) => if let Some(message) = on_the_wire.pop_front() {
                    let problem = if passes { Problem::rate_limited(100) } else { Problem::not_found() };
                    play(&mut outbox, Event::Refused(message.client_id, problem), now, &mut on_the_wire, &mut stuck);
                },
                Step::Up => {
                    on_the_wire.clear();
                    play(&mut outbox, Event::Up, now, &mut on_the_wire, &mut stuck);
                }
                Step::Down => {
                    on_the_wire.clear();
                    play(&mut outbox, Event::Down, now, &mut on_the_wire, &mut stuck);
                }
                Step::Pass(ms) => {
                    now = Timestamp(now.0 + ms);
                    play(&mut outbox, Event::Tick, now, &mut on_the_wire, &mut stuck);
                }
            }
        }
        play(&mut outbox, Event::Up, now, &mut VecDeque::new(), &mut stuck);
        on_the_wire.clear();
        play(&mut outbox, Event::Up, now, &mut on_the_wire, &mut stuck);
        for _ in 0..2 * written.len() + 2 {
            while let Some(message) = on_the_wire.pop_front() {
                taken.push(message.clone());
                play(&mut outbox, Event::Acked(message.client_id), now, &mut on_the_wire, &mut stuck);
            }
            now = Timestamp(now.0 + 100);
            play(&mut outbox, Event::Tick, now, &mut on_the_wire, &mut stuck);
        }
        for conversation in 0..3 {
            let of = |messages: &[Outgoing]| -> Vec<ClientId> {
                let conversation = ConversationId::from_parts(conversation, 0);
                let of = messages.iter().filter(|message| message.conversation == conversation);
                of.map(|message| message.client_id.clone()).filter(|id| !stuck.contains(id)).collect()
            };
            prop_assert_eq!(of(&taken), of(&written));
        }
        prop_assert_eq!(outbox.waiting(), 0);
    }
}
