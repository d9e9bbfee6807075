//! The ledgers that a leader writes: their types, from which the schema is made that it is asked for, and a
//! reader that forgives what can be forgiven. An error says what to write instead: the leader reads it.

use std::sync::Arc;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::json::{field, lines, objects, text, unwrapped, yes};
use crate::{
    protocol::limits,
    server::agents::{
        team::{Agent, Team},
        tools::shortened,
    },
};

/// What a member is told where the leader found no words for it.
pub const GO_ON: &str = "Go on with the plan: do the part that is yours, and say what you found.";

/// Who answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    Direct(Arc<Agent>),
    Team(TaskLedger),
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "the schema is made of it; replies are read more generously")]
enum RouteName {
    Direct,
    Team,
}

/// The reply to the first question.
#[derive(Serialize, JsonSchema)]
struct Triage {
    /// `direct`: one agent answers by itself. `team`: several have to work on it.
    route: RouteName,
    /// With `direct`, who; with `team`, the leader's own handle.
    agent: String,
    /// With `team`; all lists are empty with `direct`.
    facts: Facts,
    /// With `team`: what is to be done, in order, each point with the agent that does it.
    plan: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Facts {
    /// What the conversation says or the team verified.
    pub given: Vec<String>,
    /// What has to be looked up, and where.
    pub look_up: Vec<String>,
    /// What has to be derived, by reasoning or calculation.
    pub derive: Vec<String>,
    /// What is guessed.
    pub guesses: Vec<String>,
}

/// What is known and what is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaskLedger {
    pub facts: Facts,
    /// What is to be done, in order, each point with the agent that does it.
    pub plan: Vec<String>,
}

/// An answer, thought about before it is given: the reason stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judged<T> {
    pub reason: String,
    pub answer: T,
}

/// Where the task stands and who goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProgressLedger {
    /// Whether all that was asked for is there.
    pub is_request_satisfied: Judged<bool>,
    /// Whether the team says or tries the same again and again.
    pub is_in_loop: Judged<bool>,
    /// Whether the last turns brought something new.
    pub is_progress_being_made: Judged<bool>,
    /// Who takes the next turn.
    pub next_speaker: Judged<String>,
    /// What that agent is to do or to answer, with all that it needs to know.
    pub instruction_or_question: Judged<String>,
}

/// A progress ledger that can be acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub ledger: ProgressLedger,
    pub speaker: Arc<Agent>,
    pub instruction: String,
}

pub fn triage_schema(team: &Team) -> Value {
    let mut schema = schema_of::<Triage>();
    let handles = team.agents().map(|agent| agent.handle.as_str());
    schema["properties"]["agent"]["enum"] = handles.collect();
    schema
}

pub fn task_schema() -> Value {
    schema_of::<TaskLedger>()
}

pub fn progress_schema(team: &Team) -> Value {
    let mut schema = schema_of::<ProgressLedger>();
    let handles = team.agents().map(|agent| agent.handle.as_str());
    schema["properties"]["next_speaker"]["properties"]["answer"]["enum"] = handles.collect();
    schema
}

/// As the strictest provider wants it: nothing optional, nothing beside what is named, no references.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::default().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    fields.remove("title");
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(close);
        let names: Value = properties.keys().cloned().collect();
        fields.insert("required".into(), names);
        fields.insert("additionalProperties".into(), json!(false));
    }
    if let Some(items) = fields.get_mut("items") {
        close(items);
    }
}

type Object = Map<String, Value>;

/// The first object of the reply that can be read; else why the first could not be.
fn read<T>(reply: &str, names: &[&str], read: impl Fn(&Object) -> Result<T, String>) -> Result<T, String> {
    let mut why = None;
    for object in objects(reply) {
        let found = unwrapped(object, names).ok_or_else(|| format!("it has none of the fields {}", names.join(", ")));
        match found.and_then(|object| read(&object)) {
            Ok(value) => return Ok(value),
            Err(error) => why = why.or(Some(error)),
        }
    }
    Err(why.unwrap_or_else(|| "there is no whole JSON object in it".to_owned()))
}

