//! A conversation in a real database, with what its readers would see.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use magpie::{
    fresh_id,
    protocol::{
        AgentRun, ClientId, ConversationId, Event, Message, MessageId, RunId, Sender, UserId, Visibility, http::Kind,
        http::User,
    },
    server::{
        agents::{
            Agents,
            llm::LlmClient,
            team::{Agent, Team},
            tools::{Tool, Tools},
        },
        bus::{Bus, BusMessage},
        clock,
        storage::{Append, LoggedFrame, NewConversation, NewUser, Storage, Write, sqlite::SqliteStorage},
    },
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

/// Keeps what is published.
#[derive(Default)]
pub struct RecordingBus {
    frames: Mutex<Vec<Value>>,
    changed: watch::Sender<usize>,
}

#[async_trait]
impl Bus for RecordingBus {
    async fn publish(&self, message: BusMessage) {
        let BusMessage::Conversation { frame, .. } = message else { return };
        self.frames.lock().unwrap().push(serde_json::from_str(&frame.payload).unwrap());
        self.changed.send_modify(|count| *count += 1);
    }

    async fn health(&self) -> Result<&'static str, String> {
        Ok("in_process")
    }
}

pub struct Room {
    pub agents: Agents,
    pub storage: Arc<dyn Storage>,
    pub bus: Arc<RecordingBus>,
    pub id: ConversationId,
    pub anna: User,
    tools: Tools,
    team: Team,
    log: watch::Receiver<Vec<Arc<LoggedFrame>>>,
    _folder: tempfile::TempDir,
}

impl Room {
    pub async fn with(llm: Arc<dyn LlmClient>) -> Self {
        Self::with_tools(llm, Tools::built_in(), &[], &[]).await
    }

    /// `more` is offered beside the built-in tools.
    pub async fn with_tool(llm: Arc<dyn LlmClient>, more: Arc<dyn Tool>) -> Self {
        Self::with_tools(llm, Tools::of([more.clone()]), &[more.name()], &[]).await
    }

    /// The agent asks before it calls one of these.
    pub async fn asking_before(llm: Arc<dyn LlmClient>, names: &[&str]) -> Self {
        Self::with_tools(llm, Tools::built_in(), &[], names).await
    }

