//! The messages: days, the `New` line, groups of one author, and where the reader is among them.

use std::hash::{DefaultHasher, Hash, Hasher};

use leptos::{ev::MouseEvent, html, prelude::*, task::spawn_local};
use reactive_stores::{AtKeyed, Field};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::{
    desk::DeskContext,
    message::{MessageView, actions},
    thread::{ThreadContext, focus, was_anothers},
};
use crate::{
    client::{Client, Launcher, use_client},
    model::{
        Entry, EntryKey, EntryState, Thread, ThreadStoreFields,
        conversation::{Hand, Questions, Unanswered},
    },
    protocol::{Code, MessageId, Problem, Seq, UserId, time::MINUTE_MS},
    ui::{Zone, format},
};

/// Messages of one author within this time stand under one name.
const GROUP_MS: i64 = 5 * MINUTE_MS;
/// So near to an end the reader is at it.
const NEAR_PX: i32 = 48;
/// So near to the first message the ones before it are fetched.
const OLDER_PX: i32 = 600;

/// One place in the list and what stands over it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Row {
    key: EntryKey,
    day: Option<String>,
    new: bool,
    /// Begins a group: shows who wrote it.
    lead: bool,
    /// An answer's question, where another message stands between them.
    asked: Option<MessageId>,
    /// For operators: how the dialog changed hands since the message before.
    hands: Vec<String>,
    /// For members: that the agents' answer to it did not come.
    unanswered: Option<Unanswered>,
}

#[component]
pub fn MessageList(
    thread: Field<Thread>,
    /// What stands there before anything was said.
    #[prop(default = ViewFn::from(Welcome), into)]
    welcome: ViewFn,
) -> impl IntoView {
    let context = ThreadContext::current();
    let zone = Zone::current();
    let new_line = StoredValue::new(first_new(&thread.read_untracked(), context.me));
    let for_house = use_context::<DeskContext>().is_some();
    // A website's visitor is told in the frame's own words.
    let for_visitor = use_context::<Launcher>().is_some();
    let unanswered = Memo::new(move |_| {
        // Nor are operators of a dialog that the agents do not have: whoever has it answers.
        if for_visitor || !thread.control().read().as_ref().is_none_or(|now| now.is_with_ai(now.epoch)) {
            return Vec::new();
        }
        context.order.get();
        thread.runs().track();
        thread.read_untracked().unanswered()
    });
    let rows = Memo::new(move |_| {
        context.order.get();
        if for_house {
            thread.hands().track();
        }
        new_line.with_value(|new| rows(&thread.read_untracked(), zone, new.as_ref(), for_house, &unanswered.read()))
    });
    let last_hands = Memo::new(move |_| {
        if !for_house {
            return Vec::new();
        }
        context.order.get();
        thread.hands().track();
        hands_after(&thread.read_untracked())
    });
    let is_empty = Memo::new(move |_| rows.read().is_empty() && last_hands.read().is_empty());
    let node = NodeRef::<html::Div>::new();
    let reader = Reader::new(thread, context);
    Effect::new(move |_| {
        if let Some(list) = node.get() {
            if was_anothers(&list, context.id) {
                list.set_scroll_top(0);
            }
            reader.scrolled(&list);
        }
    });
    view! {
        <div class="thread-body">
            <div
                class="messages"
                role="log"
                aria-label="Messages"
                aria-live="polite"
                aria-busy=move || reader.loading.get().then_some("true")
                tabindex="0"
                node_ref=node
                on:scroll=move |_| {
                    if let Some(list) = node.get_untracked() {
                        reader.scrolled(&list);
                    }
                }
                on:click=move |event| clicked(reader.client, context, &event)
            >
                <div class="messages-inner">
                    <Older reader />
                    {move || is_empty.get().then(|| welcome.run())}
                    <For each=move || rows.get() key=Row::clone let:row>
                        {row.day.map(|day| view! { <div class="day"><span>{day}</span></div> })}
                        {row.new.then(|| {
                            view! {
                                <div class="new-line" role="separator" aria-label="New">
                                    <span aria-hidden="true">"New"</span>
                                </div>
                            }
                        })}
                        {row.hands.into_iter().map(hand).collect_view()}
                        <MessageView thread entry=AtKeyed::new(thread.entries(), row.key).into() lead=row.lead asked=row.asked />
                        {row.unanswered.map(|unanswered| view! { <NotAnswered unanswered /> })}
                    </For>
                    {move || last_hands.get().into_iter().map(hand).collect_view()}
                </div>
            </div>
            <Jump reader node />
        </div>
        <Replying thread />
    }
}

