//! The stream, read on a thread of its own: decompressing and parsing would hold up everybody else's requests.

use std::io;

use axum::body::Body;
use oms_api::feed::{FeedRecord, OpenError, Row, Rows};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::pace::kept_going;
use crate::state::Limits;

/// Batches that wait for the store; the sender is slowed down beyond that.
const BATCHES_AHEAD: usize = 2;

/// What the reading thread hands over.
pub(super) enum Read<T> {
    Batch(Vec<Row<T>>),
    /// The end, which says how many rows there are.
    Said(u64),
    /// The end, before its time.
    Unreadable(OpenError),
}

/// The rows of a body, `rows_at_once` at a time. The channel closes at the end.
pub(super) fn batches<T: FeedRecord + Send + 'static>(body: Body, limits: &Limits, rows_at_once: usize) -> Receiver<Read<T>> {
    let input = SyncIoBridge::new(StreamReader::new(Box::pin(kept_going(body, limits))));
    let (sender, receiver) = channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(input, rows_at_once, &sender) {
            // Nobody listens any more when the run was given up: then there is nobody to tell.
            drop(sender.blocking_send(Read::Unreadable(error)));
        }
    });
    receiver
}

fn read<T: FeedRecord>(input: impl io::Read + Send + 'static, rows_at_once: usize, sender: &Sender<Read<T>>) -> Result<(), OpenError> {
    let mut batch = Vec::with_capacity(rows_at_once);
    let mut broken = None;
    let mut rows = Rows::<T>::open(input)?;
    for row in rows.by_ref() {
        match row {
            Ok(row) => batch.push(row),
            Err(error) => broken = Some(error),
        }
        if batch.len() == rows_at_once && sender.blocking_send(Read::Batch(std::mem::take(&mut batch))).is_err() {
            return Ok(());
        }
    }
    // Rows before a break were read whole: they count.
    if !batch.is_empty() && sender.blocking_send(Read::Batch(batch)).is_err() {
        return Ok(());
    }
    if let Some(said) = rows.said() {
        // See above.
        drop(sender.blocking_send(Read::Said(said)));
    }
    broken.map_or(Ok(()), |error| Err(error.into()))
}
