//! While something is away, nobody waits for it with a workflow's task in hand: what would run beside the task, or at once after it, gives up
//! and goes to a queue where waiting costs nobody else anything. One step at a time still tries.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use oms_domain::error::ErrorCode;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::{
    activities::ActivityError,
    interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, ExecuteActivityResult, Next},
};
use tokio::time::{Instant, sleep};

/// A local step that takes so long waits for a database: it would be given up after two seconds.
const SLOW: Duration = Duration::from_millis(1_500);
/// So many in a row, and it is away.
const IN_A_ROW: u32 = 3;
/// How long nobody tries then, and how long whoever tries next has for it.
const REST: Duration = Duration::from_secs(2);

/// Of one thing that may be away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    failed_in_a_row: u32,
    /// Nobody tries before.
    rests_until: Option<Instant>,
}

impl State {
    /// Whether a step may try. Of those that come after a rest one may, and the others wait for what comes of it.
    fn admits(&mut self, now: Instant) -> bool {
        let rests = self.rests_until.is_some_and(|until| now < until);
        if !rests && self.rests_until.is_some() {
            self.rests_until = Some(now + REST);
        }
        !rests
    }

    fn failed(&mut self, now: Instant) {
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= IN_A_ROW {
            self.rests_until = Some(now + REST);
        }
    }
}

impl Breaker {
    fn look<T>(&self, at: impl FnOnce(&mut State) -> T) -> T {
        at(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tries, unless it is away; what takes so long has failed.
    pub(crate) fn guard<'a>(
        &'a self,
        slow: Duration,
        why: &str,
        work: impl FnOnce() -> ExecuteActivityOutput<'a>,
    ) -> ExecuteActivityOutput<'a> {
        if !self.look(|state| state.admits(Instant::now())) {
            return not_tried(why);
        }
        self.watch(work(), slow).boxed()
    }

    async fn watch(&self, mut work: ExecuteActivityOutput<'_>, slow: Duration) -> ExecuteActivityResult {
        let result = tokio::select! {
            result = &mut work => result,
            () = sleep(slow) => {
                self.look(|state| state.failed(Instant::now()));
                return work.await;
            }
        };
        match &result {
            Err(error) if may_pass(error) => self.look(|state| state.failed(Instant::now())),
            Ok(_) | Err(_) => self.look(|state| *state = State::default()),
        }
        result
    }
}

/// It is no answer of what may be away.
fn may_pass(error: &ActivityError) -> bool {
    matches!(error, ActivityError::Application(failure) if !failure.is_non_retryable())
}

/// The step goes to its other queue at once.
pub(crate) fn not_tried<'a>(why: &str) -> ExecuteActivityOutput<'a> {
    let failure = ApplicationFailure::builder(why.to_owned()).type_name(ErrorCode::Unavailable.code().to_owned()).build();
    std::future::ready(Err(failure.into())).boxed()
}

impl ActivityInboundInterceptor for Breaker {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        if !input.activity_info().is_local {
            return next.run(input);
        }
        self.guard(SLOW, "a database is away: not tried beside the task", || next.run(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_failures_in_a_row_one_tries_at_a_time_until_one_succeeds() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 1..IN_A_ROW {
            state.failed(now);
            assert!(state.admits(now), "one may be lost");
        }
        state.failed(now);
        assert!(!state.admits(now) && !state.admits(now + REST / 2));
        assert!(state.admits(now + REST), "somebody looks whether it is back");
        assert!(!state.admits(now + REST), "and nobody else meanwhile");
        state.failed(now + REST);
        assert!(!state.admits(now + REST + REST / 2) && state.admits(now + REST * 2));
        state = State::default();
        assert!(state.admits(now + REST * 2) && state.admits(now + REST * 2));
    }

    #[tokio::test]
    async fn what_fails_or_takes_too_long_counts_and_an_answer_does_not() {
        let (breaker, patient, hasty) = (Breaker::default(), Duration::from_secs(60), Duration::ZERO);
        let fails = || not_tried("away");
        let fails_late = || tokio::task::yield_now().then(|()| not_tried("away")).boxed();
        let refuses = || {
            let failure = ApplicationFailure::builder("no".to_owned()).non_retryable(true).build();
            std::future::ready(Err(failure.into())).boxed()
        };
        let admits = || breaker.look(|state| state.admits(Instant::now()));
        drop(breaker.watch(fails(), patient).await);
        drop(breaker.watch(fails_late(), hasty).await);
        drop(breaker.watch(refuses(), patient).await);
        drop(breaker.watch(fails(), patient).await);
        drop(breaker.watch(fails_late(), hasty).await);
        assert!(admits(), "there was an answer in between");
        drop(breaker.watch(fails(), patient).await);
        assert!(!admits(), "three in a row");
    }
}
