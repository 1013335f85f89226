//! What the worker that has an order's task in hand tries at once at a system outside, with slots that nothing else needs. A system that is
//! away or slow, or has enough in hand, gets nothing more here: its own queue has the step then.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::FutureExt;
use oms_workflows::{
    contracts::{Payments, Shipping},
    names::Queue,
};
use temporalio_common::ActivityDefinition;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use tokio::sync::Semaphore;

use crate::breaker::{Breaker, not_tried};

/// Slots for such tries, of which those that poll for more hold a few.
pub(crate) const SLOTS: usize = 100;
/// Of one system, so that another always finds one.
const ROOM: usize = 40;
/// A system that takes so long is as good as away.
const SLOW: Duration = Duration::from_secs(5);

/// The systems that this process serves.
#[derive(Debug)]
pub(crate) struct AtOnce {
    payments: Option<System>,
    shipping: Option<System>,
}

#[derive(Debug)]
struct System {
    breaker: Breaker,
    room: Arc<Semaphore>,
}

impl AtOnce {
    pub(crate) fn of(serves: &BTreeSet<Queue>) -> Self {
        let system = |queue| serves.contains(&queue).then(|| System { breaker: Breaker::default(), room: Arc::new(Semaphore::new(ROOM)) });
        Self { payments: system(Queue::Payments), shipping: system(Queue::Shipping) }
    }

    /// Whose step it is. None: no system's outside.
    fn system(&self, activity: &str) -> Option<Option<&System>> {
        let payments = [Payments::pay.name(), Payments::ask_payment.name()];
        let shipping = [
            Shipping::book_label.name(),
            Shipping::void_label.name(),
            Shipping::book_return_label.name(),
            Shipping::void_return_label.name(),
        ];
        match activity {
            pays if payments.contains(&pays) => Some(self.payments.as_ref()),
            ships if shipping.contains(&ships) => Some(self.shipping.as_ref()),
            _ => None,
        }
    }
}

impl System {
    fn guard<'a>(&'a self, work: impl FnOnce() -> ExecuteActivityOutput<'a>) -> ExecuteActivityOutput<'a> {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return not_tried("this worker has enough of that system in hand");
        };
        let tried = self.breaker.guard(SLOW, "that system is away: not tried at once", work);
        async move {
            let _place = place;
            tried.await
        }
        .boxed()
    }
}

impl ActivityInboundInterceptor for AtOnce {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        match self.system(&info.activity_type) {
            None => next.run(input),
            Some(None) => not_tried("this worker does not serve that system"),
            Some(Some(system)) => system.guard(|| next.run(input)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> AtOnce {
        AtOnce::of(&Queue::ALL.iter().copied().collect())
    }

    #[test]
    fn only_what_is_served_here_is_tried_at_once() {
        let at_once = AtOnce::of(&[Queue::Orders, Queue::Payments].into());
        assert!(matches!(at_once.system("pay"), Some(Some(_))));
        assert!(matches!(at_once.system("book_label"), Some(None)));
        assert!(at_once.system("record").is_none(), "the house's own data are nobody's outside");
    }

    #[tokio::test]
    async fn a_system_that_hangs_leaves_room_for_the_others() {
        let at_once = all();
        let (gateway, carrier) = (at_once.payments.as_ref().unwrap(), at_once.shipping.as_ref().unwrap());
        let hangs = || std::future::pending().boxed();
        let mut hanging: Vec<_> = (0..ROOM).map(|_| gateway.guard(hangs)).collect();
        for hung in &mut hanging {
            assert!(hung.now_or_never().is_none());
        }
        assert!(gateway.guard(hangs).now_or_never().is_some_and(|refused| refused.is_err()), "no more of it");
        assert!(carrier.guard(hangs).now_or_never().is_none(), "another has room");
        drop(hanging);
        assert!(gateway.guard(hangs).now_or_never().is_none(), "what ended gives its place back");
        const { assert!(2 * ROOM < SLOTS) };
    }
}