    async fn with_tools(llm: Arc<dyn LlmClient>, tools: Tools, names: &[&str], ask_before: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (commits, mut committed) = mpsc::channel::<Arc<LoggedFrame>>(1_024);
        let storage: Arc<dyn Storage> =
            Arc::new(SqliteStorage::open(&folder.path().join("magpie.db"), Arc::new(commits)).await.unwrap());
        let (shown, log) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Some(frame) = committed.recv().await {
                shown.send_modify(|frames| frames.push(frame));
            }
        });
        let anna = storage
            .create_user(NewUser {
                id: fresh_id!(UserId),
                username: "anna".into(),
                display_name: "Anna".into(),
                password_hash: "-".into(),
                at: clock::now(),
            })
            .await
            .unwrap();
        let id = fresh_id!(ConversationId);
        storage.create_conversation(of_one(id, &anna)).await.unwrap();
        let bus = Arc::new(RecordingBus::default());
        let assistant = Team::built_in().answering("");
        let all = assistant.tools.iter().cloned().chain(names.iter().map(|name| (*name).to_owned()));
        let ask_before = ask_before.iter().map(|name| (*name).to_owned()).collect();
        let team = Team::of(Agent { tools: all.collect(), ask_before, ..(*assistant).clone() }, []);
        let agents = Agents::with(storage.clone(), bus.clone(), llm, tools.clone(), team.clone());
        Self { agents, storage, bus, id, anna, tools, team, log, _folder: folder }
    }

    /// The server's next life on the same database: what the last one left goes on.
    pub async fn next_life(&mut self, llm: Arc<dyn LlmClient>) {
        let (tools, team) = (self.tools.clone(), self.team.clone());
        self.agents = Agents::with(self.storage.clone(), self.bus.clone(), llm, tools, team);
        self.agents.recover().await.unwrap();
    }

    pub async fn write(&self, event: Write) {
        let append = Append { conversation_id: self.id, at: clock::now(), write: event };
        self.storage.append(append).await.unwrap();
    }

    fn message(&self, text: &str) -> Message {
        let id = fresh_id!(MessageId);
        Message {
            id,
            sender: Sender::User,
            author: self.anna.as_ref().into(),
            text: text.into(),
            format: Default::default(),
            client_id: Some(ClientId::from(id)),
            reply_to: None,
            run_id: None,
            visibility: Visibility::Public,
            partial: false,
        }
    }

    /// Commits a message of Anna's; the agents are not told.
    pub async fn say(&self, text: &str) -> Message {
        let message = self.message(text);
        self.write(Write::Post(message.clone())).await;
        message
    }

    /// As Anna, in a conversation that is made for it.
    pub async fn ask_elsewhere(&self, text: &str) -> ConversationId {
        let (id, message) = (fresh_id!(ConversationId), self.message(text));
        self.storage.create_conversation(of_one(id, &self.anna)).await.unwrap();
        let append = Append { conversation_id: id, at: clock::now(), write: Write::Post(message.clone()) };
        self.storage.append(append).await.unwrap();
        self.agents.posted(id, &message, 1).await;
        id
    }

    /// As Anna alone with the agents.
    pub async fn ask(&self, text: &str) {
        let message = self.say(text).await;
        self.agents.posted(self.id, &message, 1).await;
    }

    /// Every event so far, in the order in which readers see them.
    pub fn log(&self) -> Vec<Event> {
        self.log.borrow().iter().map(|frame| frame.event.clone()).collect()
    }

    /// Waits until the log has come to this.
    pub async fn until(&self, reached: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let mut log = self.log.clone();
        let events =
            |frames: &Vec<Arc<LoggedFrame>>| frames.iter().map(|frame| frame.event.clone()).collect::<Vec<_>>();
        let seen = log.wait_for(|frames| reached(&events(frames))).await.unwrap();
        events(&seen)
    }

    /// Waits until this many runs are over.
    pub async fn until_over(&self, runs: usize) -> Vec<Event> {
        self.until(|events| ends(events).len() >= runs).await
    }

    /// Waits for a frame of the moment.
    pub async fn until_published(&self, wanted: impl Fn(&Value) -> bool) {
        let mut changed = self.bus.changed.subscribe();
        changed.wait_for(|_| self.published("").iter().any(&wanted)).await.unwrap();
    }

    /// The frames of the moment of this type, or all.
    pub fn published(&self, kind: &str) -> Vec<Value> {
        let frames = self.bus.frames.lock().unwrap();
        frames.iter().filter(|frame| kind.is_empty() || frame["type"] == kind).cloned().collect()
    }
}

/// With the agents, and nobody else.
fn of_one(id: ConversationId, anna: &User) -> NewConversation {
    NewConversation {
        id,
        title: "Test".into(),
        kind: Kind::Room,
        agents: true,
        creator: anna.id,
        members: vec![anna.id],
        at: clock::now(),
    }
}

pub fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Member(_) => None,
        Event::AgentRun(run) => Some(run.status.as_str().to_owned()),
        Event::Message(message) if message.sender != Sender::Agent => Some("question".to_owned()),
        Event::Message(message) if message.partial => Some("partial".to_owned()),
        event => Some(event.kind().to_owned()),
    };
    events.iter().filter_map(word).collect()
}

pub fn ends(events: &[Event]) -> Vec<AgentRun> {
    let end = |event: &Event| match event {
        Event::AgentRun(run) if run.status.is_over() => Some(run.clone()),
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

/// What agents said, whole or not.
pub fn answers(events: &[Event]) -> Vec<Message> {
    let answer = |event: &Event| match event {
        Event::Message(message) if message.sender == Sender::Agent => Some(message.clone()),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

/// The runs in the order in which they were asked for.
pub fn runs(events: &[Event]) -> Vec<RunId> {
    let mut runs = Vec::new();
    for event in events {
        if let Event::AgentRun(run) = event
            && !runs.contains(&run.run_id)
        {
            runs.push(run.run_id);
        }
    }
    runs
}
