//! Every bound, once. Sizes in bytes, times in milliseconds unless the name says otherwise.
//!
//! Rates can be switched off for load tests (`MAGPIE_RATE_LIMIT=off`); sizes, counts and times never.

mod admin;
mod desk;
mod dialogs;
mod page;

pub use admin::*;
pub use desk::*;
pub use dialogs::*;
pub use page::*;

// ── Frames and what is in them ───────────────────────────────────────────────────────────────────

/// A client's frame; a larger one closes the socket with 1009.
pub const CLIENT_FRAME_BYTES: usize = 128 * 1024;
/// What a frame has beside its text, at most.
pub const FRAME_ROOM_BYTES: usize = 1024;
/// A body of the HTTP API.
pub const HTTP_BODY_BYTES: usize = 128 * 1024;
/// A message's text after trimming, UTF-8.
pub const MESSAGE_BYTES: usize = 32_768;
/// A client's name for a frame.
pub const REF_BYTES: usize = 128;
/// What an answer quotes of a frame that is wrong.
pub const PROBLEM_CHARS: usize = 200;
pub const TITLE_CHARS: usize = 120;
pub const DISPLAY_NAME_CHARS: usize = 64;
pub const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 2..=32;
pub const PASSWORD_CHARS_MIN: usize = 8;
/// argon2 reads every byte: a bound keeps a sign-in cheap.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// One emoji, with all its joiners and modifiers.
pub const EMOJI_BYTES: usize = 64;
/// Kinds of reaction on one message.
pub const REACTIONS_PER_MESSAGE: usize = 32;
/// A conversation's newest message in the list.
pub const PREVIEW_CHARS: usize = 200;
/// A ping's nonce, as JSON.
pub const NONCE_BYTES: usize = 256;

// ── Conversations ────────────────────────────────────────────────────────────────────────────────

pub const MEMBERS_PER_CONVERSATION: usize = 1_000;
pub const CONVERSATIONS_PER_USER: usize = 1_000;
/// Conversations of which the server remembers what never changes.
pub const REMEMBERED_CONVERSATIONS: usize = 10_000;
/// Events in one answer of `GET …/events`.
pub const EVENTS_PER_PAGE: u64 = 500;
/// Their text together, past the first one: a page of the longest messages is cut short, and `head` tells.
pub const EVENTS_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Messages in one answer of `GET …/messages`, and what it gives where `limit` is left out.
pub const MESSAGES_PER_PAGE: u64 = 200;
pub const MESSAGES_PER_PAGE_DEFAULT: u64 = 60;

// ── Subscribing ──────────────────────────────────────────────────────────────────────────────────

pub const SUBSCRIPTIONS_PER_CONNECTION: usize = 1_000;
/// Missing events up to which `subscribe` replays them all; beyond, it sends a snapshot.
pub const REPLAY_EVENTS: u64 = 1_000;
/// Newest events in a snapshot.
pub const SNAPSHOT_EVENTS: u64 = 100;
/// People named in a `subscribed` frame's presence, typing and reads, each.
pub const SUBSCRIBED_PEOPLE: usize = 100;

// ── A connection's lane ──────────────────────────────────────────────────────────────────────────

/// Bytes that wait for one reader, at most; one large frame may wait beside them. Overflow by durable
/// frames closes with 4001.
pub const LANE_BYTES: usize = 192 * 1024;
/// A frame above this is large: an event that does not fit because of one is read from the log later.
pub const LANE_LARGE_BYTES: usize = 96 * 1024;
/// The slowest reader that counts as one: a write may take so long for its bytes beside what any write may.
pub const SLOWEST_READER_BYTES_PER_S: u64 = 8 * 1024;
/// Frames that wait for one reader, at most.
pub const LANE_FRAMES: usize = 4_096;
/// Bytes above which ephemeral frames are dropped.
pub const LANE_EPHEMERAL_BYTES: usize = 64 * 1024;
/// Bytes read from the log at a time for a replay.
pub const REPLAY_PAGE_BYTES: usize = 48 * 1024;
/// Events read from the log at a time for a replay.
pub const REPLAY_PAGE_EVENTS: u64 = 100;
/// A frame above this is deflated for a client that asked for it.
pub const COMPRESS_BYTES: usize = 1024;
/// Bytes of the socket's read buffer: the library's default holds 128 KiB a connection.
pub const READ_BUFFER_BYTES: usize = 1024;
/// Bytes that are written to the socket at once.
pub const WRITE_BUFFER_BYTES: usize = 16 * 1024;

