//! Running a feed: a thread reads rows off the stream, batches cross a short channel, and the store applies each batch as one.

mod apply;
mod pace;
mod read;

use axum::body::Body;
use oms_api::{
    facility::FacilityBody,
    feed::OpenError,
    problem::{FieldError, Problem},
    product::ProductBody,
    stock::{ReceiptRow, StockRow},
};
use oms_domain::{error::ErrorCode, feed::FeedDecision, placed::PlacedOrder};
use oms_store::{FeedKind, FeedRun, StartFeed};
use tracing::Instrument;
use uuid::Uuid;

pub(crate) use self::pace::kept_going;
use self::{
    apply::Apply,
    read::{Read, batches},
};
use crate::{failure::Failure, state::AppState};

/// Reads the feed to its end, in a task of its own: a sender who hangs up leaves a run that says so, not one that runs for ever.
pub(crate) async fn run(state: AppState, feed: StartFeed, body: Body) -> Result<FeedRun, Failure> {
    let running = tokio::spawn(run_through(state, feed, body).in_current_span());
    running.await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

/// Decides about a parked feed and applies it, if so: in a task of its own, for a large one outlives a caller's patience. None: there is
/// no such run.
pub(crate) async fn decide(state: AppState, feed_id: Uuid, decision: FeedDecision) -> Result<Option<FeedRun>, Failure> {
    if state.store.feeds().get(feed_id).await?.is_none() {
        return Ok(None);
    }
    let deciding = async move {
        let run = state.store.feeds().decide(feed_id, decision).await?;
        decision.refuse_unless_made(run.status, run.parked.is_some())?;
        state.relay.nudge();
        Ok(Some(run))
    };
    tokio::spawn(deciding.in_current_span()).await.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

async fn run_through(state: AppState, feed: StartFeed, body: Body) -> Result<FeedRun, Failure> {
    let feed_id = state.store.feeds().start(&feed).await?;
    let applied = match feed.kind {
        FeedKind::Facilities => apply_all::<FacilityBody>(&state, feed_id, body).await,
        FeedKind::Products => apply_all::<ProductBody>(&state, feed_id, body).await,
        FeedKind::Stock => apply_all::<StockRow>(&state, feed_id, body).await,
        FeedKind::Receipts => apply_all::<ReceiptRow>(&state, feed_id, body).await,
        FeedKind::Orders => apply_all::<PlacedOrder>(&state, feed_id, body).await,
    };
    match applied {
        Ok(()) => whole(state.store.feeds().finish(feed_id).await?),
        Err(Failure(problem)) => {
            let reason = problem.detail.clone().unwrap_or_else(|| problem.title.clone());
            state.store.feeds().fail(feed_id, &reason).await?;
            Err(problem.detail(format!("{reason} (feed run {feed_id})")).into())
        }
    }
}

/// A file that was cut is refused, with what was missed.
fn whole(run: FeedRun) -> Result<FeedRun, Failure> {
    let Some(failure) = run.failure else { return Ok(run) };
    let error = FieldError { pointer: "?expected_rows".to_owned(), message: failure.clone() };
    Err(Problem::validation(vec![error]).detail(format!("{failure} (feed run {})", run.feed_id)).into())
}

async fn apply_all<T: Apply>(state: &AppState, feed_id: Uuid, body: Body) -> Result<(), Failure> {
    let mut batches = batches::<T>(body, &state.limits, T::ROWS_AT_ONCE);
    while let Some(read) = batches.recv().await {
        match read {
            Read::Batch(batch) => apply::batch(state, feed_id, batch).await?,
            Read::Said(rows) => state.store.feeds().expect_rows(feed_id, rows).await?,
            Read::Unreadable(error) => return Err(unreadable(error)),
        }
    }
    Ok(())
}

fn unreadable(error: OpenError) -> Failure {
    let detail = error.to_string();
    match error {
        OpenError::Io(_) => Problem::new(ErrorCode::MalformedBody).detail(detail).into(),
        OpenError::NotJsonLines => Problem::new(ErrorCode::UnsupportedMediaType).detail(detail).into(),
        OpenError::Columns(errors) => Problem::validation(errors).detail(detail).into(),
    }
}
