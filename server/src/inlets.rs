//! Messages from outside, into the very same feeds: kept first, then dealt with, by whoever took it in or by whoever comes after.

use std::io::Cursor;

use axum::body::Body;
use jiff::Timestamp;
use oms_api::{mapping::Mapping, problem::Problem};
use oms_domain::{
    access::{Actor, By, PrincipalKind},
    error::ErrorCode,
    feed::FeedStatus,
    ids::AccountId,
};
use oms_outlets::{CloudName, Secret, verify};
use oms_starter::{Round, StarterError};
use oms_store::{FeedKind, FeedMode, FeedRun, Inlet, InletMessage, MessageStatus, PickedUnits, StartFeed};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::ReaderStream;

use crate::{failure::Failure, feeds, state::AppState};

/// Longest message that is kept. Files of any size go to the feeds, or stay in their buckets.
pub(crate) const MESSAGE_MAX_BYTES: usize = 256 * 1024;
/// Longest foreign file.
const FOREIGN_MAX_BYTES: u64 = 64_000_000;
/// Messages that are taken over at a time.
const LEFT_AT_ONCE: u32 = 20;

/// Whether a message is from one who knows a secret of the inlet, and not from long ago.
pub(crate) fn is_signed(state: &AppState, inlet: &Inlet, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
    let secret = |known: &oms_store::InletSecret| Secret::new(state.store.inlet_secret(&inlet.inlet_id, &known.secret_id));
    let secrets: Vec<Secret> = inlet.secrets.iter().map(secret).collect();
    verify(&secrets, id, timestamp, signatures, body, Timestamp::now().as_second())
}

/// Deals with a message that is kept. What it brings counts once, however often it is dealt with.
pub(crate) async fn deal_with(state: &AppState, inlet: &Inlet, message: &InletMessage) -> Result<InletMessage, Failure> {
    // Whoever sends there is a machine, by the inlet's own name.
    let id = AccountId::parse(inlet.inlet_id.as_str()).map_err(|_| ErrorCode::Internal)?;
    let by = By { actor: Actor { kind: PrincipalKind::Machine, id, station: None }, request_id: None };
    let acting = AppState { store: state.store.by(by.clone()), starter: state.starter.by(by), ..state.clone() };
    let (status, feed_id, why) = match applied(&acting, inlet, message).await {
        Ok(run) if run.rejected == 0 && run.status != FeedStatus::Failed => (MessageStatus::Applied, Some(run.feed_id), None),
        Ok(run) => {
            let rows = if run.rejected == 1 { "row was" } else { "rows were" };
            let why = run.failure.unwrap_or_else(|| format!("{} {rows} refused: the feed run names each", run.rejected));
            (MessageStatus::Refused, Some(run.feed_id), Some(why))
        }
        // Nothing is known of it yet: it is dealt with again.
        Err(Failure(problem)) if problem.code.http_status() >= 500 => return Err(Failure(problem)),
        Err(Failure(problem)) => (MessageStatus::Refused, None, Some(problem.detail.unwrap_or(problem.title))),
    };
    Ok(state.store.end_message(message, status, feed_id, why.as_deref(), inlet.mapping_version).await?)
}

async fn applied(state: &AppState, inlet: &Inlet, message: &InletMessage) -> Result<FeedRun, Failure> {
    let said = said(state, inlet, message).await?;
    let body = match &inlet.mapping {
        None => Body::from_stream(ReaderStream::new(said)),
        Some(mapping) => Body::from(mapped(mapping.clone(), said).await?),
    };
    // What a count says is of when it was sent, however late it comes: a newer one stands.
    let told_at = state.starter.clock().business(message.sent_at.unwrap_or(message.received_at));
    let feed = StartFeed {
        kind: inlet.kind,
        source: format!("{} {}", inlet.name, message.message_id).chars().take(200).collect(),
        as_of: (inlet.kind == FeedKind::Stock).then_some(told_at),
        told_at: state.now(),
        mode: FeedMode::Partial,
        picked_units: PickedUnits::default(),
        expected_rows: None,
    };
    feeds::run(state.clone(), feed, body).await
}

/// What a message says, from where it is kept.
async fn said(state: &AppState, inlet: &Inlet, message: &InletMessage) -> Result<Box<dyn AsyncRead + Send + Unpin>, Failure> {
    let Some(key) = &message.object else {
        let kept = state.store.message_body(&inlet.inlet_id, &message.message_id).await?;
        return Ok(Box::new(Cursor::new(kept.ok_or_else(|| refused("what it said is not kept any more"))?)));
    };
    let cloud = state.ways.cloud();
    let source = inlet.source.as_deref().map(|source| cloud.source(source));
    let files = match source {
        Some(Ok(CloudName::Files { bucket, prefix })) => cloud.files(&bucket, &prefix).await,
        Some(Ok(CloudName::Bus(_) | CloudName::Queue(_))) | None => return Err(refused("its inlet has no files")),
        Some(Err(why)) => return Err(refused(format!("its place {why}"))),
    };
    let read = files.read(key, &message.body_sha256).await;
    let read = read.map_err(|why| Problem::new(ErrorCode::Unavailable).detail(why.to_string()))?;
    read.ok_or_else(|| refused("the file is not in its bucket any more, or is another by now"))
}

fn refused(why: impl Into<String>) -> Failure {
    Problem::new(ErrorCode::ValidationFailed).detail(why.into()).into()
}

/// A foreign file as a feed of ours. Such a one is read whole, so it may not be of any size.
async fn mapped(mapping: String, said: Box<dyn AsyncRead + Send + Unpin>) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = said.take(FOREIGN_MAX_BYTES + 1).read_to_end(&mut body).await;
    read.map_err(|why| Problem::new(ErrorCode::Unavailable).detail(why.to_string()))?;
    if body.len() as u64 > FOREIGN_MAX_BYTES {
        return Err(refused(format!("a file that a table of columns is for may have {} MB", FOREIGN_MAX_BYTES / 1_000_000)));
    }
    let mapping = Mapping::parse(&mapping).map_err(|why| refused(why.to_string()))?;
    let transforming = tokio::task::spawn_blocking(move || {
        let mut mapped = Vec::new();
        mapping.transform(body.as_slice(), &mut mapped).map(|_| mapped)
    });
    transforming.await.map_err(|_| ErrorCode::Internal)?.map_err(|why| refused(why.to_string()))
}

/// What tells one body from another.
pub(crate) fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Deals with messages whose takers have died.
pub(crate) async fn take_over(state: &AppState) -> Result<Round, StarterError> {
    let mut round = Round::default();
    for message in state.store.messages_left(LEFT_AT_ONCE).await? {
        let Some(inlet) = state.store.inlet(&message.inlet_id).await? else { continue };
        match deal_with(state, &inlet, &message).await {
            Ok(_) => round.done += 1,
            Err(Failure(problem)) => {
                tracing::warn!(inlet.id = %inlet.inlet_id, error.code = problem.code.code(), "a message was not dealt with; it is tried again");
                round.failed += 1;
            }
        }
    }
    Ok(round)
}