// ── Connections ──────────────────────────────────────────────────────────────────────────────────

pub const CONNECTIONS: usize = 50_000;
/// Connections that wait to be accepted (the kernel may allow fewer: `net.core.somaxconn`).
pub const LISTEN_BACKLOG: u32 = 4_096;
pub const CONNECTIONS_PER_USER: usize = 20_000;
/// Bad frames in a minute: the last of them closes with 4504, with rate limits off, too.
pub const BAD_FRAMES_PER_MINUTE: usize = 10;
/// Frames refused for the rate, less those that passed since, after which the connection is closed with 4004.
pub const RATE_LIMITED_FRAMES: u32 = 200;
pub const HEARTBEAT_MS: u64 = 25_000;
/// Pings without an answer after which the socket is closed with 4003.
pub const UNANSWERED_PINGS: u32 = 2;
/// How long the server waits for a closing client's own close frame.
pub const CLOSE_GRACE_MS: u64 = 1_000;
/// How long a reader that was closed for being slow may take to read that it was.
pub const SLOW_READER_GRACE_MS: u64 = 10_000;
/// From the signal to stop until the process gives up waiting for its runs and sockets.
pub const DRAIN_DEADLINE_MS: u64 = 8_000;
/// How long closing the database may take after that.
pub const CLOSE_STORAGE_MS: u64 = 1_500;
/// How long a part of the server may take to say that it is well.
pub const HEALTH_CHECK_MS: u64 = 2_000;
/// Over which time a draining server asks its clients to come back.
pub const DRAIN_SPREAD_MS: u64 = 2_000;

// ── Typing and presence ──────────────────────────────────────────────────────────────────────────

/// A client that goes on typing says so again after this time.
pub const TYPING_RESEND_MS: u64 = 3_000;
/// A client says that typing stopped after this time without a key.
pub const TYPING_STOP_MS: u64 = 5_000;
/// The server says it for a client that does not.
pub const TYPING_EXPIRE_MS: u64 = 7_000;
/// Who is shown typing is not told of again sooner than this.
pub const TYPING_REPEAT_MS: i64 = 1_000;
/// Readers of one conversation up to which presence is told live: n people coming make n² frames.
pub const PRESENCE_READERS: usize = 200;
/// How often the server looks for typing and presence that have run out.
pub const SWEEP_INTERVAL_MS: u64 = 500;
/// People typing in one conversation that the server keeps count of.
pub const TYPING_PER_CONVERSATION: usize = 100;
/// Without a frame but pings, a person is away.
pub const AWAY_AFTER_MS: u64 = 5 * 60 * 1_000;
/// After the last socket closed, a person is offline.
pub const OFFLINE_AFTER_MS: u64 = 15_000;

// ── Sessions ─────────────────────────────────────────────────────────────────────────────────────

pub const TOKEN_LIFETIME_MS: i64 = 60 * 60 * 1_000;
pub const SESSION_LIFETIME_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Password hashes computed at the same time: each takes 19 MiB.
pub const CONCURRENT_HASHES: usize = 4;

// ── Rates (governor cells: a burst, then one per interval) ───────────────────────────────────────

/// A rate: `burst` at once, then one every `every_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub every_ms: u64,
}