pub fn triage(reply: &str, team: &Team) -> Result<Route, String> {
    read(reply, &["route", "agent", "plan", "facts"], |object| {
        let agent = field(object, "agent").and_then(|agent| find(team, &text(agent)));
        let route = field(object, "route").map(text).unwrap_or_default().to_lowercase();
        let ledger = task_of(object);
        match route.as_str() {
            "direct" => Ok(Route::Direct(agent.unwrap_or_else(|| team.leader().clone()))),
            "team" => Ok(Route::Team(ledger)),
            _ if !ledger.plan.is_empty() => Ok(Route::Team(ledger)),
            _ => agent.map(Route::Direct).ok_or_else(|| "`route` is `direct` or `team`".to_owned()),
        }
    })
}

pub fn task(reply: &str) -> Result<TaskLedger, String> {
    read(reply, &["facts", "plan"], |object| {
        let ledger = task_of(object);
        if ledger.plan.is_empty() { Err("`plan` is a list of what is to be done".to_owned()) } else { Ok(ledger) }
    })
}

fn task_of(object: &Object) -> TaskLedger {
    let list = |value: Option<&Value>| {
        let found = value.map(lines).unwrap_or_default();
        found.iter().take(limits::LEDGER_ITEMS).map(|item| shortened(item, limits::LEDGER_ITEM_CHARS)).collect()
    };
    let facts = match field(object, "facts") {
        Some(Value::Object(facts)) => Facts {
            given: list(field(facts, "given")),
            look_up: list(field(facts, "look_up")),
            derive: list(field(facts, "derive")),
            guesses: list(field(facts, "guesses")),
        },
        // Not told apart: then they are what is given.
        other => Facts { given: list(other), ..Facts::default() },
    };
    TaskLedger { facts, plan: list(field(object, "plan")) }
}

pub fn progress(reply: &str, team: &Team) -> Result<Progress, String> {
    read(reply, &["is_request_satisfied", "next_speaker"], |object| {
        let satisfied = judged_bool(object, "is_request_satisfied", false)?;
        let named = judged(object, "next_speaker");
        // Who speaks next matters only where somebody does.
        let speaker = match find(team, &named.answer) {
            Some(agent) => agent,
            None if satisfied.answer => team.leader().clone(),
            None => return Err(unknown_speaker(team, &named.answer)),
        };
        let told = judged(object, "instruction_or_question");
        let instruction = match told.answer.trim() {
            "" => GO_ON.to_owned(),
            text => cut(text, limits::INSTRUCTION_CHARS),
        };
        let ledger = ProgressLedger {
            is_request_satisfied: satisfied,
            is_in_loop: judged_bool(object, "is_in_loop", false)?,
            is_progress_being_made: judged_bool(object, "is_progress_being_made", true)?,
            next_speaker: Judged { reason: named.reason, answer: speaker.handle.clone() },
            instruction_or_question: Judged { reason: told.reason, answer: instruction.clone() },
        };
        Ok(Progress { ledger, speaker, instruction })
    })
}

/// A field's reason and answer; a bare answer counts, too.
fn judged(object: &Object, name: &str) -> Judged<String> {
    let (reason, answer) = parts(object, name);
    Judged { reason, answer: answer.map(text).unwrap_or_default() }
}

/// What is not there at all is as usual; what is there and says neither yes nor no cannot be guessed.
fn judged_bool(object: &Object, name: &str, usual: bool) -> Result<Judged<bool>, String> {
    let (reason, answer) = parts(object, name);
    let answer = match answer {
        None | Some(Value::Null) => usual,
        Some(answer) => yes(answer).ok_or_else(|| format!("`{name}.answer` is true or false"))?,
    };
    Ok(Judged { reason, answer })
}

fn parts<'a>(object: &'a Object, name: &str) -> (String, Option<&'a Value>) {
    match field(object, name) {
        Some(Value::Object(inner)) => {
            let reason = field(inner, "reason").map(text).unwrap_or_default();
            (shortened(&reason, limits::LEDGER_ITEM_CHARS), field(inner, "answer"))
        }
        bare => (String::new(), bare),
    }
}

/// An agent as a model names it: by handle or name, in any case, with `@`, or with words around.
fn find(team: &Team, named: &str) -> Option<Arc<Agent>> {
    let named = named.trim().trim_start_matches('@');
    let exact = team.by_handle(named).or_else(|| team.by_name(named));
    exact.or_else(|| team.only_one_in(named)).cloned()
}

fn unknown_speaker(team: &Team, named: &str) -> String {
    let handles: Vec<_> = team.agents().map(|agent| agent.handle.as_str()).collect();
    let named = shortened(named, 40);
    format!("`next_speaker.answer` is one of {}; it is {named:?}", handles.join(", "))
}

/// As many characters of a text as that, its lines kept.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests;
