//! Reading the outbox: which orders have changed, and where they belong.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use oms_domain::{access::Scope, ids::OrderId};
use oms_store::{EVENTS_END, EventFilter, OrderReach, StoreError};
use tokio::time::{MissedTickBehavior, interval};

use super::{Live, News};

/// Twice a second: nobody waits longer than that for what is there.
const EVERY: Duration = Duration::from_millis(500);
/// Events that are read at a time; when there are more they are read at once.
const EVENTS_MAX: u32 = 500;

/// An order to which something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) order_id: OrderId,
    /// None: nothing is recorded of it.
    pub(super) reach: Option<OrderReach>,
}

impl Change {
    pub(super) fn is_within(&self, scope: &Scope) -> bool {
        scope.is_whole() || self.reach.as_ref().is_some_and(|reach| reach.is_within(scope))
    }
}

/// Reads as long as somebody listens. A round that fails is told to nobody, so that listeners miss it; the next one goes on where it began.
pub(super) async fn read(live: Live) {
    let (mut pace, mut after) = (interval(EVERY), EVENTS_END.to_owned());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        if live.is_over() {
            return;
        }
        if let Err(error) = round(&live, &mut after).await {
            tracing::warn!(error.message = %error, "nobody can be told what has changed");
        }
    }
}

/// Everything that is there.
async fn round(live: &Live, after: &mut String) -> Result<(), StoreError> {
    loop {
        let page = live.0.store.events_after(Some(after), &EventFilter::default(), EVENTS_MAX).await?;
        let orders: BTreeSet<OrderId> = page.events.into_iter().filter_map(|event| event.order_id).collect();
        live.tell(News::Read(changes(live, orders).await?));
        *after = page.next;
        if !page.has_more {
            return Ok(());
        }
    }
}

async fn changes(live: &Live, orders: BTreeSet<OrderId>) -> Result<Arc<[Change]>, StoreError> {
    if orders.is_empty() {
        return Ok(Arc::default());
    }
    let ids: Vec<&str> = orders.iter().map(OrderId::as_str).collect();
    let mut reaches = live.0.store.order_reaches(&ids).await?;
    let change = |order_id: OrderId| Change { reach: reaches.remove(&order_id), order_id };
    Ok(orders.into_iter().map(change).collect())
}