/// Messages, edits, reactions and other writes of one person, over all transports.
pub const WRITES_PER_USER: Rate = Rate { burst: 300, every_ms: 50 };
/// Frames of one connection, of any type.
pub const FRAMES_PER_CONNECTION: Rate = Rate { burst: 500, every_ms: 10 };
/// Times that one connection starts to type: each is told to all who read the conversation.
pub const TYPING_PER_CONNECTION: Rate = Rate { burst: 20, every_ms: 500 };
/// Attempts to open a socket from one address: an office behind one address comes back at once when a server
/// restarts.
pub const SOCKETS_PER_ADDRESS: Rate = Rate { burst: 1_000, every_ms: 20 };
/// Registrations and sign-ins from one address.
pub const SIGN_INS_PER_ADDRESS: Rate = Rate { burst: 100, every_ms: 500 };
/// Sign-ins under one username.
pub const SIGN_INS_PER_USERNAME: Rate = Rate { burst: 30, every_ms: 5_000 };
/// Reports of what a page measured, of one person.
pub const TIMINGS_PER_USER: Rate = Rate { burst: 30, every_ms: 2_000 };
/// Tests of a model's settings by one admin: each may cost money.
pub const MODEL_TESTS_PER_USER: Rate = Rate { burst: 6, every_ms: 10_000 };
/// Checks of a rate after which those who were quiet are forgotten.
pub const RATE_CHECKS_PER_SWEEP: u32 = 1_024;

// ── Storage ──────────────────────────────────────────────────────────────────────────────────────

/// Writes that wait for the next commit; one more waits for a place.
pub const WRITE_QUEUE: usize = 1_024;
/// Writes in one commit.
pub const WRITES_PER_COMMIT: usize = 256;
/// Messages after which the search index is brought up to date, and how long fewer may wait for it. A search
/// never waits so long: it asks for it.
pub const INDEX_MESSAGES: usize = 256;
pub const INDEX_AFTER: std::time::Duration = std::time::Duration::from_millis(500);
/// Writes after which what was committed is moved into the database file.
pub const WRITES_PER_CHECKPOINT: usize = 1_000;
/// Pages of 4 KiB in the write-ahead log above which it is started anew at the next occasion.
pub const WAL_PAGES: u32 = 8_192;
/// Pages of the database that the writing connection keeps in memory.
pub const WRITE_CACHE_KIB: u32 = 8_192;
/// How long a connection waits for another's lock on the database: a backup, or somebody's shell.
pub const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// Connections that read the database.
pub const READ_CONNECTIONS: u32 = 4;
/// Frames between the log and the hub.
pub const BUS_QUEUE: usize = 4_096;
/// Bytes of events that go to the lanes before their writers have a turn: well below [`LANE_BYTES`].
pub const BUS_BURST_BYTES: usize = 32 * 1024;

// ── Agents ───────────────────────────────────────────────────────────────────────────────────────

