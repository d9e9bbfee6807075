//! In time that stands still: each promise is about seconds.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;
use crate::protocol::Side;

/// What one call brings.
#[derive(Clone)]
enum Piece {
    Delta(Delta),
    Fail(LlmError),
    After(Duration),
}

use Piece::{After, Fail};

fn say(text: &str) -> Piece {
    Piece::Delta(Delta::Text(text.into()))
}

const DONE: Piece = Piece::Delta(Delta::Done);
const SECOND: Duration = Duration::from_secs(1);

/// Plays one list for each call; counts the calls and those that go on.
#[derive(Default)]
struct Scripted {
    calls: Mutex<VecDeque<Vec<Piece>>>,
    made: AtomicUsize,
    open: Arc<AtomicUsize>,
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LlmClient for Scripted {
    async fn chat(&self, _: ChatRequest) -> Result<DeltaStream, LlmError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        let mut pieces: VecDeque<Piece> = self.calls.lock().pop_front().expect("the script goes on").into();
        // A call that fails before it begins does so here.
        while let Some(After(_) | Fail(_)) = pieces.front() {
            match pieces.pop_front() {
                Some(After(time)) => sleep(time).await,
                Some(Fail(error)) => return Err(error),
                _ => {}
            }
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.open.clone());
        Ok(stream::unfold((pieces, open), |(mut pieces, open)| async move {
            loop {
                match pieces.pop_front()? {
                    After(time) => sleep(time).await,
                    Fail(error) => return Some((Err(error), (pieces, open))),
                    Piece::Delta(delta) => return Some((Ok(delta), (pieces, open))),
                }
            }
        })
        .boxed())
    }

    fn status(&self) -> LlmStatus {
        LlmStatus::Connected
    }
}

fn scripted(calls: impl IntoIterator<Item = Vec<Piece>>) -> Arc<Scripted> {
    Arc::new(Scripted { calls: Mutex::new(calls.into_iter().collect()), ..Scripted::default() })
}

fn question() -> ChatRequest {
    ChatRequest {
        system: String::new(),
        messages: Vec::new(),
        tools: Vec::new(),
        model: None,
        schema: None,
        audience: Side::House,
    }
}

/// What a reader gets, a word each, and how it ends.
async fn read(client: &Arc<Scripted>) -> (Vec<String>, Option<LlmError>) {
    let mut words = Vec::new();
    let mut stream = match Retrying::new(client.clone()).chat(question()).await {
        Ok(stream) => stream,
        Err(error) => return (words, Some(error)),
    };
    while let Some(delta) = stream.next().await {
        words.push(match delta {
            Ok(Delta::Text(text)) => text,
            Ok(Delta::Retry(retry)) => format!("retry {} of {}", retry.attempt, retry.of),
            Ok(Delta::Done) => "done".into(),
            Ok(other) => format!("{other:?}"),
            Err(error) => return (words, Some(error)),
        });
    }
    (words, None)
}

