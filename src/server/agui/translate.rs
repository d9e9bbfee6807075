//! From a conversation's frames to the events of AG-UI. Pure: one run's frames in, its events out, in an order
//! that the protocol allows: what is begun is ended, and nothing comes after the end.

use serde_json::{Value, json};

use crate::protocol::{Code, DurableFrame, EphemeralFrame, Event, RunId, RunStatus, Seq, ServerFrame, server::Token};

/// One event, and the name by which a client goes on after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub id: Option<String>,
    pub event: Value,
}

pub struct Translator {
    thread_id: String,
    run_id: String,
    run: RunId,
    seq: Seq,
    step: Option<String>,
    /// The message that is being shown.
    message: Option<String>,
    /// Where what is shown begins in the answer: what lies before was shown to this client earlier.
    from: usize,
    /// The answer from there on, as it is shown.
    text: String,
    is_over: bool,
    out: Vec<Told>,
}

impl Translator {
    /// `from`: bytes of the answer that the client was shown already.
    pub fn new(thread_id: String, run_id: String, run: RunId, from: usize) -> Self {
        Self {
            thread_id,
            run_id,
            run,
            seq: Seq::ZERO,
            step: None,
            message: None,
            from,
            text: String::new(),
            is_over: false,
            out: Vec::new(),
        }
    }