/// Turns of one run.
pub const TURNS_PER_RUN: u32 = 8;
/// Tool calls of one turn.
pub const CALLS_PER_TURN: usize = 8;
/// Runs going on at once on this node; one more waits.
pub const CONCURRENT_RUNS: usize = 256;
/// Of these, those that one person asked for.
pub const CONCURRENT_RUNS_PER_USER: usize = 32;
/// When a step of a run that the database did not take is tried again.
pub const RUN_WRITE_RETRIES_MS: [u64; 3] = [50, 200, 800];
/// Questions that wait in one conversation while a run is on.
pub const QUEUED_QUESTIONS: usize = 16;
/// Calls of a model for one answer: one that fails for a reason that may pass is made again.
pub const MODEL_ATTEMPTS: u32 = 4;
/// Of those that end in silence, which takes minutes.
pub const MODEL_SILENT_ATTEMPTS: u32 = 2;
/// Before another call: a random time below `min(cap, base × 2^n)`.
pub const MODEL_RETRY_BASE_MS: u64 = 500;
pub const MODEL_RETRY_CAP_MS: u64 = 8_000;
/// The longest wait that a model's server may ask for; where it asks for more, the call fails and says so.
pub const MODEL_RETRY_AFTER_MS: u64 = 60_000;
/// From a call to the first piece of its answer: a model on a small machine reads a long conversation first.
pub const MODEL_FIRST_PIECE_MS: u64 = 120_000;
/// From a piece of an answer to the next.
pub const MODEL_SILENCE_MS: u64 = 60_000;
/// How long connecting to a model's server may take.
pub const MODEL_CONNECT_MS: u64 = 10_000;
/// How long a connection to a model's server is kept for the next call.
pub const MODEL_IDLE_MS: u64 = 30_000;
/// One event of a model's stream.
pub const MODEL_EVENT_BYTES: usize = 1024 * 1024;
/// What is read of a model's server's words about an error.
pub const MODEL_ERROR_BYTES: usize = 64 * 1024;
/// Tool calls in one answer of a model, and their text together; of these a run makes [`CALLS_PER_TURN`].
pub const MODEL_CALLS: usize = 64;
pub const MODEL_CALLS_BYTES: usize = 256 * 1024;
/// How long the test of a model's settings may take: a server of one's own loads the model first.
pub const MODEL_TEST_MS: u64 = 45_000;
/// What it shows of the answer.
pub const MODEL_TEST_CHARS: usize = 200;
/// How long what is known of a model's state is believed.
pub const MODEL_STATUS_MS: u64 = 30_000;
/// Admins for whom the server remembers what they tested and did not save yet, and how long.
pub const MODEL_DRAFTS: usize = 64;
pub const MODEL_DRAFT_MS: u64 = 10 * 60 * 1_000;
/// What is told of a provider's words about an error.
pub const MODEL_ERROR_CHARS: usize = 300;
/// How often a run goes on after the server stopped in the middle: one that brings it down must not do so for ever.
pub const RUN_RESUMES: u32 = 3;
/// How long a tool call waits to be allowed.
pub const APPROVAL_MS: i64 = 60 * 60 * 1_000;
/// Decisions about it that wait to be heard.
pub const WAITING_DECISIONS: usize = 8;
/// Messages of the conversation that a model is shown, their text together, and of one of them.
pub const CONTEXT_MESSAGES: u64 = 40;
pub const CONTEXT_BYTES: usize = 128 * 1024;
pub const CONTEXT_MESSAGE_BYTES: usize = 32 * 1024;
/// An answer's text.
pub const ANSWER_BYTES: usize = 1024 * 1024;
/// Text collected for one `token` frame: at most 25 such frames a second.
pub const TOKEN_INTERVAL_MS: u64 = 40;
/// A tool's answer, as the model reads it.
pub const TOOL_OUTPUT_BYTES: usize = 16 * 1024;
/// A tool's answer, as the timeline shows it.
pub const RESULT_PREVIEW_CHARS: usize = 500;
pub const TOOL_TIMEOUT_MS: u64 = 10_000;
/// How long a server that shuts down waits for its runs to write their ends.
pub const RUNS_DRAIN_MS: u64 = 5_000;
/// Points of one chart, over all its lines.
pub const CHART_POINTS: usize = 1_000;
/// Lines, or groups of bars, of one chart.
pub const CHART_SERIES: usize = 8;
/// A chart's title, and a label in it.
pub const CHART_LABEL_CHARS: usize = 80;
/// What a chart is drawn from, as text.
pub const CHART_DATA_BYTES: usize = 64 * 1024;
/// Markdown files of the knowledge base, how large one may be, all of them together, and how deep they lie.
pub const KNOWLEDGE_FILES: usize = 10_000;
pub const KNOWLEDGE_FILE_BYTES: u64 = 1024 * 1024;
pub const KNOWLEDGE_BYTES: usize = 64 * 1024 * 1024;
pub const KNOWLEDGE_DEPTH: usize = 16;
/// A passage of the knowledge base; a longer section is several.
pub const PASSAGE_BYTES: usize = 2_000;
/// A passage up to this is quoted whole, a longer one around the words that were looked for.
pub const KNOWLEDGE_QUOTE_BYTES: usize = 1_200;
/// Passages that one search brings, where nobody says how many, and at most.
pub const KNOWLEDGE_RESULTS: usize = 5;
pub const KNOWLEDGE_RESULTS_MAX: usize = 10;
/// Words that one search of the knowledge base looks for.
pub const KNOWLEDGE_WORDS: usize = 16;
/// CSV that is summarized.
pub const CSV_BYTES: usize = 256 * 1024;
pub const CSV_COLUMNS: usize = 64;
/// Groups that a summary of CSV tells.
pub const CSV_GROUPS: usize = 50;
/// A cell of CSV, as it is told.
pub const CSV_CELL_CHARS: usize = 40;
/// The address of a web page.
pub const FETCH_URL_BYTES: usize = 2_048;
/// Redirects that are followed to a page.
pub const FETCH_REDIRECTS: usize = 5;
/// Addresses of one host that are looked at.
pub const FETCH_ADDRESSES: usize = 16;
/// What is read of a page, and what a model reads of it at a time.
pub const FETCH_BODY_BYTES: usize = 1024 * 1024;
pub const FETCH_TEXT_BYTES: usize = 32 * 1024;
/// How long a page may take, all of it, and the connection to each of its hosts.
pub const FETCH_MS: u64 = 15_000;
pub const FETCH_CONNECT_MS: u64 = 5_000;
/// How long a provider of prices may take, and what it may answer.
pub const MARKET_MS: u64 = 8_000;
pub const MARKET_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Days of prices: twenty years of them.
pub const MARKET_DAYS: usize = 7_300;
pub const MARKET_SYMBOL_CHARS: usize = 32;
/// Tools of one MCP server that are offered, and what one may say of itself.
pub const MCP_TOOLS: usize = 128;
pub const MCP_DESCRIPTION_CHARS: usize = 2_000;
pub const MCP_SCHEMA_BYTES: usize = 32 * 1024;
/// A message of an MCP server.
pub const MCP_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// One that comes as JSON over HTTP, in no stream: the bound of the crate that reads it, which takes no other.
pub const MCP_JSON_BYTES: usize = 16 * 1024 * 1024;
/// A line of its log that is looked at.
pub const MCP_LOG_LINE_BYTES: usize = 4 * 1024;
/// How long an MCP server may take to start: it may have to be downloaded first.
pub const MCP_START_MS: u64 = 60_000;
/// How long a run waits for one that is starting.
pub const MCP_READY_MS: u64 = 5_000;
/// The pause before it is started again: doubled each time, up to the second.
pub const MCP_RESTART_MS: u64 = 500;
pub const MCP_RESTART_MAX_MS: u64 = 60_000;
/// How often one looks whether it still answers, and how long the answer may take.
pub const MCP_LOOK_MS: u64 = 60_000;
pub const MCP_PING_MS: u64 = 5_000;
/// How long it may take to end at each of three requests that get less polite, and all of them together.
pub const MCP_END_MS: u64 = 500;
pub const MCP_CLOSE_MS: u64 = 2_500;
/// An expression to be calculated.
pub const EXPRESSION_BYTES: usize = 1_024;
/// Parentheses within parentheses.
pub const EXPRESSION_DEPTH: usize = 64;
/// Messages that one search brings.
pub const SEARCH_RESULTS: usize = 8;
/// Text of each.
pub const SEARCH_QUOTE_CHARS: usize = 300;

