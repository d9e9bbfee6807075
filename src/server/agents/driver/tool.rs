//! One call of one tool: bounded in time and in what it says, a panic is an error, its picture stored.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Driver, source::Source};
use crate::{
    fresh_id,
    protocol::{ChartId, ConversationId, limits},
    server::{
        agents::{
            run::{DrawnChart, PlannedCall, RunEvent, ToolOutcome, chart_url},
            tools::{ToolContext, ToolOutput, Tools},
        },
        clock,
        storage::Storage,
    },
};

impl Driver {
    pub(super) fn call_tool(&mut self, planned: PlannedCall) {
        let shared = self.shared.clone();
        let context = ToolContext {
            storage: shared.storage.clone(),
            conversation_id: self.conversation,
            run_id: self.spec.run_id,
            question: self.spec.question.id,
            now: clock::now(),
            cancel: self.run.cancel.child_token(),
        };
        let allowed = shared.tools.allows(&self.machine.tools(), &planned.call.tool_name);
        // A tool that was not there when it was named may ask first by now.
        let asks = !planned.asks_first && shared.tools.asks_first(self.machine.ask_before(), &planned.call.tool_name);
        let call = async move {
            let started = Instant::now();
            let (call_id, name) = (planned.call_id, planned.call.tool_name.clone());
            let returned = match allowed {
                _ if asks => Err(format!("{name} asks before it is called. Call it again.")),
                true => call(&shared.tools, &context, planned).await,
                false => Err(format!("There is no tool named {name}.")),
            };
            let most = shared.tools.get(&name).map_or(limits::TOOL_OUTPUT_BYTES, |tool| tool.output_bytes());
            let mut outcome = keep_chart(&*shared.storage, context.conversation_id, returned, most).await;
            outcome.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            RunEvent::ToolReturned { call_id, outcome }
        };
        self.source = Source::Tool { call: call.boxed(), since: Instant::now(), until: self.until() };
    }
}

async fn call(tools: &Tools, context: &ToolContext, planned: PlannedCall) -> Result<ToolOutput, String> {
    let name = planned.call.tool_name;
    let Some(tool) = tools.get(&name) else { return Err(format!("There is no tool named {name}.")) };
    let deadline: Duration = tool.timeout();
    let call = AssertUnwindSafe(tool.call(context, planned.call.arguments)).catch_unwind();
    match tokio::time::timeout(deadline, call).await {
        Ok(Ok(Ok(output))) => Ok(output),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_panic)) => {
            tracing::error!(tool = name, "a tool panicked");
            Err(format!("{name} failed inside."))
        }
        Err(_elapsed) => Err(format!("{name} took longer than {} s and was stopped.", deadline.as_secs())),
    }
}

/// What the machine is told of a call: its text bounded, its chart stored.
async fn keep_chart(
    storage: &dyn Storage,
    conversation: ConversationId,
    returned: Result<ToolOutput, String>,
    most: usize,
) -> ToolOutcome {
    let failed = |text| ToolOutcome { success: false, ..ToolOutcome::of(text) };
    let ToolOutput { text, chart, hand_over } = match returned {
        Ok(output) => output,
        Err(error) => return failed(bounded(error, most)),
    };
    let Some(chart) = chart else {
        return ToolOutcome { hand_over, ..ToolOutcome::of(bounded(text, most)) };
    };
    let id = fresh_id!(ChartId);
    if let Err(error) = storage.put_chart(conversation, id, &chart.svg).await {
        tracing::error!(%error, "a chart could not be kept");
        return failed("The chart was drawn but could not be stored.".into());
    }
    let drawn = DrawnChart { id, title: chart.title, symbol: chart.symbol, table: chart.table };
    let text = format!("{}\nPicture: {}", bounded(text, most), chart_url(id));
    ToolOutcome { chart: Some(drawn), hand_over, ..ToolOutcome::of(text) }
}

fn bounded(mut text: String, most: usize) -> String {
    const CUT: &str = "\n(cut here: too long)";
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(CUT.len())));
        text.push_str(CUT);
    }
    text
}
