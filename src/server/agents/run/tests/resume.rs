use super::*;

fn calls_of_the_model(play: &Play) -> usize {
    play.effects.iter().filter(|effect| **effect == Effect::CallModel).count()
}

#[test]
fn a_run_whose_model_was_writing_asks_it_again_and_the_new_words_take_the_place_of_the_old() {
    let mut play = Play::begun(alone(8));
    play.tell(RunEvent::Text("Half an ans".into())).killed();
    assert_eq!(calls_of_the_model(&play), 2);
    assert_eq!(play.shown(), "Half an ans", "what was shown stays until something takes its place");
    play.tell(RunEvent::Text("A whole".into())).tell(RunEvent::Text(" answer".into())).tell(done());
    assert_eq!(play.shown(), "A whole answer");
    assert_eq!(play.message().map(|message| (message.text.as_str(), message.partial)), Some(("A whole answer", false)));
    play.check_the_end();
}

#[test]
fn what_was_shown_is_kept_where_the_model_does_not_come_back() {
    let mut play = Play::begun(alone(8));
    play.tell(RunEvent::Text("Half an ans".into()))
        .killed()
        .tell(RunEvent::ModelFailed { reason: "no route".into(), ms: 1 });
    assert_eq!(play.message().map(|message| (message.text.as_str(), message.partial)), Some(("Half an ans", true)));
    play.check_the_end();
}

#[test]
fn what_was_shown_is_kept_where_nothing_takes_its_place() {
    let mut play = Play::begun(alone(8));
    play.tell(RunEvent::Text("Half an ans".into())).killed().tell(done());
    assert_eq!(play.words().last().map(String::as_str), Some("failed"));
    assert_eq!(play.message().map(|message| (message.text.as_str(), message.partial)), Some(("Half an ans", true)));
    play.check_the_end();
}

#[test]
fn void_words_go_where_the_model_calls_a_tool_instead() {
    let mut play = Play::begun(alone(8));
    play.tell(RunEvent::Text("I think it is 3".into())).tell(retrying());
    play.tell(RunEvent::Called(call(1))).tell(done());
    assert_eq!(play.shown(), "");
}

#[test]
fn a_tool_that_changes_nothing_is_called_again_and_its_result_counts_once() {
    let mut play = Play::begun(alone(8));
    play.tell(RunEvent::Called(call(1))).tell(done()).killed();
    assert_eq!(play.words().iter().filter(|word| *word == "tool_call").count(), 1, "it was told of before");
    play.tell(returned(1, "391")).tell(returned(1, "391")).tell(RunEvent::Text("391".into())).tell(done());
    assert_eq!(play.words().iter().filter(|word| *word == "tool_result").count(), 1);
    play.check_the_end();
}

#[test]
fn a_tool_that_may_have_taken_effect_is_never_called_again() {
    let mut play = Play::begun(alone(8));
    let planned = PlannedCall { class: Some(ToolClass::Write), ..call(1) };
    play.tell(RunEvent::Called(planned)).tell(done());
    assert!(!play.machine.can_go_on());
    play.killed();
    assert_eq!(play.words().last().map(String::as_str), Some("interrupted"));
    let calls = play.effects.iter().filter(|effect| matches!(effect, Effect::CallTool(_))).count();
    assert_eq!(calls, 1);
    play.check_the_end();
}

#[test]
fn a_question_that_waits_goes_on_waiting_and_so_does_a_call_that_asks_first() {
    let mut play = Play::new(8);
    play.tell(asked()).killed();
    assert!(play.machine.is_waiting());
    play.tell(started()).tell(RunEvent::Called(PlannedCall { asks_first: true, ..call(1) })).tell(done()).killed();
    assert!(play.machine.awaits().is_some());
    assert_eq!(play.words().last().map(String::as_str), Some("waiting"));
}

#[test]
fn a_run_that_brings_the_server_down_does_so_only_so_often() {
    let mut play = Play::begun(alone(8));
    for _ in 0..limits::RUN_RESUMES {
        play.killed();
        assert!(!play.machine.is_over());
    }
    play.killed();
    assert_eq!(play.words().last().map(String::as_str), Some("interrupted"));
    play.check_the_end();
}