// ── AG-UI ────────────────────────────────────────────────────────────────────────────────────────

/// A request: its client repeats the whole history each time.
pub const AGUI_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Streams of one person at once.
pub const AGUI_STREAMS_PER_USER: usize = 16;
/// Events that wait for one reader, and for how long it may take none.
pub const AGUI_QUEUE: usize = 64;
pub const AGUI_STALLED_MS: u64 = 30_000;

// ── Teams ────────────────────────────────────────────────────────────────────────────────────────

/// What one member said in one turn, as the others read it.
pub const SAID_BYTES: usize = 8 * 1024;
/// What all of them said, as far as it is read again in each turn.
pub const RECORD_BYTES: usize = 48 * 1024;
/// What is left of an earlier turn where there is no room for all of it.
pub const FADED_CHARS: usize = 400;
/// A leader's reply that is to be a ledger; what is beyond is not read.
pub const LEDGER_BYTES: usize = 64 * 1024;
/// Where in such a reply an object may begin: so many places are tried.
pub const LEDGER_TRIES: usize = 32;
/// Facts of one kind, or points of a plan.
pub const LEDGER_ITEMS: usize = 16;
/// One of them, or a reason.
pub const LEDGER_ITEM_CHARS: usize = 400;
/// What a leader tells a member to do.
pub const INSTRUCTION_CHARS: usize = 2_000;
/// How often a leader is asked again where its ledger could not be read.
pub const LEDGER_REPAIRS: u32 = 2;

