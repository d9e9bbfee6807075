//! Several pages of one browser over one shared queue.

use super::*;

fn kept(place: u64, n: u64, conversation: u64) -> Kept {
    Kept { place, message: message(n, conversation), failure: None }
}

fn failed(place: u64, n: u64) -> Kept {
    Kept { failure: Some("Refused.".into()), ..kept(place, n, 1) }
}

#[test]
fn what_was_kept_is_shown_at_once_and_sent_in_its_order_when_up() {
    let mut outbox = Outbox::default();
    let effects = outbox.handle(Event::Merge(vec![kept(4, 2, 1), kept(7, 1, 1)]), NOW);
    assert_eq!(effects, [Effect::Show(message(2, 1)), Effect::Show(message(1, 1))]);
    assert_eq!(outbox.waiting(), 2);
    assert_eq!(sent(&outbox.handle(Event::Up, NOW)), [id(2)]);
    assert_eq!(sent(&outbox.handle(Event::Acked(id(2)), NOW)), [id(1)]);
}

#[test]
fn what_another_page_wrote_before_goes_before() {
    let mut outbox = Outbox::default();
    outbox.handle(Event::Merge(vec![kept(2, 20, 1)]), NOW);
    outbox.handle(Event::Merge(vec![kept(1, 10, 1), kept(2, 20, 1)]), NOW);
    assert_eq!(outbox.messages().map(|message| message.client_id.clone()).collect::<Vec<_>>(), [id(10), id(20)]);
}

#[test]
fn an_acked_message_is_not_sent_again_by_a_list_that_still_has_it() {
    let mut outbox = up();
    outbox.handle(Event::Merge(vec![kept(1, 1, 1)]), NOW);
    outbox.handle(Event::Acked(id(1)), NOW);
    let effects = outbox.handle(Event::Merge(vec![kept(1, 1, 1), kept(2, 2, 1)]), NOW);
    assert_eq!(sent(&effects), [id(2)]);
    outbox.handle(Event::Merge(vec![kept(2, 2, 1)]), NOW);
    assert!(outbox.taken.is_empty(), "nothing is remembered that no list can bring back");
}

#[test]
fn what_another_page_sent_or_deleted_is_gone_here() {
    let mut outbox = Outbox::default();
    outbox.handle(Event::Merge(vec![kept(1, 1, 1)]), NOW);
    outbox.handle(Event::Send(message(9, 1)), NOW);
    let effects = outbox.handle(Event::Merge(Vec::new()), NOW);
    assert_eq!(effects, [Effect::Gone(id(1), message(1, 1).conversation)]);
    assert_eq!(outbox.waiting(), 1, "what this page alone knows of stays");
}

#[test]
fn a_failure_is_told_to_every_page_and_so_is_its_retry() {
    let mut outbox = Outbox::default();
    outbox.handle(Event::Merge(vec![kept(1, 1, 1)]), NOW);
    let effects = outbox.handle(Event::Merge(vec![failed(1, 1)]), NOW);
    assert!(matches!(&effects[..], [Effect::Stuck { reason, .. }] if reason == "Refused."));
    assert_eq!(outbox.handle(Event::Merge(vec![failed(1, 1)]), NOW), [], "once");
    let effects = outbox.handle(Event::Merge(vec![kept(2, 1, 1)]), NOW);
    assert_eq!(effects, [Effect::Retried(id(1), message(1, 1).conversation)]);
    assert_eq!(sent(&outbox.handle(Event::Up, NOW)), [id(1)]);
}