/// Where the reader is, and what came while they were elsewhere.
#[derive(Clone, Copy)]
struct Reader {
    client: Client,
    thread: Field<Thread>,
    context: ThreadContext,
    at_end: RwSignal<bool>,
    /// The newest message that stood at the end of the list while the reader was there.
    seen: RwSignal<Seq>,
    loading: RwSignal<bool>,
}

impl Reader {
    fn new(thread: Field<Thread>, context: ThreadContext) -> Self {
        let seen = newest(&thread.read_untracked());
        let client = use_client();
        let reader = Self {
            client,
            thread,
            context,
            at_end: RwSignal::new(true),
            seen: RwSignal::new(seen),
            loading: RwSignal::new(false),
        };
        let visible = page_visible();
        // A website's frame may be there and not be open.
        let launcher = use_context::<Launcher>();
        let is_shown = move || launcher.is_none_or(|launcher| launcher.is_shown.get());
        Effect::new(move |_| {
            context.order.get();
            let newest = newest(&thread.read_untracked());
            if reader.at_end.get() && visible.get() && is_shown() {
                reader.seen.set(newest);
                client.read(context.id, newest);
            }
        });
        reader
    }

    /// The list is reversed: its end is at 0, and further up is further below 0.
    fn scrolled(self, list: &web_sys::Element) {
        let at_end = list.scroll_top() > -NEAR_PX;
        if self.at_end.get_untracked() != at_end {
            self.at_end.set(at_end);
        }
        let above = list.scroll_height() - list.client_height() + list.scroll_top();
        if above < OLDER_PX {
            // Whoever scrolls asks again by scrolling.
            self.load_older(|_, _| ());
        }
    }

    fn load_older(self, failed: fn(Client, Problem)) {
        if self.loading.get_untracked() || !self.thread.more().get_untracked() {
            return;
        }
        self.loading.set(true);
        spawn_local(async move {
            match self.client.load_older(self.context.id).await {
                // That nothing older is kept is worth a word in any case.
                Err(problem) if problem.code == Code::TooLarge => self.client.problem(problem),
                Err(problem) => failed(self.client, problem),
                Ok(()) => {}
            }
            self.loading.try_set(false);
        });
    }

    /// How many messages of others came while the reader was further up.
    fn missed(self) -> usize {
        if self.at_end.get() {
            return 0;
        }
        self.context.order.get();
        let (seen, me) = (self.seen.get(), self.context.me);
        let thread = self.thread.read_untracked();
        thread
            .entries
            .iter()
            .rev()
            .take_while(|entry| entry.seq.is_none_or(|seq| seq > seen))
            .filter(|entry| entry.seq.is_some() && entry.author.id != me)
            .count()
    }
}

#[component]
fn Older(reader: Reader) -> impl IntoView {
    let more = reader.thread.more();
    view! {
        {move || {
            more.get()
                .then(|| {
                    view! {
                        <div class="older">
                            <button
                                class="button small needs-js"
                                type="button"
                                disabled=move || reader.loading.get()
                                on:click=move |_| reader.load_older(Client::problem)
                            >
                                "Older messages"
                            </button>
                        </div>
                    }
                })
        }}
    }
}

#[component]
fn Jump(reader: Reader, node: NodeRef<html::Div>) -> impl IntoView {
    let missed = Memo::new(move |_| reader.missed());
    let shown = Memo::new(move |_| !reader.at_end.get());
    let jump = move |_| {
        if let Some(list) = node.get_untracked() {
            list.set_scroll_top(0);
        }
        focus(".composer textarea");
    };
    let label = move || match missed.get() {
        0 => "Newest ↓".to_owned(),
        n => format!("{n} new ↓"),
    };
    view! {
        {move || {
            shown
                .get()
                .then(|| {
                    view! {
                        <button class="button primary small jump" type="button" on:click=jump>
                            {label}
                        </button>
                    }
                })
        }}
    }
}

/// For those who hear the page: that an answer is being written, once, not its every word.
#[component]
fn Replying(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let text = Memo::new(move |_| {
        context.order.get();
        let thread = thread.read_untracked();
        let streaming = thread.entries.iter().rev().find(|entry| entry.state == EntryState::Streaming);
        streaming.map(|entry| [entry.author.name.as_str(), " is replying"].concat()).unwrap_or_default()
    });
    view! {
        <p class="visually-hidden" aria-live="polite">
            {text}
        </p>
    }
}

#[component]
fn Welcome() -> impl IntoView {
    view! {
        <div class="empty">
            <img class="mark" src="/favicon.svg" alt="" width="64" height="64" />
            <h2>"Say the first word"</h2>
            <p>"Ask the agents something, such as “What is 17 * 23?”. Where several people talk, begin with @assistant."</p>
        </div>
    }
}

