//! Fetches messages off queues and files from under prefixes, into the very same feeds. Whatever fails stays where it is and is fetched again;
//! what was refused is listed, and keeps nothing else waiting. No more is in hand than one batch an inlet.

use std::time::Duration;

use futures_util::{StreamExt, future::join_all, stream};
use jiff::{SignedDuration, Timestamp};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use oms_outlets::{Arn, CloudError, CloudName, Fetched, Files, Object, Queue};
use oms_starter::{Round, StarterError};
use oms_store::{Arrived, Inlet, InletMessage, MessageSaid, MessageStatus, NewMessage};
use tokio::time::Instant;

use crate::{failure::Failure, inlets, state::AppState};

/// How long one inlet is worked at before others are looked for.
const FETCH_FOR: Duration = Duration::from_secs(10);
/// Messages of a queue without an order that are dealt with at a time.
const MESSAGES_AT_ONCE: usize = 8;
/// Files that have not changed for so long are not looked at: what became of a file is known for 30 days.
const FILES_LOOKED_AT: SignedDuration = SignedDuration::from_hours(21 * 24);

/// What fetching from one inlet has come to.
#[derive(Default)]
struct Fetch {
    round: Round,
    failure: Option<String>,
    behind_since: Option<Timestamp>,
}

/// Looks at every inlet whose messages are fetched, side by side.
pub(crate) async fn fetch_all(state: &AppState) -> Result<Round, StarterError> {
    let inlets = state.store.inlets_to_fetch().await?;
    let fetched = join_all(inlets.iter().map(|inlet| fetch(state, inlet))).await;
    let mut all = Round::default();
    for (inlet, fetch) in inlets.iter().zip(fetched) {
        if let Some(why) = &fetch.failure {
            tracing::warn!(inlet.id = %inlet.inlet_id, error.message = why, "nothing could be fetched; it is tried again");
        }
        state.store.note_fetch(&inlet.inlet_id, fetch.failure.as_deref(), fetch.behind_since).await?;
        all.done += fetch.round.done;
        all.failed += fetch.round.failed;
    }
    Ok(all)
}

async fn fetch(state: &AppState, inlet: &Inlet) -> Fetch {
    let source = inlet.source.as_deref().unwrap_or_default();
    let mut fetch = Fetch::default();
    let fetched = match state.ways.cloud().source(source) {
        Ok(CloudName::Queue(queue)) => from_queue(state, inlet, &queue, &mut fetch).await,
        Ok(CloudName::Files { bucket, prefix }) => {
            let files = state.ways.cloud().files(&bucket, &prefix).await;
            from_files(state, inlet, &files, &mut fetch).await
        }
        Ok(CloudName::Bus(_)) => Err(unavailable("nothing can be fetched from a bus")),
        Err(why) => Err(unavailable(format!("the place {why}"))),
    };
    if let Err(Failure(problem)) = fetched {
        fetch.failure = Some(problem.detail.unwrap_or(problem.title));
    }
    fetch
}

fn unavailable(why: impl Into<String>) -> Failure {
    Problem::new(ErrorCode::Unavailable).detail(why.into()).into()
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        unavailable(error.to_string())
    }
}

/// Until the queue is empty, or others want to be looked at.
async fn from_queue(state: &AppState, inlet: &Inlet, queue: &Arn, fetch: &mut Fetch) -> Result<(), Failure> {
    let queue = state.ways.cloud().queue(queue).await?;
    let began = Instant::now();
    loop {
        let messages = queue.receive().await?;
        let Some(newest) = messages.iter().map(|message| message.sent_at).max() else {
            fetch.behind_since = None;
            return Ok(());
        };
        let at_once = if queue.is_in_order { 1 } else { MESSAGES_AT_ONCE };
        let taking = messages.iter().map(|message| take(state, inlet, &queue, message));
        let mut taken = stream::iter(taking).buffered(at_once);
        while let Some(outcome) = taken.next().await {
            if let Err(Failure(problem)) = note(&mut fetch.round, outcome)
                && queue.is_in_order
            {
                // What comes after it would overtake it.
                return Err(Failure(problem));
            }
        }
        fetch.behind_since = Some(newest);
        if began.elapsed() > FETCH_FOR {
            return Ok(());
        }
    }
}