#[test]
fn a_refusal_goes_to_the_shared_queue_and_no_older_list_undoes_it() {
    let mut outbox = up();
    outbox.handle(Event::Merge(vec![kept(1, 1, 1)]), NOW);
    let effects = outbox.handle(Event::Refused(id(1), Problem::not_found()), NOW);
    assert!(matches!(&effects[..], [Effect::Fail(failed, _), Effect::Stuck { .. }] if *failed == id(1)));
    assert_eq!(outbox.handle(Event::Merge(vec![kept(1, 1, 1)]), NOW), []);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn one_too_long_is_never_sent() {
    let mut outbox = up();
    let message = Outgoing { text: "x".repeat(limits::MESSAGE_BYTES + 1), ..message(1, 1) };
    let kept = Kept { place: 1, message, failure: None };
    let effects = outbox.handle(Event::Merge(vec![kept.clone()]), NOW);
    assert!(matches!(effects[..], [Effect::Show(_), Effect::Stuck { .. }]));
    let effects = outbox.handle(Event::Merge(vec![Kept { place: 2, ..kept }]), NOW);
    assert!(matches!(effects[..], [Effect::Retried(..), Effect::Stuck { .. }]));
}

/// The conversation that the author is no longer in.
const LEFT: u64 = 2;

#[derive(Clone, Debug)]
enum Step {
    Write(usize, u64),
    /// The next thing that the shared queue answered arrives.
    Hear(usize),
    /// The next notice of a change is looked into.
    Look(usize),
    /// The server answers the next frame, or says that it came too fast.
    Serve(usize, bool),
    /// The server's next answer arrives.
    Answer(usize),
    /// This page becomes the one that sends; the other learns of it later.
    Claim(usize),
    Down(usize),
    /// It is closed, and opened again.
    Crash(usize),
    Retry(usize),
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let page = || 0..2usize;
    let step = prop_oneof![
        1 => (page(), 0..3u64).prop_map(|(page, conversation)| Step::Write(page, conversation)),
        3 => page().prop_map(Step::Hear),
        2 => page().prop_map(Step::Look),
        3 => (page(), prop::bool::weighted(0.2)).prop_map(|(page, fast)| Step::Serve(page, fast)),
        3 => page().prop_map(Step::Answer),
        1 => page().prop_map(Step::Claim),
        1 => page().prop_map(Step::Down),
        1 => page().prop_map(Step::Crash),
        1 => page().prop_map(Step::Retry),
        1 => (0..5_000i64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..120)
}

#[derive(Default)]
struct Page {
    outbox: Outbox,
    /// What the shared queue answered, in its order.
    heard: VecDeque<Event>,
    /// Notices that it changed.
    notices: usize,
    wire: VecDeque<Outgoing>,
    answers: VecDeque<Event>,
}

struct Browser {
    now: Timestamp,
    shared: Vec<Kept>,
    places: u64,
    written: Vec<Outgoing>,
    /// The server's log: a client_id that it knows makes no second message.
    log: Vec<Outgoing>,
    pages: [Page; 2],
}

impl Browser {
    /// One transaction on the shared queue: its result comes to this page, a notice to the other.
    fn change(&mut self, page: usize, change: impl FnOnce(&mut Vec<Kept>, &mut u64)) {
        change(&mut self.shared, &mut self.places);
        self.pages[page].heard.push_back(Event::Merge(self.shared.clone()));
        self.pages[1 - page].notices += 1;
    }

    fn handle(&mut self, page: usize, event: Event) {
        let acked = match &event {
            Event::Acked(id) if self.pages[page].outbox.is_kept(id) => Some(id.clone()),
            _ => None,
        };
        for effect in self.pages[page].outbox.handle(event, self.now) {
            match effect {
                Effect::Send(message) => self.pages[page].wire.push_back(message),
                Effect::Fail(id, reason) => self.change(page, |shared, _| {
                    if let Some(kept) = shared.iter_mut().find(|kept| kept.message.client_id == id) {
                        kept.failure = Some(reason);
                    }
                }),
                _ => {}
            }
        }
        if let Some(id) = acked {
            self.change(page, |shared, _| shared.retain(|kept| kept.message.client_id != id));
        }
    }

    fn serve(&mut self, page: usize, is_too_fast: bool) {
        let Some(message) = self.pages[page].wire.pop_front() else { return };
        let id = message.client_id.clone();
        let answer = if is_too_fast {
            Event::Refused(id, Problem::rate_limited(100))
        } else if message.conversation == ConversationId::from_parts(LEFT, 0) {
            Event::Refused(id, Problem::not_found())
        } else {
            if self.log.iter().all(|known| known.client_id != id) {
                self.log.push(message);
            }
            Event::Acked(id)
        };
        self.pages[page].answers.push_back(answer);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write(page, conversation) => {
                let message = message(self.written.len() as u64, conversation);
                self.written.push(message.clone());
                self.change(page, |shared, places| {
                    *places += 1;
                    shared.push(Kept { place: *places, message, failure: None });
                });
            }
            Step::Hear(page) => {
                let next = self.pages[page].heard.pop_front();
                next.into_iter().for_each(|event| self.handle(page, event));
            }
            Step::Look(page) if self.pages[page].notices > 0 => {
                self.pages[page].notices -= 1;
                self.pages[page].heard.push_back(Event::Merge(self.shared.clone()));
            }
            Step::Look(_) => {}
            Step::Serve(page, is_too_fast) => self.serve(page, is_too_fast),
            Step::Answer(page) => {
                let next = self.pages[page].answers.pop_front();
                next.into_iter().for_each(|event| self.handle(page, event));
            }
            Step::Claim(page) => {
                let list = Event::Merge(self.shared.clone());
                self.pages[page].heard.extend([list, Event::Up]);
                self.pages[1 - page].answers.push_back(Event::Down);
            }
            Step::Down(page) => {
                self.pages[page].wire.clear();
                self.pages[page].answers.clear();
                self.handle(page, Event::Down);
            }
            Step::Crash(page) => {
                self.pages[page] = Page::default();
                self.pages[page].heard.push_back(Event::Merge(self.shared.clone()));
            }
            Step::Retry(page) => {
                let Some(id) = self.pages[page].outbox.stuck().next().map(|message| message.client_id.clone()) else {
                    return;
                };
                self.change(page, |shared, places| {
                    if let Some(index) = shared.iter().position(|kept| kept.message.client_id == id) {
                        *places += 1;
                        let kept = shared.remove(index);
                        shared.push(Kept { place: *places, failure: None, ..kept });
                    }
                });
            }
            Step::Pass(ms) => {
                self.now = Timestamp(self.now.0 + ms);
                (0..2).for_each(|page| self.handle(page, Event::Tick));
            }
        }
    }

    /// One page is closed for good, the other has all the time it needs.
    fn settle(&mut self) {
        self.step(Step::Crash(0));
        self.step(Step::Down(1));
        self.step(Step::Claim(1));
        for _ in 0..20 * (self.written.len() + 5) {
            for step in [Step::Look(1), Step::Hear(1), Step::Serve(1, false), Step::Answer(1), Step::Pass(50)] {
                self.step(step);
            }
        }
    }
}

proptest! {
    /// Whatever two pages do, and however late each hears of the other: what may be sent is in the log once,
    /// under the client_id it was written under, in the order in which it was written; what may not is kept.
    #[test]
    fn two_pages_lose_nothing_double_nothing_and_keep_the_order(steps in steps()) {
        let (pages, shared, written, log) = (Default::default(), Vec::new(), Vec::new(), Vec::new());
        let mut browser = Browser { now: NOW, shared, places: 0, written, log, pages };
        for step in steps {
            browser.step(step);
        }
        browser.settle();
        let of = |messages: &[Outgoing], conversation| -> Vec<Outgoing> {
            let conversation = ConversationId::from_parts(conversation, 0);
            messages.iter().filter(|message| message.conversation == conversation).cloned().collect()
        };
        for conversation in 0..LEFT {
            prop_assert_eq!(of(&browser.log, conversation), of(&browser.written, conversation));
        }
        prop_assert!(browser.shared.iter().all(|kept| kept.failure.is_some()));
        let mut stuck: Vec<_> = browser.shared.iter().map(|kept| kept.message.clone()).collect();
        stuck.sort_by_key(|message| message.client_id.to_string());
        prop_assert_eq!(stuck, of(&browser.written, LEFT));
        prop_assert_eq!(browser.pages[1].outbox.waiting(), 0);
    }
}
