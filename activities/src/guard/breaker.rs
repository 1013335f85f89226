//! Whether a provider answers. After some calls in a row that it did not, nobody asks for a while; then one call finds out.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use oms_domain::provider::Circuit;
use tokio::time::Instant;

/// So many in a row, and it is away.
const IN_A_ROW: u32 = 5;
/// How often the rest doubles.
const DOUBLES: u32 = 4;
/// Whoever finds out has so long for it; then another may.
const FINDS_OUT_WITHIN: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Breaker {
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failed_in_a_row: u32,
    /// Nobody asks before.
    rests_until: Option<Instant>,
    /// Somebody finds out, since then.
    finding_out: Option<Instant>,
    since: Timestamp,
}

impl Breaker {
    pub(super) fn new(rest: Duration) -> Self {
        let state = State { failed_in_a_row: 0, rests_until: None, finding_out: None, since: Timestamp::now() };
        Self { rest, state: Mutex::new(state) }
    }

    fn look<T>(&self, at: impl FnOnce(&mut State) -> T) -> T {
        at(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a call may be tried; else how long nobody will.
    pub(super) fn admits(&self, now: Instant) -> Result<(), Duration> {
        self.look(|state| {
            let Some(until) = state.rests_until else { return Ok(()) };
            if now < until {
                return Err(until - now);
            }
            match state.finding_out {
                // Mostly it is known at once.
                Some(since) if now < since + FINDS_OUT_WITHIN => Err(self.rest),
                Some(_) | None => {
                    state.finding_out = Some(now);
                    Ok(())
                }
            }
        })
    }

    pub(super) fn succeeded(&self) {
        self.look(|state| {
            if state.rests_until.take().is_some() {
                state.since = Timestamp::now();
            }
            (state.failed_in_a_row, state.finding_out) = (0, None);
        });
    }

    pub(super) fn failed(&self, now: Instant) {
        self.look(|state| {
            state.failed_in_a_row = state.failed_in_a_row.saturating_add(1);
            state.finding_out = None;
            let Some(beyond) = state.failed_in_a_row.checked_sub(IN_A_ROW) else { return };
            if state.rests_until.is_none() {
                state.since = Timestamp::now();
            }
            state.rests_until = Some(now + self.rest * 2_u32.pow(beyond.min(DOUBLES)));
        });
    }

    /// A call that was admitted has not told whether it answers.
    pub(super) fn not_tried(&self) {
        self.look(|state| state.finding_out = None);
    }

    /// As people see it, and since when.
    pub(super) fn state(&self, now: Instant) -> (Circuit, Timestamp) {
        self.look(|state| {
            let circuit = match state.rests_until {
                None => Circuit::Closed,
                Some(until) if now < until => Circuit::Open,
                Some(_) => Circuit::HalfOpen,
            };
            (circuit, state.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(2);

    #[test]
    fn after_some_in_a_row_nobody_asks_and_then_one_finds_out() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        for _ in 1..IN_A_ROW {
            breaker.failed(now);
            assert_eq!(breaker.admits(now), Ok(()), "some may be lost");
        }
        breaker.failed(now);
        assert_eq!((breaker.admits(now), breaker.state(now).0), (Err(REST), Circuit::Open));
        let later = now + REST;
        assert_eq!(breaker.state(later).0, Circuit::HalfOpen);
        assert_eq!(breaker.admits(later), Ok(()));
        assert_eq!(breaker.admits(later), Err(REST), "one at a time");
        breaker.failed(later);
        assert_eq!(breaker.admits(later), Err(REST * 2), "ever longer");
        for _ in 0..20 {
            breaker.failed(later);
        }
        assert_eq!(breaker.admits(later), Err(REST * 16), "up to a bound");
        breaker.succeeded();
        assert_eq!((breaker.admits(later), breaker.state(later).0), (Ok(()), Circuit::Closed));
    }

    #[test]
    fn who_did_not_find_out_leaves_it_to_the_next() {
        let (breaker, now) = (Breaker::new(REST), Instant::now());
        (0..IN_A_ROW).for_each(|_| breaker.failed(now));
        assert_eq!(breaker.admits(now + REST), Ok(()));
        breaker.not_tried();
        assert_eq!(breaker.admits(now + REST), Ok(()));
        assert_eq!(breaker.admits(now + REST + FINDS_OUT_WITHIN), Ok(()), "who never came back holds up nobody");
    }
}