fn note(round: &mut Round, outcome: Result<(), Failure>) -> Result<(), Failure> {
    match &outcome {
        Ok(()) => round.done += 1,
        Err(Failure(problem)) => {
            tracing::warn!(error.code = problem.code.code(), "a message was not dealt with; it is fetched again");
            round.failed += 1;
        }
    }
    outcome
}

/// Takes a message off the queue once it has had its effect.
async fn take(state: &AppState, inlet: &Inlet, queue: &Queue, message: &Fetched) -> Result<(), Failure> {
    let body = message.body.as_bytes();
    let is_too_long = body.len() > inlets::MESSAGE_MAX_BYTES;
    let said = if is_too_long { MessageSaid::Nowhere } else { MessageSaid::Here(body) };
    let body_sha256 = inlets::digest(body);
    let new = NewMessage { message_id: &message.message_id, body_sha256: &body_sha256, sent_at: Some(message.sent_at), said };
    match state.store.take_message(&inlet.inlet_id, new).await? {
        Arrived::ToDo(taken) if is_too_long => return refuse_too_long(state, inlet, &taken).await,
        Arrived::ToDo(taken) => {
            inlets::deal_with(state, inlet, &taken).await?;
        }
        // Somebody is about it, or it is left to the queue's own dead letters, as is another message under the same id.
        Arrived::Known(known) if known.status == MessageStatus::Taken || is_too_long => return Ok(()),
        Arrived::OtherBody => return Ok(()),
        Arrived::Known(_) => {}
    }
    Ok(queue.done(message).await?)
}

/// It is kept nowhere, so it stays in the queue, which has a place for what nobody can take.
async fn refuse_too_long(state: &AppState, inlet: &Inlet, taken: &InletMessage) -> Result<(), Failure> {
    let why = format!("it has more than {} kB, and stays in the queue", inlets::MESSAGE_MAX_BYTES / 1024);
    state.store.end_message(taken, MessageStatus::Refused, None, Some(&why), inlet.mapping_version).await?;
    Ok(())
}

/// Every file that nobody has dealt with, page by page, the oldest of a page first.
async fn from_files(state: &AppState, inlet: &Inlet, files: &Files, fetch: &mut Fetch) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let (objects, next) = files.list(after).await?;
        for object in unknown(state, inlet, objects).await? {
            fetch.behind_since = Some(object.changed_at);
            let outcome = take_file(state, inlet, &object).await;
            // One that fails is tried again, and keeps no other waiting.
            drop(note(&mut fetch.round, outcome));
        }
        fetch.behind_since = None;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn unknown(state: &AppState, inlet: &Inlet, mut objects: Vec<Object>) -> Result<Vec<Object>, Failure> {
    let since = Timestamp::now() - FILES_LOOKED_AT;
    objects.retain(|object| object.changed_at > since);
    let ids: Vec<String> = objects.iter().map(Object::message_id).collect();
    let known = state.store.messages_known(&inlet.inlet_id, &ids).await?;
    objects.retain(|object| !known.contains(&object.message_id()));
    objects.sort_by_key(|object| object.changed_at);
    Ok(objects)
}

async fn take_file(state: &AppState, inlet: &Inlet, object: &Object) -> Result<(), Failure> {
    let (message_id, said) = (object.message_id(), MessageSaid::InObject(&object.key));
    let new = NewMessage { message_id: &message_id, body_sha256: &object.etag, sent_at: Some(object.changed_at), said };
    match state.store.take_message(&inlet.inlet_id, new).await? {
        Arrived::ToDo(taken) => inlets::deal_with(state, inlet, &taken).await.map(drop),
        Arrived::Known(_) | Arrived::OtherBody => Ok(()),
    }
}
