//! How far a team goes, and what that may cost.

use std::collections::BTreeMap;

use crate::protocol::agent::{Currency, Usage};

/// How far the members work together on one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teamwork {
    /// Turns of the members on one question.
    pub max_turns: u32,
    /// Turns without progress beyond which the plan is made anew.
    pub max_stalls: u32,
    /// New plans on one question, after which the answer is what there is.
    pub max_replans: u32,
}

impl Default for Teamwork {
    fn default() -> Self {
        Self { max_turns: 12, max_stalls: 3, max_replans: 2 }
    }
}

/// What runs may use up; `None`: as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    pub run: Budget,
    /// Of all runs that one person asked for within a day (UTC).
    pub user_day: Budget,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Calls of a model.
    pub turns: Option<u32>,
    /// Read and written.
    pub tokens: Option<u64>,
    /// From the run's start; waiting for a person does not count.
    pub seconds: Option<u64>,
    /// Millionths of the price table's currency.
    pub cost_micros: Option<u64>,
}

/// What models cost, as the operator says: for a million tokens, in millionths of a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    pub currency: Currency,
    pub by_model: BTreeMap<String, Price>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input_micros: u64,
    pub output_micros: u64,
}

impl Prices {
    /// `None` where the table does not know the model.
    pub fn cost_micros(&self, model: &str, used: Usage) -> Option<u64> {
        let price = self.by_model.get(model)?;
        let of = |tokens: u64, micros: u64| u128::from(tokens).saturating_mul(u128::from(micros));
        let total =
            of(used.input_tokens, price.input_micros).saturating_add(of(used.output_tokens, price.output_micros));
        Some(u64::try_from(total / 1_000_000).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_counted_by_the_million_and_never_overflows() {
        let price = Price { input_micros: 2_500_000, output_micros: 10_000_000 };
        let prices = Prices { currency: Currency::of("USD").unwrap(), by_model: [("m".to_owned(), price)].into() };
        let used = |input_tokens, output_tokens| Usage { input_tokens, output_tokens, ..Usage::default() };
        assert_eq!(prices.cost_micros("m", used(1_000, 200)), Some(4_500));
        assert_eq!(prices.cost_micros("m", used(u64::MAX, u64::MAX)), Some(u64::MAX));
        assert_eq!(prices.cost_micros("another", used(1, 1)), None);
        let dear = Price { input_micros: u64::MAX, output_micros: u64::MAX };
        let prices = Prices { by_model: [("m".to_owned(), dear)].into(), ..prices };
        assert_eq!(prices.cost_micros("m", used(u64::MAX, u64::MAX)), Some(u64::MAX));
    }
}
