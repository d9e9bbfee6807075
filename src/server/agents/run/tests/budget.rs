use super::*;
use crate::{
    protocol::agent::Currency,
    server::agents::team::{Budget, Budgets, Price, Prices},
};

fn eur() -> Currency {
    Currency::of("EUR").unwrap()
}

fn used(input_tokens: u64, output_tokens: u64) -> RunEvent {
    RunEvent::Used(Usage { input_tokens, output_tokens, ..Usage::default() })
}

fn by(model: &str, duration_ms: u64) -> RunEvent {
    RunEvent::ModelDone(ModelTimes { model: Some(model.into()), first_token_ms: Some(5), duration_ms })
}

fn with(run: Budget, user_day: Budget) -> Team {
    let prices = [("m".to_owned(), Price { input_micros: 2_000_000, output_micros: 10_000_000 })];
    let prices = Prices { currency: eur(), by_model: prices.into() };
    let mut team = alone(8);
    (team.budgets, team.prices) = (Budgets { run, user_day }, prices);
    team
}

fn end(play: &Play) -> (RunStatus, String) {
    let Some(Event::AgentRun(end)) = play.log().last().copied() else { panic!("an end") };
    (end.status, end.message.clone().unwrap_or_default())
}

/// Two calls of the model, a second each, which read 1,000 tokens and write 100.
fn worked(team: Team) -> Play {
    let mut play = Play::begun(team);
    for number in 1..=2 {
        play.tell(used(1_000, 100)).tell(RunEvent::Called(call(number))).tell(by("m", 1_000));
        play.tell(returned(number, "ok"));
    }
    play
}

#[test]
fn each_budget_ends_a_run_before_its_next_call_and_says_which() {
    for (budget, named) in [
        (Budget { turns: Some(2), ..Budget::default() }, "2 turns"),
        (Budget { tokens: Some(2_200), ..Budget::default() }, "2200 tokens"),
        (Budget { seconds: Some(2), ..Budget::default() }, "2 seconds"),
        (Budget { cost_micros: Some(6_000), ..Budget::default() }, "0.006 EUR"),
    ] {
        for team in [with(budget, Budget::default()), with(Budget::default(), budget)] {
            let play = worked(team);
            let (status, why) = end(&play);
            assert_eq!(status, RunStatus::Failed, "{named}");
            assert!(why.contains(named), "{why}");
            play.check_the_end();
        }
        let double = Budget {
            turns: budget.turns.map(|n| n + 1),
            tokens: budget.tokens.map(|n| n + 1),
            seconds: budget.seconds.map(|n| n + 1),
            cost_micros: budget.cost_micros.map(|n| n + 1),
        };
        assert!(!worked(with(double, Budget::default())).machine.is_over(), "{named} are enough");
    }
}

#[test]
fn what_was_used_up_before_today_counts_for_the_day() {
    let mut play = Play::of(with(Budget::default(), Budget { tokens: Some(500), ..Budget::default() }));
    let today = Spent { tokens: 500, ..Spent::default() };
    play.tell(asked()).tell(RunEvent::Started { way: Way::Direct("assistant".into()), model: Some("m".into()) });
    play.tell(RunEvent::Today(today));
    assert!(end(&play).1.contains("Anna's budget of 500 tokens for today"));
}

#[test]
fn a_call_is_given_no_more_time_than_is_left() {
    let play = worked(with(Budget { seconds: Some(5), ..Budget::default() }, Budget::default()));
    // Two calls of a second, and two tools of 3 ms.
    assert_eq!(play.machine.ms_left(), Some(2_994));
}

#[test]
fn each_call_of_a_model_is_told_with_what_it_took() {
    let play = worked(with(Budget::default(), Budget::default()));
    let step = play.log().into_iter().find_map(|event| match event {
        Event::AgentStep(step) if step.topic == Some(StepTopic::Model) => Some(step.clone()),
        _ => None,
    });
    let step = step.expect("a step");
    let usage = Usage { input_tokens: 1_000, output_tokens: 100, cost_micros: Some(3_000), currency: Some(eur()) };
    assert_eq!(step.usage.as_deref(), Some(&usage));
    assert_eq!((step.first_token_ms, step.duration_ms), (Some(5), Some(1_000)));
    assert_eq!(step.message, "m: 1.0 s, 1000 tokens read, 100 written");
}
