//! Any frame that the protocol's types can hold, for the round trips.

use std::collections::BTreeMap;

use magpie::protocol::{
    agent::*,
    client::*,
    dialog::*,
    http::{Conversation, Kind, LastMessage},
    ids::*,
    problem::Code,
    server::*,
    time::Timestamp,
};
use proptest::{collection::vec, option::of, prelude::*, sample::select};
use serde_json::{Value, json};

macro_rules! any_id {
    ($($name:ident: $id:ty;)*) => {$(
        fn $name() -> impl Strategy<Value = $id> {
            any::<[u8; 16]>().prop_map(<$id>::from_bytes)
        }
    )*};
}

any_id! {
    user_id: UserId;
    conversation_id: ConversationId;
    message_id: MessageId;
    run_id: RunId;
    call_id: CallId;
    chart_id: ChartId;
    connection_id: ConnectionId;
    log_epoch: LogEpoch;
}

/// Below 2^53, as the contract says.
fn seq() -> impl Strategy<Value = Seq> {
    (0u64..1 << 53).prop_map(Seq)
}

fn count() -> impl Strategy<Value = u64> {
    0u64..1 << 53
}

/// Any moment with a year of four digits.
fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000i64..253_402_300_800_000).prop_map(Timestamp)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~äöü€𝄞\u{200d}\n\t\"\\\\]{0,40}"]
}

fn client_id() -> impl Strategy<Value = ClientId> {
    prop_oneof![
        message_id().prop_map(ClientId::from),
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(|uuid| uuid.parse().unwrap()),
    ]
}

/// Any JSON but a bare `null`, which stands for "left out".
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn user() -> impl Strategy<Value = UserRef> {
    (user_id(), text()).prop_map(|(id, name)| UserRef { id, name })
}

fn author() -> impl Strategy<Value = Author> {
    (user_id(), text(), of(text())).prop_map(|(id, name, emoji)| Author { id, name, emoji })
}

fn visibility() -> impl Strategy<Value = Visibility> {
    select(vec![Visibility::Public, Visibility::Note])
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![
        Just(Owner::Ai),
        of(text()).prop_map(|team| Owner::Queue { team }),
        user().prop_map(|user| Owner::Human { user }),
    ]
}

fn dialog_status() -> impl Strategy<Value = DialogStatus> {
    select(vec![DialogStatus::Open, DialogStatus::Snoozed, DialogStatus::Resolved])
}

fn control_state() -> impl Strategy<Value = ControlState> {
    (owner(), dialog_status(), count()).prop_map(|(owner, status, epoch)| ControlState { owner, status, epoch })
}

fn presence_status() -> impl Strategy<Value = PresenceStatus> {
    select(vec![PresenceStatus::Online, PresenceStatus::Away, PresenceStatus::Offline])
}

// ── Client frames ────────────────────────────────────────────────────────────────────────────────

pub fn client_envelope() -> impl Strategy<Value = ClientEnvelope> {
    (client_frame(), of("[ -~]{0,128}")).prop_map(|(frame, reference)| ClientEnvelope { frame, reference })
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    let cursor = (conversation_id(), of(seq()), of(log_epoch())).prop_map(|(id, after, log_epoch)| Cursor {
        id,
        after,
        log_epoch,
    });
    prop_oneof![
        vec(cursor, 0..4).prop_map(|conversations| ClientFrame::Subscribe(Subscribe { conversations })),
        vec(conversation_id(), 0..4).prop_map(|conversations| ClientFrame::Unsubscribe(Unsubscribe { conversations })),
        chat().prop_map(ClientFrame::Chat),
        (of(conversation_id()), of(run_id()))
            .prop_map(|(conversation_id, run_id)| ClientFrame::Cancel(Cancel { conversation_id, run_id })),
        typing().prop_map(ClientFrame::TypingStart),
        typing().prop_map(ClientFrame::TypingStop),
        (conversation_id(), seq()).prop_map(|(conversation_id, seq)| ClientFrame::Read(Read { conversation_id, seq })),
        changes(),
        control().prop_map(ClientFrame::Control),
        approve().prop_map(ClientFrame::Approve),
        of(json_value()).prop_map(|nonce| ClientFrame::Ping(Ping { nonce })),
    ]
}

fn chat() -> impl Strategy<Value = Chat> {
    (of(conversation_id()), of(client_id()), text(), of(message_id()), of(visibility())).prop_map(
        |(conversation_id, client_id, message, reply_to, visibility)| Chat {
            conversation_id,
            client_id,
            message,
            reply_to,
            visibility,
        },
    )
}

