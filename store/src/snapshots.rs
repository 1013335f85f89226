//! Stock snapshots once all their rows are there: applied batch by batch, or parked until somebody decides.

use oms_domain::feed::{FeedDecision, FeedStatus};
use uuid::Uuid;

use crate::{
    error::StoreError,
    feed_batches::PIECE_ROWS,
    feeds::{FeedRun, Feeds},
    store::Tries,
};

const REJECT: &str = "WITH rejected AS (
        UPDATE feeds SET status = 'rejected', decided_at = now(), finished_at = now() WHERE feed_id = $1 AND status = 'parked'
        RETURNING feed_id
    )
    DELETE FROM feed_counts c USING rejected r WHERE c.feed_id = r.feed_id";

/// Whoever applies a snapshot needs seconds for a batch, and whoever reads a feed hears of its sender every minute.
const LEFT_ALONE: &str = "SELECT feed_id, status FROM feeds
    WHERE status = 'applying' AND applying_since < now() - interval '1 minute' OR status = 'parked' AND decide_by < now()
        OR status = 'running' AND started_at < now() - CASE kind WHEN 'stock' THEN interval '7 days' ELSE interval '1 day' END
    ORDER BY feed_id LIMIT 100";

impl Feeds<'_> {
    /// Decides about a parked feed. Approved, it is applied as of its own time. Where it is not parked, nothing changes.
    pub async fn decide(&self, feed_id: Uuid, decision: FeedDecision) -> Result<FeedRun, StoreError> {
        let decide = match decision {
            FeedDecision::Approve => "SELECT approve_snapshot($1)",
            FeedDecision::Reject => REJECT,
        };
        let mut tries = Tries::default();
        while let Err(error) = sqlx::query(decide).bind(feed_id).execute(&self.0.pool).await {
            tries.again(error).await?;
        }
        self.apply_snapshot(feed_id).await?;
        self.known(feed_id).await
    }

    /// Applies what there is of a snapshot that is to be applied; of any other, nothing.
    pub(crate) async fn apply_snapshot(&self, feed_id: Uuid) -> Result<(), StoreError> {
        let most = i64::try_from(PIECE_ROWS).unwrap_or(i64::MAX);
        let mut tries = Tries::default();
        loop {
            let applied = sqlx::query_scalar("SELECT apply_counts($1, $2)").bind(feed_id).bind(most).fetch_one(&self.0.pool).await;
            match applied {
                Ok(true) => tries = Tries::default(),
                Ok(false) => return Ok(()),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    /// Rejects what nobody has decided about in time, and goes on with what a lost process has left: each by itself. Answers how many
    /// feeds were dealt with.
    ///
    /// # Errors
    /// The first one, once every feed has had its turn.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let left: Vec<(Uuid, String)> = sqlx::query_as(LEFT_ALONE).fetch_all(&self.0.pool).await?;
        let (mut dealt_with, mut failed) = (0, None);
        for (feed_id, status) in left {
            match self.take_over(feed_id, FeedStatus::from_name(&status)).await {
                Ok(()) => dealt_with += 1,
                Err(error) => {
                    tracing::warn!(feed.id = %feed_id, store.error = %error, "a feed that was left alone could not be taken over");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(dealt_with), Err)
    }

    async fn take_over(&self, feed_id: Uuid, status: Option<FeedStatus>) -> Result<(), StoreError> {
        match status {
            Some(FeedStatus::Parked) => self.decide(feed_id, FeedDecision::Reject).await.map(drop),
            Some(FeedStatus::Running) => self.fail(feed_id, "nobody has read it to its end").await.map(drop),
            Some(FeedStatus::Applying) => self.apply_snapshot(feed_id).await,
            Some(FeedStatus::Finished | FeedStatus::Rejected | FeedStatus::Failed) | None => Ok(()),
        }
    }
}
