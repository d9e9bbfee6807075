//! Tool calls: one after the other, some of them only when somebody allows it.

use serde_json::Value;

use super::{DrawnChart, Effect, Phase, PlannedCall, RunMachine, ToolOutcome, UnderEpoch, tell::preview};
use crate::{
    protocol::{
        Author, CallId, Event, RunStatus, Timestamp, UserRef,
        agent::{Approval, ApprovalResolved, ChartGenerated, ToolCall, ToolResult},
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        limits,
    },
    server::agents::{llm::ChatMessage, run::chart_url},
};

impl RunMachine {
    /// The call that waits to be allowed, and until when.
    pub fn awaits(&self) -> Option<(CallId, Timestamp)> {
        let current = self.current.as_ref().filter(|_| self.phase == Phase::Approval)?;
        Some((current.call_id, self.expires_at?))
    }

    /// Who decided about this call already, in words.
    pub fn decided_by(&self, call: CallId) -> Option<&str> {
        self.decided.get(&call).map(String::as_str)
    }

    pub(super) fn next_call(&mut self, at: Timestamp) -> Vec<Effect> {
        let Some(planned) = self.calls.pop_front() else { return self.ask_model() };
        self.current = Some(planned.clone());
        if !planned.asks_first {
            let mut effects = vec![self.step(&planned.activity)];
            effects.extend(self.make(planned));
            return effects;
        }
        self.phase = Phase::Approval;
        let expires_at = Timestamp(at.as_ms() + limits::APPROVAL_MS);
        self.expires_at = Some(expires_at);
        let approval = Approval {
            run_id: self.spec.run_id,
            call_id: planned.call_id,
            agent: self.talk.agent.name.clone(),
            tool_name: planned.call.tool_name,
            arguments: planned.call.arguments,
            expires_at,
        };
        vec![
            self.step(&format!("Asking before: {}", planned.activity)),
            Effect::Append(Event::Approval(approval)),
            self.status(RunStatus::Waiting, Some("Waiting for somebody to allow a tool call.".into())),
            Effect::AtWork(None),
        ]
    }

    fn make(&mut self, planned: PlannedCall) -> Vec<Effect> {
        self.phase = Phase::Tool;
        let call = ToolCall {
            run_id: self.spec.run_id,
            call_id: planned.call_id,
            agent: self.talk.agent.name.clone(),
            tool_name: planned.call.tool_name.clone(),
            arguments: planned.call.arguments.clone(),
            class: planned.class,
        };
        vec![Effect::Append(Event::ToolCall(call)), Effect::CallTool(planned)]
    }

    /// The first decision about the call that waits counts.
    pub(super) fn decided(
        &mut self,
        call_id: CallId,
        approved: bool,
        by: Option<UserRef>,
        arguments: Option<Value>,
        at: Timestamp,
    ) -> Vec<Effect> {
        let Some(mut planned) = self.current.take_if(|current| current.call_id == call_id) else { return Vec::new() };
        self.expires_at = None;
        let word = if approved { "allowed" } else { "denied" };
        let who = by.as_ref().map(|user| user.name.clone());
        let told = who.map_or_else(|| "The time to allow it ran out.".into(), |who| format!("{who} {word} this call."));
        self.decided.insert(call_id, told.clone());
        let resolved =
            ApprovalResolved { run_id: self.spec.run_id, call_id, approved, by, arguments: arguments.clone() };
        let mut effects = vec![Effect::Append(Event::ApprovalResolved(resolved)), self.processing(), self.at_work()];
        if approved {
            if let Some(arguments) = arguments {
                self.instead(&planned.call.id, &arguments);
                planned.call.arguments = arguments;
            }
            self.current = Some(planned.clone());
            effects.extend(self.make(planned));
        } else {
            self.talk.messages.push(ChatMessage::Tool {
                call_id: planned.call.id,
                tool_name: planned.call.tool_name,
                success: false,
                text: format!("{told} Do without it, and do not try again."),
            });
            effects.extend(self.next_call(at));
        }
        effects
    }

    /// The model is shown what was called, not what it wanted to call.
    fn instead(&mut self, call_id: &str, arguments: &Value) {
        let calls = self.talk.messages.iter_mut().rev().find_map(|message| match message {
            ChatMessage::Assistant { calls, .. } => Some(calls),
            _ => None,
        });
        if let Some(call) = calls.and_then(|calls| calls.iter_mut().find(|call| call.id == call_id)) {
            call.arguments.clone_from(arguments);
        }
    }

    pub(super) fn tool_returned(&mut self, call_id: CallId, outcome: ToolOutcome, at: Timestamp) -> Vec<Effect> {
        let Some(planned) = self.current.take_if(|current| current.call_id == call_id) else { return Vec::new() };
        let run_id = self.spec.run_id;
        let mut effects = vec![
            Effect::Append(Event::ToolResult(ToolResult {
                run_id,
                call_id,
                agent: self.talk.agent.name.clone(),
                tool_name: planned.call.tool_name.clone(),
                success: outcome.success,
                result_preview: preview(&outcome.text),
                duration_ms: outcome.duration_ms,
            })),
            self.spend_on_a_tool(outcome.duration_ms),
        ];
        if let Some(DrawnChart { id, title, symbol, table }) = outcome.chart {
            let (url, table) = (chart_url(id), Some(table));
            let chart = ChartGenerated { run_id, chart_id: id, url, title, symbol, table };
            effects.push(Effect::Append(Event::ChartGenerated(chart)));
        }
        if let (Some(dialog), Some(hand_over)) = (&self.spec.dialog, outcome.hand_over) {
            let handed_over = self.handed_over(dialog, &hand_over.reason);
            if self.text.trim().is_empty() {
                self.text = hand_over.farewell;
            }
            effects.extend(self.complete());
            effects.push(handed_over);
            return effects;
        }
        self.talk.messages.push(ChatMessage::Tool {
            call_id: planned.call.id,
            tool_name: planned.call.tool_name,
            success: outcome.success,
            text: outcome.text,
        });
        effects.extend(self.next_call(at));
        effects
    }

    /// After the run's own end: what it says comes before the change of hands that ends its right to speak.
    fn handed_over(&self, dialog: &UnderEpoch, reason: &str) -> Effect {
        let Author { id, name, .. } = self.talk.agent.author();
        let owner = Owner::Queue { team: dialog.team.clone() };
        let state = ControlState { owner, status: DialogStatus::Open, epoch: dialog.epoch + 1 };
        let (by, reason) = (UserRef { id, name }, Some(reason.to_owned()));
        Effect::Append(Event::Control(ControlChanged { state, by, reason }))
    }
}