fn typing() -> impl Strategy<Value = Typing> {
    (conversation_id(), of(visibility()))
        .prop_map(|(conversation_id, visibility)| Typing { conversation_id, visibility })
}

fn changes() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        (conversation_id(), message_id(), text()).prop_map(|(conversation_id, message_id, message)| {
            ClientFrame::Edit(Edit { conversation_id, message_id, message })
        }),
        (conversation_id(), message_id())
            .prop_map(|(conversation_id, message_id)| ClientFrame::Delete(Delete { conversation_id, message_id })),
        (conversation_id(), message_id(), text(), any::<bool>()).prop_map(
            |(conversation_id, message_id, emoji, on)| {
                ClientFrame::React(React { conversation_id, message_id, emoji, on })
            }
        ),
    ]
}

fn control() -> impl Strategy<Value = Control> {
    use ControlAction::*;
    let action = select(vec![Take, Release, ReturnToAi, Transfer, Resolve, Reopen, Snooze, RequestHuman]);
    (conversation_id(), action, count(), of(text())).prop_map(|(conversation_id, action, epoch, to)| Control {
        conversation_id,
        action,
        epoch,
        to,
    })
}

fn approve() -> impl Strategy<Value = Approve> {
    (conversation_id(), run_id(), call_id(), any::<bool>(), of(json_value())).prop_map(
        |(conversation_id, run_id, call_id, approved, arguments)| Approve {
            conversation_id,
            run_id,
            call_id,
            approved,
            arguments,
        },
    )
}

// ── Durable frames ───────────────────────────────────────────────────────────────────────────────

