//! Queue `data`: what is done to the house as a whole; queue `relations`: what waits for an order in it.

mod exchange;
mod export;
mod pool;
mod prices;

use std::{sync::Arc, time::Duration};

use oms_allocation::RulesInForce;
use oms_domain::{
    access::{By, HousePart},
    error::ErrorCode,
    order::Request,
};
use oms_starter::{CommandRequest, Starter, StarterError};
use oms_store::Store;
use oms_workflows::maintenance::contracts::{
    ExportDays, ExportReport, MoveOutcome, PlanPool, PlannedMove, PoolPlan, PriceStock, PricesReport, PruneReport, definitions,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    failure::{failure, store_failure},
    orders::starter_failure,
    ports::Exporter,
};

/// Most rows of a kind that one attempt deletes: a statement that is soon over.
const PRUNED_MAX: u32 = 5_000;
/// How long one attempt watches an order that moves, and how often it looks.
const WATCH: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Decides pools of orders again and prices the stock, off every order's path.
pub struct MaintenanceActivities {
    store: Store,
    starter: Starter,
    rules: RulesInForce,
    exporter: Option<Arc<dyn Exporter>>,
}

impl MaintenanceActivities {
    /// With the rules that sourcing goes by, and what writes tables out, if anything does.
    pub fn new(store: Store, starter: Starter, rules: RulesInForce, exporter: Option<Arc<dyn Exporter>>) -> Self {
        Self { store, starter, rules, exporter }
    }
}

#[activities]
impl MaintenanceActivities {
    #[activity(definition = definitions::PlanPool)]
    pub async fn plan_pool(self: Arc<Self>, _ctx: ActivityContext, input: PlanPool) -> Result<PoolPlan, ActivityError> {
        self.plan(&input).await
    }

    #[activity(definition = definitions::PriceStock)]
    pub async fn price_stock(self: Arc<Self>, _ctx: ActivityContext, input: PriceStock) -> Result<PricesReport, ActivityError> {
        self.price(input.at).await
    }

    #[activity(definition = definitions::Prune)]
    pub async fn prune(self: Arc<Self>, _ctx: ActivityContext) -> Result<PruneReport, ActivityError> {
        let pruned = self.store.prune(PRUNED_MAX).await.map_err(|error| store_failure(&error))?;
        let swept = self.store.feeds().sweep().await.map_err(|error| store_failure(&error))?;
        Ok(PruneReport { rows: pruned.rows() + swept })
    }

    #[activity(definition = definitions::Export)]
    pub async fn export(self: Arc<Self>, ctx: ActivityContext, days: ExportDays) -> Result<ExportReport, ActivityError> {
        self.write_out(&ctx, &days).await
    }

    #[activity(definition = definitions::MoveOrder)]
    pub async fn move_order(self: Arc<Self>, _ctx: ActivityContext, planned: PlannedMove) -> Result<MoveOutcome, ActivityError> {
        let pool_id = &planned.reallocation.pool_id;
        let request = CommandRequest::new(format!("{pool_id}:move"), Request::Reallocate(planned.reallocation.clone()));
        match self.starter.by(By::house(HousePart::Pool)).command(&planned.order_id, request).await {
            Ok(_) => {}
            Err(StarterError::Rejected(refusal)) => return Ok(MoveOutcome::Skipped { why: refusal.message }),
            Err(error) => return Err(starter_failure(&error)),
        }
        let until = tokio::time::Instant::now() + WATCH;
        loop {
            let order = self.starter.order(&planned.order_id).await.map_err(|error| starter_failure(&error))?;
            let pooled = order.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order has no document"))?.pooled;
            if pooled.moved_by.as_ref() == Some(pool_id) {
                return Ok(MoveOutcome::Moved);
            }
            if pooled.asked.is_none() {
                return Ok(MoveOutcome::Skipped { why: "its units could not be had any more, or it was released meanwhile".to_owned() });
            }
            if tokio::time::Instant::now() >= until {
                // The retry policy looks again; the order knows the question by its id.
                return Err(failure(ErrorCode::Unavailable, "the order is being moved"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
