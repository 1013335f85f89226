//! The stream, read on a thread of its own: decompressing and parsing would hold up everybody else's requests.

use std::{
    io,
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use futures_util::{Stream, TryStreamExt, stream::try_unfold};
use oms_api::feed::{FeedRecord, OpenError, Row, Rows};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::io::{StreamReader, SyncIoBridge};

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
    let input = SyncIoBridge::new(StreamReader::new(Box::pin(kept_going(body, Pace::of(limits)))));
    let (sender, receiver) = channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(input, rows_at_once, &sender) {
            // Nobody listens any more when the run was given up: then there is nobody to tell.
            drop(sender.blocking_send(Read::Unreadable(error)));
        }
    });
    receiver
}

/// How fast a sender must be, so that nobody holds a feed's place with a byte a minute.
struct Pace {
    idle: Duration,
    min_bytes_per_s: u64,
    /// For as long as we waited for the sender; how long the store took is not its fault.
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn of(limits: &Limits) -> Self {
        Self { idle: limits.feed_idle, min_bytes_per_s: limits.feed_min_bytes_per_s, waited: Duration::ZERO, bytes: 0 }
    }

    fn keep(&mut self, chunk: &Bytes, waited: Duration) -> io::Result<()> {
        self.waited += waited;
        self.bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if self.waited > self.idle && self.bytes < self.waited.as_secs() * self.min_bytes_per_s {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("less than {} bytes a second were sent", self.min_bytes_per_s)));
        }
        Ok(())
    }
}

/// The body's chunks; an error when its sender is silent for too long, or too slow.
fn kept_going(body: Body, pace: Pace) -> impl Stream<Item = io::Result<Bytes>> {
    try_unfold((body.into_data_stream(), pace), |(mut chunks, mut pace)| async move {
        let asked = Instant::now();
        let silence = |_| io::Error::new(io::ErrorKind::TimedOut, format!("nothing was sent for {} s", pace.idle.as_secs()));
        let chunk = tokio::time::timeout(pace.idle, chunks.try_next()).await.map_err(silence)?.map_err(io::Error::other)?;
        let Some(chunk) = chunk else { return Ok(None) };
        pace.keep(&chunk, asked.elapsed())?;
        Ok(Some((chunk, (chunks, pace))))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_slow_by_the_time_we_waited_for_it() {
        let limits = Limits { feed_idle: Duration::from_secs(60), feed_min_bytes_per_s: 256, ..Limits::default() };
        let (chunk, mut slow, mut fast) = (Bytes::from_static(&[0; 64]), Pace::of(&limits), Pace::of(&limits));
        assert!((0..60).all(|_| slow.keep(&chunk, Duration::from_secs(1)).is_ok()), "it may begin slowly");
        assert!(slow.keep(&chunk, Duration::from_secs(1)).is_err());
        assert!((0..10_000).all(|_| fast.keep(&chunk, Duration::from_millis(100)).is_ok()));
    }
}