pub fn durable_frame() -> impl Strategy<Value = DurableFrame> {
    (conversation_id(), seq(), timestamp(), event()).prop_map(|(conversation_id, seq, timestamp, event)| DurableFrame {
        conversation_id,
        seq,
        timestamp,
        event,
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        message().prop_map(Event::Message),
        (message_id(), user(), text()).prop_map(|(message_id, by, text)| Event::Edited(Edited {
            message_id,
            by,
            text
        })),
        (message_id(), user()).prop_map(|(message_id, by)| Event::Deleted(Deleted { message_id, by })),
        (message_id(), user(), text(), any::<bool>())
            .prop_map(|(message_id, by, emoji, on)| Event::Reaction(Reaction { message_id, by, emoji, on })),
        (user(), select(vec![Membership::Joined, Membership::Left]))
            .prop_map(|(user, change)| Event::Member(MemberChanged { user, change })),
        agent_event(),
        tool_event(),
        (control_state(), user(), of(text())).prop_map(|(state, by, reason)| Event::Control(ControlChanged {
            state,
            by,
            reason
        })),
        Just(Event::Hidden),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let sender = select(vec![Sender::User, Sender::Visitor, Sender::Operator, Sender::Agent, Sender::System]);
    let names = (message_id(), of(client_id()), of(message_id()), of(run_id()));
    (names, sender, author(), text(), visibility(), any::<bool>()).prop_map(
        |((id, client_id, reply_to, run_id), sender, author, text, visibility, partial)| Message {
            id,
            sender,
            author,
            text,
            format: Format::Markdown,
            client_id,
            reply_to,
            run_id,
            visibility,
            partial,
        },
    )
}

fn usage() -> impl Strategy<Value = Usage> {
    let currency = of(select(vec![Currency::default(), Currency::of("EUR").expect("a currency")]));
    (count(), count(), of(count()), currency).prop_map(|(input_tokens, output_tokens, cost_micros, currency)| Usage {
        input_tokens,
        output_tokens,
        cost_micros,
        currency,
    })
}

fn agent_event() -> impl Strategy<Value = Event> {
    use RunStatus::*;
    let status = select(vec![Initializing, Processing, Waiting, Completed, Cancelled, Failed, Interrupted]);
    let topic = select(vec![StepTopic::Plan, StepTopic::Ledger, StepTopic::Said, StepTopic::Model, StepTopic::Retry]);
    let told = (of(topic), of(json_value()), of(text()), of(usage()), of(count()), of(count()));
    let table =
        (vec(text(), 0..3), vec(vec(text(), 0..3), 0..3)).prop_map(|(columns, rows)| ChartTable { columns, rows });
    prop_oneof![
        (run_id(), status, of(text()), of(usage()), of(message_id())).prop_map(
            |(run_id, status, message, usage, question)| Event::AgentRun(AgentRun {
                run_id,
                status,
                message,
                usage,
                question
            })
        ),
        (run_id(), text(), text(), any::<u32>(), text(), told).prop_map(
            |(run_id, agent, emoji, turn, message, (topic, detail, model, usage, first_token_ms, duration_ms))| {
                Event::AgentStep(AgentStep {
                    topic,
                    detail,
                    model,
                    usage: usage.map(Box::new),
                    first_token_ms,
                    duration_ms,
                    ..AgentStep::new(run_id, agent, emoji, turn, message)
                })
            }
        ),
        // Halves: exact in binary and in decimal.
        (run_id(), any::<u32>(), any::<u32>(), 0u32..=200).prop_map(|(run_id, current_turn, max_turns, half)| {
            Event::Progress(Progress { run_id, current_turn, max_turns, percentage: f64::from(half) / 2.0 })
        }),
        (run_id(), chart_id(), text(), text(), of(text()), of(table)).prop_map(
            |(run_id, chart_id, url, title, symbol, table)| Event::ChartGenerated(ChartGenerated {
                run_id,
                chart_id,
                url,
                title,
                symbol,
                table
            })
        ),
        (run_id(), text(), message_id()).prop_map(|(run_id, content, message_id)| {
            Event::Result(RunResult { run_id, content, format: Format::Markdown, message_id })
        }),
    ]
}

fn tool_event() -> impl Strategy<Value = Event> {
    let call = || {
        let class = of(select(vec![ToolClass::Read, ToolClass::Write, ToolClass::Costly]));
        (run_id(), call_id(), text(), text(), json_value(), class).prop_map(
            |(run_id, call_id, agent, tool_name, arguments, class)| ToolCall {
                run_id,
                call_id,
                agent,
                tool_name,
                arguments,
                class,
            },
        )
    };
    prop_oneof![
        call().prop_map(Event::ToolCall),
        (call(), any::<bool>(), text(), count()).prop_map(|(call, success, result_preview, duration_ms)| {
            let ToolCall { run_id, call_id, agent, tool_name, .. } = call;
            Event::ToolResult(ToolResult { run_id, call_id, agent, tool_name, success, result_preview, duration_ms })
        }),
        (call(), timestamp()).prop_map(|(call, expires_at)| {
            let ToolCall { run_id, call_id, agent, tool_name, arguments, .. } = call;
            Event::Approval(Approval { run_id, call_id, agent, tool_name, arguments, expires_at })
        }),
        (run_id(), call_id(), any::<bool>(), of(user()), of(json_value())).prop_map(
            |(run_id, call_id, approved, by, arguments)| {
                Event::ApprovalResolved(ApprovalResolved { run_id, call_id, approved, by, arguments })
            }
        ),
    ]
}

// ── Ephemeral frames ─────────────────────────────────────────────────────────────────────────────

pub fn ephemeral_frame() -> impl Strategy<Value = EphemeralFrame> {
    prop_oneof![
        status().prop_map(EphemeralFrame::Status),
        subscribed().prop_map(EphemeralFrame::Subscribed),
        ack().prop_map(EphemeralFrame::Ack),
        user_typing().prop_map(EphemeralFrame::TypingStart),
        user_typing().prop_map(EphemeralFrame::TypingStop),
        (user(), presence_status(), of(conversation_id())).prop_map(|(user, status, conversation_id)| {
            EphemeralFrame::Presence(Presence { user, status, conversation_id })
        }),
        (conversation_id(), user(), seq()).prop_map(|(conversation_id, user, up_to)| {
            EphemeralFrame::Read(ReadUpTo { conversation_id, user, up_to })
        }),
        (conversation(), select(vec![ListChange::Added, ListChange::Removed, ListChange::Changed])).prop_map(
            |(conversation, change)| EphemeralFrame::Conversation(ConversationChanged { conversation, change })
        ),
        token().prop_map(EphemeralFrame::Token),
        (text(), user(), timestamp()).prop_map(|(message, from, timestamp)| {
            EphemeralFrame::Broadcast(Broadcast { message, from, timestamp })
        }),
        (timestamp(), of(json_value())).prop_map(|(timestamp, nonce)| EphemeralFrame::Pong(Pong { timestamp, nonce })),
        error().prop_map(EphemeralFrame::Error),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    let times = (count(), count(), count()).prop_map(|(resend_ms, stop_ms, expire_ms)| TypingTimes {
        resend_ms,
        stop_ms,
        expire_ms,
    });
    let connected = (connection_id(), user(), text(), count(), times).prop_map(
        |(connection_id, user, protocol, heartbeat_ms, typing)| Connected {
            connection_id,
            user,
            protocol,
            heartbeat_ms,
            typing,
        },
    );
    (text(), text(), timestamp(), of(run_id()), of(timestamp()), of(connected)).prop_map(
        |(status, message, timestamp, run_id, expires_at, connected)| Status {
            status,
            message,
            timestamp,
            run_id,
            expires_at,
            connected,
        },
    )
}

fn subscribed() -> impl Strategy<Value = Subscribed> {
    let mode = select(vec![Mode::Current, Mode::Replay, Mode::Snapshot, Mode::Denied]);
    let presence = (user(), presence_status()).prop_map(|(user, status)| UserPresence { user, status });
    let read = (user(), seq()).prop_map(|(user, up_to)| ReadPosition { user, up_to });
    let stream = (run_id(), message_id(), text(), text()).prop_map(|(run_id, message_id, agent, text)| Stream {
        run_id,
        message_id,
        agent,
        text,
    });
    let people = (vec(user(), 0..3), vec(presence, 0..3), vec(read, 0..3), vec(stream, 0..3));
    (conversation_id(), mode, seq(), of(log_epoch()), people, of(control_state()), of(text())).prop_map(
        |(conversation_id, mode, head, log_epoch, (typing, presence, reads, streams), control, reference)| Subscribed {
            conversation_id,
            mode,
            head,
            log_epoch,
            typing,
            presence,
            reads,
            streams,
            control,
            reference,
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    let posted = (client_id(), message_id(), timestamp(), any::<bool>()).prop_map(
        |(client_id, message_id, timestamp, duplicate)| Posted { client_id, message_id, timestamp, duplicate },
    );
    (of(text()), conversation_id(), seq(), of(posted)).prop_map(|(reference, conversation_id, seq, posted)| Ack {
        reference,
        conversation_id,
        seq,
        posted,
    })
}

fn user_typing() -> impl Strategy<Value = UserTyping> {
    (conversation_id(), user()).prop_map(|(conversation_id, user)| UserTyping { conversation_id, user })
}

fn last_message() -> impl Strategy<Value = LastMessage> {
    (message_id(), seq(), author(), text(), timestamp()).prop_map(|(id, seq, author, text, timestamp)| LastMessage {
        id,
        seq,
        author,
        text,
        timestamp,
    })
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let kind = select(vec![Kind::Room, Kind::Dialog]);
    let line = (text(), user(), count(), of(timestamp()), of(last_message().prop_map(Box::new)));
    let line = line.prop_map(|(site, visitor, epoch, waiting_since, visitor_message)| DialogLine {
        site_id: SiteId(site),
        visitor,
        epoch,
        waiting_since,
        visitor_message,
    });
    let name = (conversation_id(), text(), kind);
    (name, (seq(), count()), owner(), dialog_status(), any::<bool>(), of(last_message()), of(line)).prop_map(
        |((id, title, kind), (head, unread), owner, status, agents, last_message, dialog)| Conversation {
            id,
            title,
            kind,
            head,
            unread,
            owner,
            status,
            agents,
            last_message,
            dialog,
        },
    )
}

fn token() -> impl Strategy<Value = Token> {
    (conversation_id(), run_id(), message_id(), text(), count(), text()).prop_map(
        |(conversation_id, run_id, message_id, agent, offset, delta)| Token {
            conversation_id,
            run_id,
            message_id,
            agent,
            offset,
            delta,
        },
    )
}

fn error() -> impl Strategy<Value = ErrorFrame> {
    let code = select(vec![Code::BadFrame, Code::Invalid, Code::RateLimited, Code::StaleEpoch, Code::Internal]);
    let details = vec((text(), json_value()), 0..3).prop_map(BTreeMap::from_iter);
    (code, text(), of(details), any::<bool>(), of(text()), of(count())).prop_map(
        |(code, message, details, recoverable, reference, retry_after_ms)| ErrorFrame {
            code,
            message,
            details,
            recoverable,
            reference,
            retry_after_ms,
        },
    )
}

/// The same JSON with a field in each object that no version knows yet; inside of free-form values nothing
/// is added.
pub fn with_unknown_fields(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_unknown_fields).collect(),
        Value::Object(fields) => {
            let free_form = |name: &str| matches!(name, "arguments" | "nonce" | "details" | "detail");
            let mut fields: serde_json::Map<_, _> = fields
                .into_iter()
                .map(|(name, value)| if free_form(&name) { (name, value) } else { (name, with_unknown_fields(value)) })
                .collect();
            fields.insert("of_a_later_version".into(), json!({ "type": "surprise", "n": [1, null] }));
            Value::Object(fields)
        }
        other => other,
    }
}
