//! Queue `fraud`: the fraud check.

use std::sync::Arc;

use oms_domain::{
    error::ErrorCode,
    money::Money,
    order::{ScreenRequest, Verdict},
    placed::{Destination, PlacedOrder},
};
use oms_store::Store;
use oms_workflows::contracts::definitions;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    Providers,
    failure::{failure, port_failure, store_failure},
    ports::{FraudCheck, FraudQuestion},
};

/// Has orders screened; what is told of one is read from it as placed.
pub struct FraudActivities {
    pub store: Store,
    /// None: this worker was given no fraud check.
    pub checks: Option<Providers<dyn FraudCheck>>,
}

#[activities]
impl FraudActivities {
    #[activity(definition = definitions::Screen)]
    pub async fn screen(self: Arc<Self>, ctx: ActivityContext, request: ScreenRequest) -> Result<Verdict, ActivityError> {
        let checks =
            self.checks.as_ref().ok_or_else(|| failure(ErrorCode::Unavailable, "no fraud check is configured, see OMS_FRAUD_URL"))?;
        let intake = self.store.intake(&request.order_id).await.map_err(|error| store_failure(&error))?;
        let order = intake.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order's intake is gone"))?.order;
        let question = FraudQuestion {
            key: request.key(),
            reference: request.order_id.to_string(),
            amount: Money::new(request.amount_minor, request.currency),
            customer_id: order.customer.customer_id.to_string(),
            country: country(&order),
        };
        let check = checks.begin(&self.store, request.order_id.as_str(), "", &order.channel, request.currency).await?;
        check.screen(question).await.map_err(|error| port_failure(&error, ctx.info().attempt))
    }
}

/// Where the first group goes; empty for what is collected.
fn country(order: &PlacedOrder) -> String {
    let destination = order.delivery_groups.first().map(|group| &group.destination);
    match destination {
        Some(Destination::Address(address)) => address.country.clone(),
        Some(Destination::Pickup { .. }) | None => String::new(),
    }
}