// ── The agents file ──────────────────────────────────────────────────────────────────────────────

pub const AGENTS_FILE_BYTES: usize = 256 * 1024;
/// Mistakes that one start tells of.
pub const AGENTS_FILE_PROBLEMS: usize = 10;
pub const AGENTS: usize = 16;
pub const AGENT_NAME_CHARS: usize = 40;
pub const AGENT_DESCRIPTION_CHARS: usize = 300;
/// A prompt, in the file or in one of its own.
pub const PROMPT_BYTES: usize = 32 * 1024;
/// Calls of the model in one answer of one agent.
pub const AGENT_TURNS_MAX: u32 = 64;
/// Turns of a team's members on one question.
pub const TEAM_TURNS_MAX: u32 = 64;
/// Stalls that a team may bear, and new plans that it may make.
pub const TEAM_STALLS_MAX: u32 = 16;
/// Entries of one list: an agent's tools, a server's arguments, its variables, its headers.
pub const AGENTS_FILE_ENTRIES: usize = 128;
/// Models with a price.
pub const PRICED_MODELS: usize = 256;
/// A price of a million tokens or a budget, in whole units of the currency.
pub const PRICE_MAX: u32 = 1_000_000;
pub const MCP_SERVERS: usize = 16;
/// How long one call of an MCP server's tool may take: where the file does not say, and at most.
pub const MCP_TIMEOUT_S: u32 = 60;
pub const MCP_TIMEOUT_MAX_S: u32 = 600;

// ── The client ───────────────────────────────────────────────────────────────────────────────────

