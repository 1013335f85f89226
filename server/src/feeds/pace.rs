//! How fast the sender of a stream must be, so that nobody holds a place with a byte a minute.

use std::{io, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::{Stream, TryStreamExt, stream::try_unfold};
use tokio::time::{Instant, timeout};

use crate::state::Limits;

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
        let least = self.waited.as_millis() * u128::from(self.min_bytes_per_s) / 1_000;
        if self.waited > self.idle && u128::from(self.bytes) < least {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("less than {} bytes a second were sent", self.min_bytes_per_s)));
        }
        Ok(())
    }
}

/// The body's chunks; an error when its sender is silent for too long, or too slow.
pub(crate) fn kept_going(body: Body, limits: &Limits) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    try_unfold((body.into_data_stream(), Pace::of(limits)), |(mut chunks, mut pace)| async move {
        let asked = Instant::now();
        let silence = |_| io::Error::new(io::ErrorKind::TimedOut, format!("nothing was sent for {} s", pace.idle.as_secs()));
        let chunk = timeout(pace.idle, chunks.try_next()).await.map_err(silence)?.map_err(io::Error::other)?;
        let Some(chunk) = chunk else { return Ok(None) };
        pace.keep(&chunk, asked.elapsed())?;
        Ok(Some((chunk, (chunks, pace))))
    })
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
