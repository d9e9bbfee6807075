//! What is begun is finished: a caller who hangs up drops the future that waits, never the work.

use std::future::Future;

use crate::{protocol::Problem, server::error};

/// Runs work of several steps (a commit, then who is told of it) to its end, whatever becomes of the caller.
pub async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::spawn(work).await;
    done.map_err(|error| error::internal("a task of a request failed", &error))?
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_the_caller_hangs_up() {
        let (start, started) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let mut waiting = Box::pin(finish(async move {
            started.await.ok();
            tell.send(()).ok();
            Ok(())
        }));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(waiting);
        start.send(()).unwrap();
        told.await.unwrap();
    }
}
