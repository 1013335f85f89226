//! Messages from outside, into the very same feeds: kept first, then dealt with, by whoever took it in or by whoever comes after.

use axum::body::Body;
use jiff::Timestamp;
use oms_api::mapping::Mapping;
use oms_domain::{
    access::{Actor, By, PrincipalKind},
    error::ErrorCode,
    feed::FeedStatus,
    ids::AccountId,
};
use oms_outlets::{Secret, verify};
use oms_starter::{Round, StarterError};
use oms_store::{FeedKind, FeedMode, FeedRun, Inlet, InletMessage, MessageStatus, PickedUnits, StartFeed};

use crate::{failure::Failure, feeds, state::AppState};

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
    let body = state.store.message_body(&inlet.inlet_id, &message.message_id).await?.ok_or(ErrorCode::NotFound)?;
    let body = match &inlet.mapping {
        None => body,
        Some(mapping) => mapped(mapping, &body)?,
    };
    let feed = StartFeed {
        kind: inlet.kind,
        source: format!("{} {}", inlet.name, message.message_id).chars().take(200).collect(),
        as_of: (inlet.kind == FeedKind::Stock).then_some(message.received_at),
        told_at: state.now(),
        mode: FeedMode::Partial,
        picked_units: PickedUnits::default(),
        expected_rows: None,
    };
    feeds::run(state.clone(), feed, Body::from(body)).await
}

fn mapped(mapping: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let refused = |why: String| Failure::from(oms_api::problem::Problem::new(ErrorCode::ValidationFailed).detail(why));
    let mapping = Mapping::parse(mapping).map_err(|why| refused(why.to_string()))?;
    let mut mapped = Vec::new();
    mapping.transform(body, &mut mapped).map_err(|why| refused(why.to_string()))?;
    Ok(mapped)
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
