use super::*;

fn begun() -> Play {
    let mut play = Play::of(Team::built_in());
    play.tell(asked()).tell(RunEvent::Started { way: Way::Team, model: Some("m".into()) });
    play
}

fn says(play: &mut Play, text: &str) {
    play.tell(RunEvent::Text(text.into())).tell(done());
}

#[test]
fn an_easy_question_takes_one_call_more_than_one_agent_alone() {
    let mut play = begun();
    assert!(play.machine.request().schema.is_some(), "the leader is asked who answers");
    says(&mut play, r#"{"route":"direct","agent":"analyst"}"#);
    assert_eq!(play.shown(), "", "nothing of that is shown");
    assert_eq!(play.machine.request().schema, None);
    assert_eq!(play.machine.agent().name, "Analyst");
    says(&mut play, "391");
    assert_eq!(play.message().map(|message| message.author.name.as_str()), Some("Analyst"));
    assert_eq!(play.effects.iter().filter(|effect| **effect == Effect::CallModel).count(), 2);
    play.written = "391".into();
    play.check_the_end();
}

proptest! {
    /// Whatever a leader and its team say, and whenever the server is killed, a run comes to its end.
    #[test]
    fn no_leader_brings_a_run_down(
        replies in prop::collection::vec(prop_oneof![
            any::<String>(),
            Just(r#"{"route":"team","facts":{},"plan":["a"]}"#.to_owned()),
            Just(r#"{"route":"direct","agent":"nobody"}"#.to_owned()),
            Just(r#"{"next_speaker":{"answer":"researcher"},"instruction_or_question":{"answer":"look"}}"#.to_owned()),
        ], 1..6),
        kills in prop::collection::vec(0usize..80, 0..3),
    ) {
        let mut play = begun();
        for n in 0..400 {
            if play.machine.is_over() {
                break;
            }
            if kills.contains(&n) {
                play.killed();
                continue;
            }
            play.tell(RunEvent::Text(replies[n % replies.len()].clone())).tell(done());
        }
        prop_assert!(play.machine.is_over(), "it goes on for ever");
    }
}
