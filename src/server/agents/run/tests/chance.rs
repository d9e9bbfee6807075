use super::*;

/// What may happen next, whether it fits or not.
#[derive(Clone, Debug)]
enum Step {
    Asked,
    Started,
    Text(String),
    Called,
    ModelDone,
    ModelFailed,
    /// The tool that is on returns, or one that nobody waits for.
    Returned {
        late: bool,
        chart: bool,
    },
    Retrying,
    /// A call that somebody has to allow.
    CalledCarefully,
    Decided(bool),
    Killed,
    Cancelled,
    Failed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Asked),
        2 => Just(Step::Started),
        8 => "[a-zé \n]{0,12}".prop_map(Step::Text),
        6 => Just(Step::Called),
        8 => Just(Step::ModelDone),
        1 => Just(Step::ModelFailed),
        8 => (any::<bool>(), any::<bool>()).prop_map(|(late, chart)| Step::Returned { late, chart }),
        2 => Just(Step::Retrying),
        3 => Just(Step::CalledCarefully),
        4 => any::<bool>().prop_map(Step::Decided),
        1 => Just(Step::Killed),
        1 => Just(Step::Cancelled),
        1 => Just(Step::Failed),
    ];
    (any::<bool>(), prop::collection::vec(step, 0..60)).prop_map(|(begun, mut steps)| {
        if begun {
            steps.splice(0..0, [Step::Asked, Step::Started]);
        }
        steps
    })
}

proptest! {
    #[test]
    fn whatever_happens_the_order_holds_and_nothing_is_lost(steps in steps(), max_turns in 1u32..5) {
        let mut play = Play::new(max_turns);
        let mut number = 0;
        for step in steps {
            let event = match step {
                Step::Asked => asked(),
                Step::Started => started(),
                Step::Text(text) => RunEvent::Text(text),
                Step::Called => {
                    number += 1;
                    RunEvent::Called(call(number))
                }
                Step::CalledCarefully => {
                    number += 1;
                    RunEvent::Called(PlannedCall { asks_first: true, class: Some(ToolClass::Write), ..call(number) })
                }
                Step::Retrying => retrying(),
                Step::Decided(approved) => {
                    let call_id = play.machine.awaits().map_or(CallId::from_parts(0, 99), |(call, _)| call);
                    RunEvent::Decided { call_id, approved, by: None, arguments: None }
                }
                Step::Killed => {
                    play.killed();
                    continue;
                }
                Step::ModelDone => done(),
                Step::ModelFailed => RunEvent::ModelFailed { reason: "cut".into(), ms: 1 },
                Step::Returned { late, chart } => RunEvent::ToolReturned {
                    call_id: play.tool.filter(|_| !late).unwrap_or(CallId::from_parts(0, 99)),
                    outcome: ToolOutcome {
                        chart: chart.then(|| drawn(ChartId::from_parts(1, 1), "Chart")),
                        ..ToolOutcome::of("ok".into())
                    },
                },
                Step::Cancelled => RunEvent::Stop(Stop::Cancelled("Stopped.".into())),
                Step::Failed => RunEvent::Stop(Stop::Failed("No.".into())),
            };
            play.tell(event);
        }
        play.tell(RunEvent::Stop(Stop::Interrupted("The end.".into())));
        play.check_the_end();
        prop_assert!(play.words().iter().filter(|word| *word == "tool_result").count()
            <= play.words().iter().filter(|word| *word == "tool_call").count());
    }
}
