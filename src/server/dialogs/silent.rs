//! Whoever opens a widget is a visitor with a dialog before they have said a word. Most never do: they are forgotten.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Dialogs;
use crate::{
    protocol::{Problem, Timestamp, limits, server::PresenceStatus},
    server::clock,
};

impl Dialogs {
    /// Looks for them now and again, until the server stops.
    pub(super) fn start_forgetting(&self, shutdown: CancellationToken) {
        let this = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(limits::VISITOR_SWEEP_MS));
            while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
                match this.forget_silent(clock::now()).await {
                    Ok(0) => {}
                    Ok(dialogs) => tracing::info!(dialogs, "visitors who wrote nothing are forgotten"),
                    Err(problem) => tracing::error!(%problem, "visitors who wrote nothing could not be looked at"),
                }
            }
        });
    }

    /// Forgets visitors who wrote nothing and have not come for [`limits::VISITOR_SILENT_MS`], with their dialogs;
    /// returns how many dialogs. Who has the page open now is here, however long they are silent. To whom is forgotten
    /// their tokens are as unknown as any: a widget that comes again begins anew.
    pub async fn forget_silent(&self, now: Timestamp) -> Result<u64, Problem> {
        let before = Timestamp::from_ms(now.as_ms() - limits::VISITOR_SILENT_MS);
        let (mut after, mut forgotten) = (None, 0);
        loop {
            let page = self.storage.silent_dialogs(before, after, limits::VISITORS_PER_SWEEP).await?;
            let Some((last, _)) = page.last() else { return Ok(forgotten) };
            after = Some(*last);
            let is_unused = |visitor| self.hub.presence(visitor) == PresenceStatus::Offline;
            let unused = page.iter().filter(|(id, visitor)| is_unused(*visitor) && self.hub.lookers(*id).is_empty());
            let unused: Vec<_> = unused.map(|(id, _)| *id).collect();
            forgotten += self.storage.forget_silent(&unused, before).await?;
        }
    }
}
