//! Whatever models say and however often they fail, every run of a team ends, within the bound that the
//! machine itself names.

use proptest::prelude::*;

use super::*;

/// What comes of an act, as far as the act allows it.
#[derive(Clone, Debug)]
enum Outcome {
    Text(String),
    Failed(String),
}

fn replies() -> impl Strategy<Value = String> {
    let agents = prop_oneof![
        Just("assistant".to_owned()),
        Just("Market Analyst".to_owned()),
        Just("@writer".to_owned()),
        Just("the Analyst, please".to_owned()),
        any::<String>(),
    ];
    let ledgers = (any::<[bool; 3]>(), agents).prop_map(|([satisfied, in_loop, progress], speaker)| {
        // Mostly unfinished: runs are to get far.
        ledger(satisfied && in_loop && progress, in_loop, progress, &speaker)
    });
    let whole = prop_oneof![
        4 => ledgers,
        2 => Just(PLAN.to_owned()),
        1 => json_value().prop_map(|value| value.to_string()),
        1 => any::<String>(),
        1 => "[{}\":,a-z\\[\\]\\\\0-9]{0,80}",
    ];
    (whole, 0..6_u8, any::<prop::sample::Index>(), any::<char>())
        .prop_map(|(text, how, at, c)| mutated(text, how, at, c))
}

/// Cut, wrapped, with one character changed, or as it is.
fn mutated(text: String, how: u8, at: prop::sample::Index, c: char) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return text;
    }
    let at = at.index(chars.len());
    match how {
        0 => chars[..at].iter().collect(),
        1 => chars[at..].iter().collect(),
        2 => chars[..at].iter().chain([&c]).chain(&chars[at + 1..]).collect(),
        3 => format!("Here:\n```json\n{text}\n```\n{c}"),
        _ => text,
    }
}

/// Objects with our fields and anything in them.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "route",
        "agent",
        "facts",
        "plan",
        "answer",
        "reason",
        "is_request_satisfied",
        "isInLoop",
        "next_speaker",
        "is_progress_being_made",
        "instruction_or_question",
        "given",
        "x",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let outcome = prop_oneof![12 => replies().prop_map(Outcome::Text), 1 => ".{0,40}".prop_map(Outcome::Failed)];
    prop::collection::vec(outcome, 1..40)
}

/// Runs to the end, the outcomes over and over; gives the acts that it took.
fn run(team: Team, outcomes: &[Outcome], first: Option<&str>) -> u32 {
    let mut orchestrator = Orchestrator::new(Arc::new(team));
    let bound = orchestrator.most_acts();
    let mut next = orchestrator.begin();
    let mut outcomes = outcomes.iter().cycle();
    if let Some(first) = first {
        next = orchestrator.asked(first);
    }
    for acts in 1 + u32::from(first.is_some()).. {
        assert!(acts <= bound, "{acts} acts of at most {bound}");
        assert!(next.turn <= next.max_turns);
        let messages = match &next.act {
            Act::Ask { messages, .. } | Act::Speak { messages, .. } | Act::Answer { messages, .. } => messages.clone(),
            Act::Direct { .. } => Vec::new(),
        };
        assert!(text(&messages).len() <= limits::RECORD_BYTES + 256 * 1024, "what is shown is bounded");
        for told in &next.notes {
            assert!(serde_json::to_string(&told.detail).unwrap().len() <= 256 * 1024, "what is told is bounded");
            assert!(told.message.len() <= 4 * 1024, "{}", told.message);
        }
        if matches!(next.act, Act::Direct { .. } | Act::Answer { .. }) {
            return acts;
        }
        next = match (outcomes.next().unwrap(), &next.act) {
            (Outcome::Failed(reason), _) => orchestrator.failed(reason),
            (Outcome::Text(text), Act::Ask { .. }) => orchestrator.asked(text),
            (Outcome::Text(text), _) => orchestrator.said(text),
        };
    }
    unreachable!()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_whatever_is_said(
        outcomes in outcomes(),
        max_turns in 0..20_u32,
        max_stalls in 0..6_u32,
        max_replans in 0..4_u32,
        planned in any::<bool>(),
    ) {
        let team = working(Teamwork { max_turns, max_stalls, max_replans });
        run(team, &outcomes, planned.then_some(PLAN));
    }

    #[test]
    fn calls_out_of_turn_only_end_the_run(calls in prop::collection::vec((0..4_u8, ".{0,20}"), 0..40)) {
        let mut orchestrator = Orchestrator::new(team());
        for (call, text) in calls {
            match call {
                0 => orchestrator.begin(),
                1 => orchestrator.asked(&text),
                2 => orchestrator.said(&text),
                _ => orchestrator.failed(&text),
            };
        }
    }
}

#[test]
fn the_bound_is_reached_by_the_worst_that_a_leader_can_do() {
    let work = Teamwork { max_turns: 6, max_stalls: 0, max_replans: 2 };
    let most = Orchestrator::new(Arc::new(working(work))).most_acts();
    // Each turn comes with the last repair that is allowed, each plan too, and the team stalls as late as it can.
    let mut orchestrator = Orchestrator::new(Arc::new(working(work)));
    orchestrator.begin();
    let mut next = orchestrator.asked(PLAN);
    let (mut acts, mut asks, mut plans) = (2, 0, 0);
    while !matches!(next.act, Act::Answer { .. }) {
        acts += 1;
        next = match &next.act {
            Act::Speak { .. } => orchestrator.said("…"),
            _ if asks < limits::LEDGER_REPAIRS => {
                asks += 1;
                orchestrator.asked("no")
            }
            _ => {
                asks = 0;
                let replans = asks_for(&next) == ["facts", "plan"];
                let stalls = !replans && plans < work.max_replans && next.turn == work.max_turns - 1;
                plans += u32::from(stalls);
                orchestrator.asked(&if replans {
                    PLAN.to_owned()
                } else if stalls {
                    stuck("writer")
                } else {
                    onward("writer")
                })
            }
        };
    }
    assert_eq!(acts + limits::LEDGER_REPAIRS + 1, most, "all but the ledger that the last turn cuts off");
}

#[test]
fn a_huge_reply_is_read_in_no_time_and_kept_small() {
    let huge = [
        "{".repeat(1_000_000),
        "[".repeat(1_000_000),
        format!("{{\"route\":\"team\",\"plan\":[{}1]}}", "\"x\",".repeat(10_000)),
        format!("{{\"route\":\"team\",\"plan\":\"{}\"}}", "- x\\n".repeat(10_000)),
        format!("{}{}", onward("writer"), "x".repeat(1_000_000)),
        "\"".repeat(1_000_000),
    ];
    let outcomes: Vec<_> = huge.into_iter().map(Outcome::Text).collect();
    for first in [None, Some(PLAN)] {
        run(Team::built_in(), &outcomes, first);
    }
}