fn failures() -> [LlmError; 6] {
    [
        LlmError::Unreachable("nobody there".into()),
        LlmError::RateLimited { retry_after: None },
        LlmError::Failed("500".into()),
        LlmError::Malformed("garbage".into()),
        LlmError::Cut,
        LlmError::RateLimited { retry_after: Some(SECOND) },
    ]
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_from_the_beginning_and_the_reader_told() {
    for failure in failures() {
        let client = scripted([vec![say("Half"), Fail(failure.clone())], vec![say("Whole"), DONE]]);
        assert_eq!(
            read(&client).await,
            (vec!["Half".into(), "retry 2 of 4".into(), "Whole".into(), "done".into()], None)
        );
        let client = scripted([vec![Fail(failure)], vec![say("Whole"), DONE]]);
        assert_eq!(read(&client).await.0, ["retry 2 of 4", "Whole", "done"]);
    }
    let ends_without_done = scripted([vec![say("Half")], vec![say("Whole"), DONE]]);
    assert_eq!(read(&ends_without_done).await.0, ["Half", "retry 2 of 4", "Whole", "done"]);
    let empty = scripted([vec![DONE], vec![say("Whole"), DONE]]);
    assert_eq!(read(&empty).await.0, ["retry 2 of 4", "Whole", "done"]);
}

#[tokio::test(start_paused = true)]
async fn what_no_second_try_mends_goes_through_at_once() {
    let refused = LlmError::Refused("no such model".into());
    let client = scripted([vec![say("Half"), Fail(refused.clone())]]);
    assert_eq!(read(&client).await, (vec!["Half".into()], Some(refused)));
    assert_eq!(client.made.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let client = scripted(vec![vec![Fail(LlmError::Cut)]; limits::MODEL_ATTEMPTS as usize]);
    let (words, end) = read(&client).await;
    assert_eq!((words.len(), end), (limits::MODEL_ATTEMPTS as usize - 1, Some(LlmError::Cut)));
}

#[tokio::test(start_paused = true)]
async fn a_servers_own_wait_is_kept_and_one_that_is_too_long_ends_the_call() {
    let limited = |after| vec![Fail(LlmError::RateLimited { retry_after: Some(after) })];
    let client = scripted([limited(20 * SECOND), vec![say("Whole"), DONE]]);
    let began = Instant::now();
    read(&client).await;
    let most = Duration::from_millis(20_000 + limits::MODEL_RETRY_BASE_MS);
    assert!((20 * SECOND..=most).contains(&began.elapsed()), "{:?}", began.elapsed());

    let too_long = Duration::from_millis(limits::MODEL_RETRY_AFTER_MS) + SECOND;
    let client = scripted([limited(too_long)]);
    let began = Instant::now();
    let (words, end) = read(&client).await;
    assert_eq!((words.len(), began.elapsed()), (0, Duration::ZERO));
    assert!(end.unwrap().to_string().contains("61 s"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_begin_is_hung_up_on_and_asked_once_more() {
    let client = scripted(vec![vec![After(Duration::from_secs(3_600)), DONE]; 2]);
    let began = Instant::now();
    let (words, end) = read(&client).await;
    let first = Duration::from_millis(limits::MODEL_FIRST_PIECE_MS);
    assert_eq!((words.len(), end), (1, Some(LlmError::Silent(first))));
    assert!(began.elapsed() >= 2 * first && began.elapsed() < 2 * first + SECOND);
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_middle_ends_a_call_and_reasoning_is_none() {
    let think = Piece::Delta(Delta::Reasoning("Hm".into()));
    let nearly = After(Duration::from_millis(limits::MODEL_SILENCE_MS - 1));
    let thinking = vec![think.clone(), nearly.clone(), think.clone(), nearly.clone(), think, nearly, say("So"), DONE];
    let (words, end) = read(&scripted([thinking])).await;
    assert_eq!((words[3..].to_vec(), end), (vec!["So".to_owned(), "done".into()], None));

    let quiet = vec![say("So"), After(Duration::from_millis(limits::MODEL_SILENCE_MS + 1)), DONE];
    let client = scripted([quiet, vec![say("Then"), DONE]]);
    assert_eq!(read(&client).await.0, ["So", "retry 2 of 4", "Then", "done"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_answer_ends_a_wait_as_well_as_a_call() {
    let client = scripted([vec![say("So"), After(SECOND), DONE], vec![Fail(LlmError::Cut)]]);
    let mut stream = Retrying::new(client.clone()).chat(question()).await.unwrap();
    stream.next().await;
    assert_eq!(client.open.load(Ordering::SeqCst), 1);
    drop(stream);
    assert_eq!(client.open.load(Ordering::SeqCst), 0);

    let mut stream = Retrying::new(client.clone()).chat(question()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(Delta::Retry(_)))));
    drop(stream);
    sleep(60 * SECOND).await;
    assert_eq!(client.made.load(Ordering::SeqCst), 2, "no call after the drop");
}

#[test]
fn waits_have_full_jitter_and_a_cap() {
    let patience = Patience { attempts: 40, ..Patience::default() };
    for failed in 1..40 {
        let most = (limits::MODEL_RETRY_BASE_MS << (failed - 1).min(20)).min(limits::MODEL_RETRY_CAP_MS);
        let waits: Vec<_> = (0..64).map(|_| patience.wait(failed, &LlmError::Cut).unwrap().as_millis()).collect();
        assert!(waits.iter().all(|wait| *wait <= u128::from(most)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < u128::from(most / 2)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait > u128::from(most / 2)), "{waits:?}");
    }
}
