//! Queue `bulk`: the orders of a bulk operation, asked a batch at a time, each in its own words.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use oms_domain::{
    bulk::{Batch, Counts, OrderOutcome, Task},
    error::{ErrorCode, Rejection},
    ids::OrderId,
};
use oms_starter::{CommandRequest, Starter, StarterError};
use oms_store::{BulkResult, BulkRow, Store};
use oms_workflows::bulk::contracts::{BatchInput, BulkProgress, BulkRecorded, definitions};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::{
    failure::{failure, store_failure},
    orders::{starter_code, starter_failure},
};

/// Orders that are asked side by side.
const SIDE_BY_SIDE: usize = 8;
/// Results that are kept in one write.
const A_WRITE: usize = 25;
/// How often an order that cannot be reached is tried, and how long after.
const TRIES: u32 = 2;
const TRY_AFTER: Duration = Duration::from_secs(1);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// Asks orders as everybody does: through the starter.
pub struct BulkActivities {
    pub store: Store,
    pub starter: Starter,
}

#[activities]
impl BulkActivities {
    #[activity(definition = definitions::AskBatch)]
    pub async fn ask_batch(self: Arc<Self>, ctx: ActivityContext, input: BatchInput) -> Result<Batch, ActivityError> {
        let asked = AtomicU32::new(0);
        let mut batch = pin!(self.ask(&input, &asked));
        let mut beat = interval(HEARTBEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                answer = &mut batch => return answer,
                // This worker is being dismissed: another one goes on, without waiting for heartbeats that do not come.
                () = ctx.cancelled() => return Err(failure(ErrorCode::Unavailable, "the worker stops")),
                _ = beat.tick() => {
                    let beaten = ctx.record_heartbeat(asked.load(Ordering::Relaxed)).await;
                    beaten.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
                }
            }
        }
    }

    #[activity(definition = definitions::RecordBulk)]
    pub async fn record_bulk(
        self: Arc<Self>,
        _ctx: ActivityContext,
        progress: BulkProgress,
    ) -> Result<Option<BulkRecorded>, ActivityError> {
        self.store.record_bulk(&progress.bulk, progress.at).await.map_err(|error| store_failure(&error))?;
        Ok(Some(BulkRecorded { digest: progress.bulk.digest() }))
    }
}

impl BulkActivities {
    /// An attempt before this one may have asked some of them: they are not asked again, and counted all the same.
    async fn ask(&self, input: &BatchInput, asked: &AtomicU32) -> Result<Batch, ActivityError> {
        let BatchInput { bulk_id, after, at_most, orders_per_second } = input;
        let row = self.store.bulk(bulk_id).await.map_err(|error| store_failure(&error))?;
        let row = row.ok_or_else(|| failure(ErrorCode::BulkNotFound, "the bulk operation was not taken in"))?;
        let page = self.store.bulk_batch(bulk_id, after.as_ref(), *at_most).await.map_err(|error| store_failure(&error))?;
        let (last, end) = (page.last().map(|(order_id, _)| order_id.clone()), page.len() < usize::try_from(*at_most).unwrap_or(usize::MAX));
        let open: Vec<OrderId> = page.into_iter().filter(|(_, known)| !known).map(|(order_id, _)| order_id).collect();
        let (begun, each, orders) = (Instant::now(), Duration::from_secs(1) / (*orders_per_second).max(1), open.len());
        let asking = open.into_iter().zip(0_u32..).map(|(order_id, n)| self.reach_at(begun + each * n, &row, order_id));
        let mut writes = pin!(stream::iter(asking).buffer_unordered(SIDE_BY_SIDE).chunks(A_WRITE));
        while let Some(results) = writes.next().await {
            self.keep(&row.task, results, asked).await?;
        }
        // The next batch takes its turn after this one.
        sleep_until(begun + each * u32::try_from(orders).unwrap_or(u32::MAX)).await;
        let counts = match &last {
            None => Counts::new(),
            Some(last) => self.store.bulk_counts(bulk_id, after.as_ref(), last).await.map_err(|error| store_failure(&error))?,
        };
        Ok(Batch { last, counts, end })
    }

    /// Keeps what there is, and only then says that some could not be had.
    async fn keep(&self, task: &Task, results: Vec<Result<BulkResult, ActivityError>>, asked: &AtomicU32) -> Result<(), ActivityError> {
        let (kept, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        let kept: Vec<BulkResult> = kept.into_iter().flatten().collect();
        self.store.put_bulk_results(&task.bulk_id, &kept).await.map_err(|error| store_failure(&error))?;
        asked.fetch_add(u32::try_from(kept.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        lost.into_iter().try_for_each(|lost| lost.map(drop))
    }

    /// When its turn has come.
    async fn reach_at(&self, turn: Instant, row: &BulkRow, order_id: OrderId) -> Result<BulkResult, ActivityError> {
        sleep_until(turn).await;
        self.reach(row, &order_id).await
    }

    /// What came of an order. An error: it is not the order's fault, but nobody can be reached; the batch is asked again.
    async fn reach(&self, row: &BulkRow, order_id: &OrderId) -> Result<BulkResult, ActivityError> {
        let mut outcome = self.ask_order(row, order_id).await;
        for _ in 1..TRIES {
            if outcome.is_ok() {
                break;
            }
            sleep(TRY_AFTER).await;
            outcome = self.ask_order(row, order_id).await;
        }
        let OrderOutcome { outcome, code, why } = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.starter.ping().await.map_err(|error| starter_failure(&error))?;
                self.store.ping().await.map_err(|error| store_failure(&error))?;
                OrderOutcome::failed(starter_code(&error), error.to_string())
            }
        };
        let at = self.starter.clock().business(Timestamp::now());
        Ok(BulkResult { order_id: order_id.clone(), outcome, code, why, at })
    }

    async fn ask_order(
        &self,
        BulkRow { task, started_at, started_by, .. }: &BulkRow,
        order_id: &OrderId,
    ) -> Result<OrderOutcome, StarterError> {
        let unknown = || Rejection::new(ErrorCode::OrderNotFound, "nothing has been recorded of the order");
        let Some(order) = self.starter.order(order_id).await? else { return Ok(OrderOutcome::refused(&unknown())) };
        let starter = started_by.clone().map_or_else(|| self.starter.clone(), |by| self.starter.by(by));
        let mut answers = Vec::new();
        for (command_id, request) in task.requests(&order) {
            match starter.command(order_id, CommandRequest::new(command_id, request)).await {
                Ok(_) => answers.push(Ok(())),
                Err(StarterError::Rejected(refusal)) => answers.push(Err(refusal)),
                Err(StarterError::NotFound) => answers.push(Err(unknown())),
                Err(error) => return Err(error),
            }
        }
        let after = self.starter.order(order_id).await?.unwrap_or(order);
        let outcome = task.judge(&after, &answers);
        match task.lifts(&outcome) {
            Some(lifted) if self.store.hold_lifted(order_id, lifted, *started_at).await? => Ok(OrderOutcome::done()),
            Some(_) | None => Ok(outcome),
        }
    }
}