    pub fn begin(&self) -> Told {
        let event = json!({ "type": "RUN_STARTED", "threadId": self.thread_id, "runId": self.run_id });
        Told { id: None, event }
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn frame(&mut self, frame: &ServerFrame) -> Vec<Told> {
        match frame {
            _ if self.is_over => {}
            ServerFrame::Durable(frame) => self.durable(frame),
            ServerFrame::Ephemeral(EphemeralFrame::Token(token)) if token.run_id == self.run => self.token(token),
            ServerFrame::Ephemeral(EphemeralFrame::Subscribed(subscribed)) => {
                if let Some(stream) = subscribed.streams.iter().find(|stream| stream.run_id == self.run) {
                    self.text(0, &stream.text);
                }
            }
            ServerFrame::Ephemeral(_) => {}
        }
        self.told()
    }

    /// What came of one frame. Only the last of its events has an id: who has not got that far gets all of them.
    fn told(&mut self) -> Vec<Told> {
        let mut told = std::mem::take(&mut self.out);
        if let Some(last) = told.last_mut() {
            last.id = Some(format!("{}:{}:{}", self.run, self.seq, self.end()));
        }
        told
    }

    /// The server ends the connection; the run goes on.
    pub fn cut(&mut self) -> Vec<Told> {
        if !self.is_over {
            self.close();
            let message = "The connection ended; the run goes on. Send the same request again to see it.";
            self.tell(json!({ "type": "RUN_ERROR", "message": message, "code": "unavailable" }));
            self.is_over = true;
        }
        self.told()
    }

    fn durable(&mut self, frame: &DurableFrame) {
        self.seq = frame.seq;
        let run = self.run;
        match &frame.event {
            Event::AgentRun(now) if now.run_id == run => self.status(now.status, now.message.as_deref()),
            Event::AgentStep(step) if step.run_id == run => match step.topic {
                None => self.step(&format!("{}: {}", step.agent, step.message)),
                Some(topic) => {
                    let content = json!({ "agent": step.agent, "topic": topic, "message": step.message, "detail": step.detail,
                                          "model": step.model, "usage": step.usage, "durationMs": step.duration_ms });
                    self.activity("magpie.step", frame.seq, content);
                }
            },
            Event::ToolCall(call) if call.run_id == run => {
                self.end_text();
                let id = call.call_id.to_string();
                self.tell(json!({ "type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": call.tool_name }));
                self.tell(json!({ "type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": call.arguments.to_string() }));
                self.tell(json!({ "type": "TOOL_CALL_END", "toolCallId": id }));
            }
            Event::ToolResult(result) if result.run_id == run => {
                let id = result.call_id.to_string();
                self.tell(json!({ "type": "TOOL_CALL_RESULT", "messageId": format!("{id}-result"), "toolCallId": id,
                                  "content": result.result_preview, "role": "tool" }));
            }
            Event::Progress(progress) if progress.run_id == run => {
                let content = json!({ "currentTurn": progress.current_turn, "maxTurns": progress.max_turns,
                                      "percentage": progress.percentage });
                let event = json!({ "type": "ACTIVITY_SNAPSHOT", "messageId": format!("{run}-progress"),
                                    "activityType": "magpie.progress", "content": content, "replace": true });
                self.tell(event);
            }
            Event::ChartGenerated(chart) if chart.run_id == run => {
                let content =
                    json!({ "title": chart.title, "url": chart.url, "symbol": chart.symbol, "table": chart.table });
                self.activity("magpie.chart", frame.seq, content);
            }
            Event::Approval(asked) if asked.run_id == run => {
                let content = json!({ "callId": asked.call_id, "toolName": asked.tool_name, "arguments": asked.arguments,
                                      "expiresAt": asked.expires_at });
                self.activity("magpie.approval", frame.seq, content);
            }
            Event::Message(message) if message.run_id == Some(run) => self.answer(&message.text),
            _ => {}
        }
    }

    fn status(&mut self, status: RunStatus, message: Option<&str>) {
        match status {
            RunStatus::Completed => {
                self.close();
                let event = json!({ "type": "RUN_FINISHED", "threadId": self.thread_id, "runId": self.run_id });
                self.tell(event);
                self.is_over = true;
            }
            status if status.is_over() => {
                self.close();
                let message = message.unwrap_or("The run ended before its answer.");
                let code = if status == RunStatus::Failed { Code::RunFailed.as_str() } else { status.as_str() };
                self.tell(json!({ "type": "RUN_ERROR", "message": message, "code": code }));
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn token(&mut self, token: &Token) {
        self.text(usize::try_from(token.offset).unwrap_or(usize::MAX), &token.delta);
    }

    /// Where what is shown ends in the answer.
    fn end(&self) -> usize {
        self.from + self.text.len()
    }

    /// Text from this byte on. What stands there already is shown once; what is taken back begins anew.
    fn text(&mut self, offset: usize, delta: &str) {
        if offset > self.end() {
            // Something was missed: the answer itself brings it.
            return;
        }
        // What this client was shown before we came is taken to be what stands there.
        let known = self.from.saturating_sub(offset).min(delta.len());
        let Some(delta) = delta.get(known..) else { return };
        let at = offset.max(self.from) - self.from;
        let there = self.text.get(at..).unwrap_or_default();
        if let Some(rest) = delta.strip_prefix(there) {
            self.append(rest);
        } else if delta.is_empty() || !there.starts_with(delta) {
            self.retract(at);
            self.append(delta);
        }
    }

    /// AG-UI knows no taking back: the text goes on in another message, and this says of which one less counts.
    fn retract(&mut self, at: usize) {
        let content = json!({ "messageId": self.message, "answerBytes": self.from + at });
        self.end_text();
        self.activity("magpie.retracted", self.seq, content);
        self.text.truncate(self.text.floor_char_boundary(at));
    }

    fn append(&mut self, delta: &str) {
        if delta.is_empty() {
            return;
        }
        let id = match &self.message {
            Some(id) => id.clone(),
            None => {
                let id = format!("{}-text-{}-{}", self.run, self.seq, self.end());
                self.tell(json!({ "type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant" }));
                self.message.insert(id).clone()
            }
        };
        self.text.push_str(delta);
        self.tell(json!({ "type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": delta }));
    }

    /// The whole answer, as it is in the log: what of it was not shown is shown now.
    fn answer(&mut self, text: &str) {
        self.text(0, text);
        if self.end() > text.len() && self.from <= text.len() {
            self.retract(text.len() - self.from);
        }
        self.end_text();
    }

    fn step(&mut self, name: &str) {
        self.end_step();
        self.tell(json!({ "type": "STEP_STARTED", "stepName": name }));
        self.step = Some(name.to_owned());
    }

    fn activity(&mut self, kind: &str, seq: Seq, content: Value) {
        let id = format!("{}-{kind}-{seq}", self.run);
        self.tell(json!({ "type": "ACTIVITY_SNAPSHOT", "messageId": id, "activityType": kind, "content": content }));
    }

    fn close(&mut self) {
        self.end_text();
        self.end_step();
    }

    fn end_text(&mut self) {
        if let Some(id) = self.message.take() {
            self.tell(json!({ "type": "TEXT_MESSAGE_END", "messageId": id }));
        }
    }

    fn end_step(&mut self) {
        if let Some(name) = self.step.take() {
            self.tell(json!({ "type": "STEP_FINISHED", "stepName": name }));
        }
    }

    fn tell(&mut self, event: Value) {
        self.out.push(Told { id: None, event });
    }
}

#[cfg(test)]
mod tests;
