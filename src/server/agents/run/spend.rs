//! What a run uses up, and what it may.

use super::{Effect, ModelTimes, RunMachine, Stop};
use crate::{
    protocol::{
        Event,
        agent::{AgentStep, Currency, StepTopic, Usage},
    },
    server::{agents::team::Budget, storage::Spent},
};

impl RunMachine {
    /// Counts the model's call that is over, and says what it took, where there was a model.
    pub(super) fn account(&mut self, times: &ModelTimes) -> Vec<Effect> {
        let used = self.used_in_this_call();
        let mut effects = vec![self.count(used, times.duration_ms)];
        if let Some(model) = &times.model {
            let step = AgentStep {
                topic: Some(StepTopic::Model),
                model: Some(model.clone()),
                usage: (used != Usage::default()).then(|| Box::new(used)),
                first_token_ms: times.first_token_ms,
                duration_ms: Some(times.duration_ms),
                ..self.bare_step(told(model, used, times.duration_ms))
            };
            effects.push(Effect::Append(Event::AgentStep(step)));
        }
        effects
    }

    /// Counts a call that was cut off: who does not say how much it was is taken to have written four bytes a token.
    pub(super) fn account_for_a_cut(&mut self, ms: u64) -> Vec<Effect> {
        if self.used_this_call == Usage::default() && self.model.is_some() {
            let written = self.text.len().saturating_sub(self.call_start) + self.talk.said.len();
            self.used_this_call.output_tokens = written as u64 / BYTES_PER_TOKEN;
        }
        let used = self.used_in_this_call();
        vec![self.count(used, ms)]
    }

    fn used_in_this_call(&mut self) -> Usage {
        self.is_asking = false;
        let mut used = std::mem::take(&mut self.used_this_call);
        let prices = &self.team.prices;
        used.cost_micros = self.thinks_with().and_then(|model| prices.cost_micros(model, used));
        used.currency = used.cost_micros.map(|_| prices.currency);
        used
    }

    fn count(&mut self, used: Usage, ms: u64) -> Effect {
        let spent = Spent {
            turns: 1,
            tokens: used.input_tokens.saturating_add(used.output_tokens),
            cost_micros: used.cost_micros.unwrap_or_default(),
            ms,
        };
        self.spent = self.spent.plus(spent);
        self.used = sum(self.used, used);
        Effect::Spend(spent)
    }

    /// The model of the agent at work.
    fn thinks_with(&self) -> Option<&str> {
        self.model.as_ref()?;
        self.talk.agent.model.as_deref().or(self.model.as_deref())
    }

    /// As it is before a call of the model.
    pub(super) fn of_today(&mut self, today: Spent) -> Vec<Effect> {
        (self.today, self.spent_by_then) = (today, self.spent);
        match self.over_budget() {
            Some(why) => {
                // It is not asked at all.
                self.is_asking = false;
                self.end(Stop::Failed(why))
            }
            None => Vec::new(),
        }
    }

    /// Of the asker, today.
    fn spent_today(&self) -> Spent {
        let since = |now: u64, then: u64| now.saturating_sub(then);
        let (now, then) = (self.spent, self.spent_by_then);
        self.today.plus(Spent {
            turns: since(now.turns, then.turns),
            tokens: since(now.tokens, then.tokens),
            cost_micros: since(now.cost_micros, then.cost_micros),
            ms: since(now.ms, then.ms),
        })
    }

    pub(super) fn spend_on_a_tool(&mut self, ms: u64) -> Effect {
        let spent = Spent { ms, ..Spent::default() };
        self.spent = self.spent.plus(spent);
        Effect::Spend(spent)
    }

    /// How long the run may still work; `None`: as long as it likes.
    pub fn ms_left(&self) -> Option<u64> {
        let left = |budget: &Budget, spent: u64| budget.seconds.map(|most| (most * 1_000).saturating_sub(spent));
        let of_run = left(&self.team.budgets.run, self.spent.ms);
        let of_day = left(&self.team.budgets.user_day, self.spent_today().ms);
        of_run.into_iter().chain(of_day).min()
    }

    /// Why it has to stop when [`Self::ms_left`] is over.
    pub fn out_of_time(&self) -> String {
        let most = self.team.budgets.run.seconds.or(self.team.budgets.user_day.seconds).unwrap_or_default();
        format!("The time for this run is over: {most} seconds. A narrower question needs less.")
    }

    /// Why it must not go on.
    pub fn over_budget(&self) -> Option<String> {
        let currency = self.team.prices.currency;
        let run = exceeded(&self.team.budgets.run, self.spent, currency);
        let run = run.map(|what| format!("This run used up its budget of {what}. A narrower question needs less."));
        let name = &self.spec.asked_by.name;
        let of_today = || {
            exceeded(&self.team.budgets.user_day, self.spent_today(), currency)
                .map(|what| format!("{name}'s budget of {what} for today is used up. It begins anew at midnight, UTC."))
        };
        run.or_else(of_today).or_else(|| self.unpriced())
    }

    /// A budget of money says nothing where nobody knows the price.
    fn unpriced(&self) -> Option<String> {
        let budgets = &self.team.budgets;
        budgets.run.cost_micros.or(budgets.user_day.cost_micros)?;
        let model = self.thinks_with().filter(|model| !self.team.prices.by_model.contains_key(*model))?;
        Some(format!("There is a budget of money, and {model} has no price in the agents file: the operator adds one."))
    }
}

/// Where a provider does not say how many tokens there were: about what English takes.
const BYTES_PER_TOKEN: u64 = 4;

/// Which budget, in words.
fn exceeded(budget: &Budget, spent: Spent, currency: Currency) -> Option<String> {
    let reached = |most: Option<u64>, spent: u64| most.filter(|most| spent >= *most);
    None.or_else(|| reached(budget.turns.map(u64::from), spent.turns).map(|most| format!("{most} turns")))
        .or_else(|| reached(budget.tokens, spent.tokens).map(|most| format!("{most} tokens")))
        .or_else(|| reached(budget.seconds, spent.ms / 1_000).map(|most| format!("{most} seconds")))
        .or_else(|| {
            let money = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
            let most = reached(budget.cost_micros, spent.cost_micros);
            most.map(|most| format!("{} {}", short(money(most)), currency.as_str()))
        })
}

fn sum(a: Usage, b: Usage) -> Usage {
    let cost = a.cost_micros.unwrap_or_default().saturating_add(b.cost_micros.unwrap_or_default());
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        cost_micros: a.cost_micros.or(b.cost_micros).map(|_| cost),
        currency: a.currency.or(b.currency),
    }
}

/// `gpt-4o: 1.2 s, 512 tokens read, 230 written`
fn told(model: &str, used: Usage, duration_ms: u64) -> String {
    let tokens = match used {
        Usage { input_tokens: 0, output_tokens: 0, .. } => String::new(),
        Usage { input_tokens, output_tokens, .. } => format!(", {input_tokens} tokens read, {output_tokens} written"),
    };
    format!("{model}: {}.{} s{tokens}", duration_ms / 1_000, duration_ms % 1_000 / 100)
}
