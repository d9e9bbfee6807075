//! `[teamwork]`, `[budget]`, `[prices]`: how far a team goes, and what that may cost.

use toml::Spanned;

use super::{
    check::{Check, too_many},
    written::{self, Decimal},
};
use crate::{
    protocol::{agent::Currency, limits},
    server::agents::team::{Budget, Budgets, Price, Prices, Teamwork},
};

pub fn teamwork(check: &mut Check, written: Option<written::Teamwork>) -> Teamwork {
    let usual = Teamwork::default();
    let Some(written) = written else { return usual };
    let turns = 1..=limits::TEAM_TURNS_MAX.into();
    let stalls = || 0..=limits::TEAM_STALLS_MAX.into();
    Teamwork {
        max_turns: check.number(written.max_turns.as_ref(), "teamwork.max_turns", turns).unwrap_or(usual.max_turns),
        max_stalls: check
            .number(written.max_stalls.as_ref(), "teamwork.max_stalls", stalls())
            .unwrap_or(usual.max_stalls),
        max_replans: check
            .number(written.max_replans.as_ref(), "teamwork.max_replans", stalls())
            .unwrap_or(usual.max_replans),
    }
}

pub fn budgets(check: &mut Check, written: Option<written::Budgets>, priced: bool) -> Budgets {
    let Some(written) = written else { return Budgets::default() };
    Budgets {
        run: budget(check, written.run, "budget.run", priced),
        user_day: budget(check, written.user_day, "budget.user_day", priced),
    }
}

fn budget(check: &mut Check, written: Option<written::Budget>, field: &str, priced: bool) -> Budget {
    let Some(written) = written else { return Budget::default() };
    let mut number = |number, name: &str| check.number::<u64>(number, &format!("{field}.{name}"), 1..=i64::MAX);
    let tokens = number(written.tokens.as_ref(), "tokens");
    let seconds = number(written.seconds.as_ref(), "seconds");
    let turns = check.number(written.turns.as_ref(), &format!("{field}.turns"), 1..=u32::MAX.into());
    let cost_micros = written.cost.and_then(|cost| {
        let field = format!("{field}.cost");
        if !priced {
            check.wrong(cost.span(), &field, "nobody knows what a model costs; add [prices], or leave this out");
        } else if cost.get_ref().0 == 0.0 {
            check.wrong(cost.span(), &field, "takes more than 0; leave it out where nothing is to be bounded");
            return None;
        }
        micros(check, &cost, &field)
    });
    Budget { turns, tokens, seconds, cost_micros }
}

pub fn prices(check: &mut Check, written: Option<Spanned<written::Prices>>) -> Prices {
    let Some(written) = written else { return Prices::default() };
    let span = written.span();
    let written = written.into_inner();
    let Some(text) = written.currency else {
        check.wrong(span, "prices.currency", "is left out; add a line such as currency = \"EUR\"");
        return Prices::default();
    };
    let Some(currency) = Currency::of(text.get_ref()) else {
        check.wrong(text.span(), "prices.currency", "takes three capital letters, such as \"EUR\"");
        return Prices::default();
    };
    let models = written.models.map(|models| {
        if models.get_ref().len() > limits::PRICED_MODELS {
            check.wrong(models.span(), "prices.models", too_many("models", limits::PRICED_MODELS));
        }
        models.into_inner()
    });
    let models = models.into_iter().flatten().take(limits::PRICED_MODELS);
    let by_model = models.filter_map(|(model, price)| price_of(check, &model, price).map(|price| (model, price)));
    Prices { by_model: by_model.collect(), currency }
}

fn price_of(check: &mut Check, model: &str, written: Spanned<written::Price>) -> Option<Price> {
    let span = written.span();
    let written = written.into_inner();
    let mut side = |price: Option<Spanned<Decimal>>, side: &str| {
        let field = format!("prices.models.{model:?}.{side}");
        match price {
            Some(price) => micros(check, &price, &field),
            None => {
                let what = format!("is left out; add a line such as {side} = 0.25 (for a million tokens)");
                check.wrong(span.clone(), &field, what);
                None
            }
        }
    };
    let (input, output) = (side(written.input, "input"), side(written.output, "output"));
    Some(Price { input_micros: input?, output_micros: output? })
}

/// Millionths, to the nearest.
fn micros(check: &mut Check, amount: &Spanned<Decimal>, field: &str) -> Option<u64> {
    let value = amount.get_ref().0;
    if !(0.0..=f64::from(limits::PRICE_MAX)).contains(&value) {
        check.wrong(amount.span(), field, format!("takes 0 to {}, such as 0.25; it is {value}", limits::PRICE_MAX));
        return None;
    }
    Some((value * 1_000_000.0).round() as u64)
}