/// Full-jitter exponential backoff: a random time below `min(cap, base × 2^attempt)`.
pub const BACKOFF_BASE_MS: u64 = 250;
pub const BACKOFF_CAP_MS: u64 = 15_000;
/// Failed attempts in a row after which the client polls.
pub const ATTEMPTS_BEFORE_POLLING: u32 = 3;
pub const POLL_INTERVAL_MS: u64 = 3_000;
/// How long a ping after waking up may go unanswered.
pub const WAKE_PING_MS: u64 = 3_000;
/// How often that time doubles when pings in a row go unanswered: up to 3 minutes.
pub const WAKE_PING_DOUBLINGS: u32 = 6;
/// How long an attempt to connect may take,
pub const CONNECT_TIMEOUT_MS: u64 = 10_000;
/// and the first ones, after which the client polls: enough for a handshake over a slow mobile network, and
/// where a proxy swallows sockets it is polling within 13 s.
pub const FIRST_CONNECT_TIMEOUT_MS: u64 = 4_000;
/// How often a browser that says that there is no network is asked whether that is true, at most; half as
/// often at least.
pub const OFFLINE_CHECK_MS: u64 = 15_000;
/// How long a request for a fresh token may stay unanswered.
pub const REFRESH_TIMEOUT_MS: u32 = 8_000;
/// How long any other request may.
pub const HTTP_TIMEOUT_MS: u32 = 30_000;
/// After something was found missing in a conversation, so long nothing is asked for again; each time that it
/// happens again soon doubles that, up to 32 s.
pub const BEHIND_MS: i64 = 1_000;
pub const BEHIND_DOUBLINGS: u32 = 5;
/// Frames that wait in the browser while one before them is inflated.
pub const INBOX_FRAMES: usize = 4_096;
/// After so much silence a client asks the server whether the connection lives. A browser does not show it the
/// server's own pings, and a half-open connection says nothing for ever.
pub const QUIET_MS: u64 = 45_000;
/// A token is refreshed this long before its end, and up to twice as long; a short-lived one after half to
/// three quarters of its time.
pub const RENEW_LEAD_MS: u64 = 5 * 60 * 1_000;
/// When to try again where that failed.
pub const RENEW_RETRY_MS: u64 = 30_000;
/// Lost connections that a page remembers.
pub const RECONNECTS_KEPT: usize = 5;
/// The longest that a timer of the page runs: one that slept with the machine is late by no more.
pub const TIMER_MS: i64 = 30_000;
/// A timer that is late by more than this slept: browsers let a hidden page's wait for a minute.
pub const SLEPT_MS: i64 = 90_000;
/// Messages that wait to be sent.
pub const OUTBOX_MESSAGES: usize = 200;
/// Conversations that the browser keeps for when there is no network, the last seen ones; of each the newest
/// messages, their text together, and the newest runs; and rows of the list.
pub const SEEN_CONVERSATIONS: usize = 30;
pub const SEEN_MESSAGES: usize = 100;
pub const SEEN_BYTES: usize = ANSWER_BYTES + 512 * 1024;
pub const SEEN_RUNS: usize = 20;
pub const SEEN_ROWS: usize = 200;
/// How long what is seen has to come to rest before it is kept.
pub const SEEN_REST_MS: u32 = 1_000;
/// Messages of one conversation that an open page keeps.
pub const MESSAGES_IN_MEMORY: usize = 2_000;
/// Runs of one conversation that the browser keeps.
pub const RUNS_IN_MEMORY: usize = 200;
/// Pages of events that are read for the runs of one page of older messages.
pub const OLDER_EVENT_PAGES: usize = 8;
/// How often a message is sent that the server refuses for a reason that may pass (its rate aside).
pub const SEND_ATTEMPTS: u32 = 5;
/// How long such a message waits where the server names no time.
pub const SEND_RETRY_MS: u64 = 2_000;
/// How long it waits at most, whatever the server names and the clock says.
pub const SEND_WAIT_MS: u64 = 60_000;
/// How long a message may stay unanswered before the connection is asked whether it lives.
pub const SEND_ANSWER_MS: u64 = 5_000;
/// Durations that a page keeps of each kind, to show their median.
pub const LATENCY_SAMPLES: usize = 128;
/// Round trips from which a page reads the server's clock.
pub const CLOCK_SAMPLES: usize = 8;
/// Messages that were sent and whose ack is waited for with a watch in hand.
pub const TIMED_MESSAGES: usize = 32;
/// How often a page reports what it measured.
pub const TIMINGS_INTERVAL_MS: u64 = 60_000;
/// Values of each kind in one report; of more, the first count.
pub const TIMINGS_PER_REPORT: usize = 32;
/// A longer time is no latency: the page slept, or a clock was set.
pub const TIMING_MS: u32 = 60_000;
/// How long a poll may stay unanswered.
pub const POLL_TIMEOUT_MS: u64 = 10_000;
/// Lines about what went wrong that are kept until they are dismissed.
pub const NOTICES: usize = 5;