/// Under a question: why there is no answer, and the way to one.
#[component]
fn NotAnswered(unanswered: Unanswered) -> impl IntoView {
    let (client, context) = (use_client(), ThreadContext::current());
    let Unanswered { run, told, .. } = unanswered;
    view! {
        <p class="unanswered">
            <span>{told}</span>
            <button class="button small needs-js" type="button" on:click=move |_| client.run_again(context.id, run)>
                "Retry"
            </button>
        </p>
    }
}

fn hand(text: String) -> impl IntoView {
    view! { <p class="hand">{text}</p> }
}

/// What happened after the newest message of the log.
fn hands_after(thread: &Thread) -> Vec<String> {
    let newest = newest(thread);
    thread.hands.iter().filter(|hand| hand.seq > newest).map(Hand::told).collect()
}

fn rows(thread: &Thread, zone: Zone, new: Option<&EntryKey>, for_house: bool, unanswered: &[Unanswered]) -> Vec<Row> {
    // Those before the first message here are told with the older ones.
    let first = thread.entries.iter().find_map(|entry| entry.seq).filter(|_| thread.more).unwrap_or_default();
    let mut hands = thread.hands.iter().filter(|hand| for_house && hand.seq > first).peekable();
    let mut rows = Vec::with_capacity(thread.entries.len());
    let questions = Questions::of(thread);
    let mut before: Option<(&Entry, i64)> = None;
    for entry in &thread.entries {
        let offset_ms = zone.offset_ms(entry.at);
        let day = format::day_number(entry.at, offset_ms);
        let new_day = before.is_none_or(|(_, last)| last != day);
        let new = new == Some(&entry.key);
        let mut since = Vec::new();
        while let Some(hand) = hands.next_if(|hand| entry.seq.is_some_and(|seq| hand.seq < seq)) {
            since.push(hand.told());
        }
        let lead = new_day || new || !since.is_empty() || !before.is_some_and(|(last, _)| is_group(last, entry));
        let day_name = new_day.then(|| format::day(entry.at, offset_ms));
        let asked = questions.apart(entry, before.map(|(above, _)| above));
        let unanswered = unanswered.iter().find(|one| Some(one.question) == entry.id).cloned();
        rows.push(Row { key: entry.key.clone(), day: day_name, new, lead, asked, hands: since, unanswered });
        before = Some((entry, day));
    }
    rows
}

fn is_group(last: &Entry, next: &Entry) -> bool {
    last.author.id == next.author.id
        && last.visibility == next.visibility
        && next.at.as_ms() - last.at.as_ms() < GROUP_MS
}

/// The first message of others that was not read when the conversation was opened: the line stays there.
fn first_new(thread: &Thread, me: UserId) -> Option<EntryKey> {
    let is_new = |entry: &&Entry| entry.seq.is_some_and(|seq| seq > thread.opened_at) && entry.author.id != me;
    thread.entries.iter().find(is_new).map(|entry| entry.key.clone())
}

fn newest(thread: &Thread) -> Seq {
    thread.entries.iter().filter_map(|entry| entry.seq).max().unwrap_or_default()
}

/// Changes when a message comes, goes or gets another place or state, not with each token of one that is being
/// written: what depends on this alone does not lay out the whole list again for a word.
pub fn order(thread: Field<Thread>) -> Memo<u64> {
    let entries = thread.entries();
    Memo::new(move |_| {
        let mut hasher = DefaultHasher::new();
        for entry in entries.read().iter() {
            (&entry.key, entry.at, entry.seq, entry.state as u8).hash(&mut hasher);
        }
        hasher.finish()
    })
}

/// Whether the page is looked at. Yes, until a browser says otherwise.
fn page_visible() -> RwSignal<bool> {
    let visible = RwSignal::new(true);
    Effect::new(move |_| {
        let look = move || visible.set(document().visibility_state() == web_sys::VisibilityState::Visible);
        look();
        let listener = window_event_listener_untyped("visibilitychange", move |_| look());
        on_cleanup(move || listener.remove());
    });
    visible
}

/// One listener for the buttons of all messages.
fn clicked(client: Client, context: ThreadContext, event: &MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    if let Some(target) = target {
        actions::act(client, context, event, &target);
        copy_code(&target);
    }
}

/// The `Copy` button of a block of code.
fn copy_code(target: &web_sys::Element) -> Option<()> {
    let button = target.closest("[data-copy]").ok()??;
    let text = button.closest(".code").ok()??.query_selector("pre").ok()??.text_content()?;
    let clipboard = window().navigator().clipboard();
    if clipboard.is_undefined() {
        // A page that came over plain http has none.
        button.set_text_content(Some("Not copied"));
        return None;
    }
    let copied = JsFuture::from(clipboard.write_text(&text));
    spawn_local(async move {
        button.set_text_content(Some(if copied.await.is_ok() { "Copied" } else { "Not copied" }));
    });
    Some(())
}
