//! The earliest deadline has a timer. One that rings too early is harmless, so timers are not moved: one is added when none of those that
//! are set rings in time.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use temporalio_workflow::{TimerOptions, WorkflowCancellationToken, WorkflowContext, WorkflowTermination};

use super::{CommandOf, Driven, Pending, Woken, now};

/// The server's timers are no finer than this.
const SHORTEST_TIMER: Duration = Duration::from_secs(1);

/// The times for which a timer is set.
#[derive(Default)]
pub(super) struct Alarms(BTreeSet<Timestamp>);

impl Alarms {
    /// Sets a timer for the earliest deadline, unless one rings by then.
    pub fn set<W: Driven>(&mut self, ctx: &WorkflowContext<W>) -> Result<Option<Pending<CommandOf<W>>>, WorkflowTermination> {
        let Some((due, what)) = ctx.state(W::next_deadline).filter(|(due, _)| self.is_needed(*due)) else { return Ok(None) };
        self.0.insert(due);
        let duration = ctx.state(W::clock).real_wait(now(ctx)?, due).max(SHORTEST_TIMER);
        let options = TimerOptions::builder(duration)
            .cancellation_token(WorkflowCancellationToken::new())
            .summary(format!("deadline: {what}"))
            .build();
        let ctx = ctx.clone();
        Ok(Some(Box::pin(async move {
            ctx.timer(options).await;
            Woken::Alarm(due)
        })))
    }

    fn is_needed(&self, due: Timestamp) -> bool {
        self.0.first().is_none_or(|first| *first > due)
    }

    pub fn rang(&mut self, set_for: Timestamp) {
        self.0.remove(&set_for);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_timer_that_is_set_already_is_not_set_again_when_an_earlier_one_has_rung() {
        let [early, late, later] = [10, 20, 30].map(|second| Timestamp::from_second(second).unwrap());
        let mut alarms = Alarms::default();
        let set = |alarms: &mut Alarms, due| {
            let needed = alarms.is_needed(due);
            alarms.0.extend(needed.then_some(due));
            needed
        };
        assert!(set(&mut alarms, late) && set(&mut alarms, early) && !set(&mut alarms, later));
        alarms.rang(early);
        assert!(!set(&mut alarms, late) && !set(&mut alarms, later));
        alarms.rang(late);
        assert!(set(&mut alarms, later));
    }
}
