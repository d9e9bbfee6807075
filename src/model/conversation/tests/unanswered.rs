//! What stands under a question that got no answer.

use super::*;

fn ended(seq: u64, run: u64, status: RunStatus, message: Option<&str>) -> DurableFrame {
    let run = AgentRun { question: Some(message_id(1)), ..AgentRun::new(run_id(run), status) };
    frame(seq, Event::AgentRun(AgentRun { message: message.map(str::to_owned), ..run }))
}

fn told(thread: &Thread) -> Vec<(RunId, String)> {
    thread.unanswered().into_iter().map(|one| (one.run, one.told)).collect()
}

#[test]
fn a_question_says_what_became_of_its_newest_run() {
    let mut thread = thread_with(1);
    assert_eq!(told(&thread), []);
    fold(&mut thread, &[ended(2, 1, RunStatus::Failed, Some("The model cannot be reached."))]);
    assert_eq!(told(&thread), [(run_id(1), "The answer failed: The model cannot be reached.".to_owned())]);
    // Tried again, it is being answered.
    fold(&mut thread, &[ended(3, 2, RunStatus::Processing, None)]);
    assert_eq!(told(&thread), []);
    fold(&mut thread, &[ended(4, 2, RunStatus::Interrupted, None)]);
    assert_eq!(told(&thread), [(run_id(2), "The answer was interrupted by a restart of the server.".to_owned())]);
}

#[test]
fn what_was_written_until_a_stop_stands_for_itself() {
    let mut thread = thread_with(1);
    fold(&mut thread, &[ended(2, 1, RunStatus::Cancelled, None)]);
    assert_eq!(told(&thread), [(run_id(1), "Stopped before an answer began.".to_owned())]);
    let partial = Message { run_id: Some(run_id(1)), partial: true, ..message(3, 2, "The answ") };
    fold(&mut thread, &[frame(3, Event::Message(partial))]);
    assert_eq!(told(&thread), []);
}
