//! Stock snapshots once all their rows are there: weighed by facility, then applied, or parked until somebody decides. Piece by piece, so
//! that no lock is held for long, and whoever finds one left alone goes on with it.

use oms_domain::feed::{FeedDecision, FeedStatus};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    config::SnapshotGuard,
    error::StoreError,
    feeds::{FeedRun, Feeds},
    store::Tries,
};

/// A step that is taken piece by piece, each in a transaction of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    KeepAbsent,
    Weigh,
    Apply,
}

impl Step {
    fn statement(self) -> &'static str {
        match self {
            Self::KeepAbsent => "SELECT keep_absent($1, $2)",
            Self::Weigh => "SELECT weigh_counts($1, $2)",
            Self::Apply => "SELECT apply_counts($1, $2)",
        }
    }

    /// Positions of a piece: while it is applied, their rows are locked. What has happened at each since the count is looked for in every
    /// month of the ledger.
    fn positions(self) -> i64 {
        match self {
            Self::KeepAbsent => 5_000,
            Self::Weigh | Self::Apply => 125,
        }
    }
}

const JUDGE: &str = "SELECT judge_snapshot($1, $2, $3, make_interval(secs => $4))";

const REJECT: &str = "WITH rejected AS (
        UPDATE feeds SET status = 'rejected', decided_at = now(), finished_at = now(), decided_by = nullif($2, 'null') WHERE feed_id = $1 AND status = 'parked'
        RETURNING feed_id
    )
    DELETE FROM feed_counts c USING rejected r WHERE c.feed_id = r.feed_id";

/// Whoever works on a snapshot needs a moment for a piece. Whoever reads a feed hears of its sender every minute.
const LEFT_ALONE: &str = "SELECT feed_id, status FROM feeds
    WHERE (status = 'applying' OR status = 'running' AND read_at IS NOT NULL) AND worked_at < now() - interval '30 seconds'
        OR status = 'parked' AND decide_by < now()
        OR status = 'running' AND read_at IS NULL AND worked_at < now() - interval '1 hour'
    ORDER BY feed_id LIMIT 100";

impl Feeds<'_> {
    /// Decides about a parked feed. Approved, it is applied as of its own time. Where it is not parked, nothing changes.
    pub async fn decide(&self, feed_id: Uuid, decision: FeedDecision) -> Result<FeedRun, StoreError> {
        let decide = match decision {
            FeedDecision::Approve => "SELECT approve_snapshot($1, $2)",
            FeedDecision::Reject => REJECT,
        };
        let mut tries = Tries::default();
        while let Err(error) = sqlx::query(decide).bind(feed_id).bind(Json(self.0.acting())).execute(&self.0.pool).await {
            tries.again(error).await?;
        }
        self.apply_snapshot(feed_id).await?;
        self.known(feed_id).await
    }

    /// Weighs a snapshot that was read to its end and applies it, unless it is to be parked; of any other feed, nothing. Answers the run
    /// that stands for it.
    pub(crate) async fn work_on(&self, feed_id: Uuid) -> Result<Uuid, StoreError> {
        while self.piece(Step::KeepAbsent, feed_id).await? {}
        while self.piece(Step::Weigh, feed_id).await? {}
        let stands_for_it = self.judge(feed_id).await?;
        self.apply_snapshot(feed_id).await?;
        Ok(stands_for_it)
    }

    pub(crate) async fn judge(&self, feed_id: Uuid) -> Result<Uuid, StoreError> {
        let SnapshotGuard { change_max_percent, from_positions, decide_within } = self.0.snapshot_guard;
        let mut tries = Tries::default();
        loop {
            let query = sqlx::query_scalar(JUDGE).bind(feed_id).bind(i64::from(change_max_percent)).bind(i64::from(from_positions));
            match query.bind(decide_within.as_secs_f64()).fetch_one(&self.0.pool).await {
                Ok(run) => return Ok(run),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    /// Applies what there is of a snapshot that is to be applied; of any other, nothing. What was left out may have come to hold
    /// something since it was weighed.
    async fn apply_snapshot(&self, feed_id: Uuid) -> Result<(), StoreError> {
        while self.piece(Step::KeepAbsent, feed_id).await? {}
        while self.piece(Step::Apply, feed_id).await? {}
        Ok(())
    }

    /// Works on the next piece. False: there is none.
    pub(crate) async fn piece(&self, step: Step, feed_id: Uuid) -> Result<bool, StoreError> {
        let mut tries = Tries::default();
        loop {
            match sqlx::query_scalar(step.statement()).bind(feed_id).bind(step.positions()).fetch_one(&self.0.pool).await {
                Ok(more) => return Ok(more),
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
            Some(FeedStatus::Running) => self.go_on(feed_id).await,
            Some(FeedStatus::Applying) => self.apply_snapshot(feed_id).await,
            Some(FeedStatus::Finished | FeedStatus::Rejected | FeedStatus::Failed) | None => Ok(()),
        }
    }

    /// A run whose process is gone: what was read to its end is worked on, what was not has failed.
    async fn go_on(&self, feed_id: Uuid) -> Result<(), StoreError> {
        let failed = sqlx::query_scalar("SELECT read_at IS NULL FROM feeds WHERE feed_id = $1").bind(feed_id);
        match failed.fetch_optional(&self.0.pool).await? {
            Some(true) => self.fail(feed_id, "nobody has read it to its end").await.map(drop),
            Some(false) => self.work_on(feed_id).await.map(drop),
            None => Ok(()),
        }
    }
}
