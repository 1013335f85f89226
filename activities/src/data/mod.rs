//! Queues `orders` and `data`: the house's own data, as local activities or, when a database is slow, as normal ones.

mod facilities;
mod plan;
mod record;
mod source;

use std::sync::Arc;

use oms_allocation::RulesInForce;
use oms_domain::{
    error::ErrorCode,
    order::{Order, OrderCore, SourcingAnswer},
};
use oms_store::Store;
use oms_workflows::contracts::{AdmitRequest, Admitted, RecordInput, SourceInput, definitions};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use self::facilities::Facilities;
use crate::failure::{failure, store_failure};

/// Reads orders in, finds and reserves their stock, and records what becomes of them.
pub struct DataActivities {
    store: Store,
    facilities: Facilities,
    rules: RulesInForce,
}

impl DataActivities {
    /// With the rules that sourcing goes by.
    pub fn new(store: Store, rules: RulesInForce) -> Self {
        Self { facilities: Facilities::new(store.clone()), store, rules }
    }
}

#[activities]
impl DataActivities {
    #[activity(definition = definitions::Admit)]
    pub async fn admit(self: Arc<Self>, _ctx: ActivityContext, request: AdmitRequest) -> Result<Admitted, ActivityError> {
        if request.resumes {
            let document = self.store.document(&request.order_id).await.map_err(|error| store_failure(&error))?;
            let document = document.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order has no document to go on from"))?;
            let order: Order = serde_json::from_value(document.doc)
                .map_err(|error| failure(ErrorCode::Internal, format!("the order document cannot be read: {error}")))?;
            return Ok(Admitted::Resumed(Box::new(order)));
        }
        let intake = self.store.intake(&request.order_id).await.map_err(|error| store_failure(&error))?;
        let intake = intake.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order was not taken in"))?;
        Ok(Admitted::Fresh(OrderCore::of(&intake.order)))
    }

    #[activity(definition = definitions::Source)]
    pub async fn source(self: Arc<Self>, _ctx: ActivityContext, input: SourceInput) -> Result<SourcingAnswer, ActivityError> {
        self.find_and_reserve(&input).await
    }

    #[activity(definition = definitions::Record)]
    pub async fn record(self: Arc<Self>, _ctx: ActivityContext, input: RecordInput) -> Result<(), ActivityError> {
        let record = record::record_of(input).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        let recorded = self.store.record(&record).await.map_err(|error| store_failure(&error))?;
        record::note(&record, &recorded);
        Ok(())
    }
}
