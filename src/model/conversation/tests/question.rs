//! Which question an answer names.

use super::*;
use crate::model::conversation::Questions;

fn answer(n: u64, run: u64) -> Event {
    Event::Message(Message {
        sender: Sender::Agent,
        run_id: Some(run_id(run)),
        client_id: None,
        ..message(n, 2, "answer")
    })
}

fn asked(run: u64, question: u64) -> Event {
    let question = Some(message_id(question));
    Event::AgentRun(AgentRun { question, ..AgentRun::new(run_id(run), RunStatus::Initializing) })
}

fn said(n: u64) -> Event {
    Event::Message(message(n, 1, "question"))
}

#[test]
fn an_answer_names_its_question_where_another_message_stands_between() {
    let mut thread = thread_with(0);
    let events = [
        said(1),
        asked(1, 1),
        said(2),
        asked(2, 2),
        answer(3, 1),
        answer(4, 2),
        said(5),
        asked(3, 5),
        answer(6, 3),
        answer(7, 9),
    ];
    let events: Vec<_> = (1..).zip(events).map(|(seq, event)| frame(seq, event)).collect();
    fold(&mut thread, &events);
    let questions = Questions::of(&thread);
    let above = std::iter::once(None).chain(thread.entries.iter().map(Some));
    let named: Vec<_> = thread.entries.iter().zip(above).map(|(entry, above)| questions.apart(entry, above)).collect();
    assert_eq!(named, [None, None, Some(message_id(1)), Some(message_id(2)), None, None, None]);
}
