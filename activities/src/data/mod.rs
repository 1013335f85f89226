//! Queues `orders` and `data`: the house's own data, as local activities or, when a database is slow, as normal ones.

pub(crate) mod facilities;
mod held;
pub(crate) mod plan;
mod record;
mod returned;
pub(crate) mod source;

use std::sync::Arc;

use oms_allocation::RulesInForce;
use oms_domain::{
    error::ErrorCode,
    ids::ReturnId,
    order::{Order, OrderCore, SourcingAnswer},
    returns::Return,
};
use oms_store::{ReturnRecorded, Store};
use oms_workflows::contracts::{AdmitRequest, Admitted, RecordInput, ReturnProgress, SourceInput, definitions};
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
        Ok(Admitted::Fresh(Box::new(OrderCore::of(&intake.order))))
    }

    #[activity(definition = definitions::Source)]
    pub async fn source(self: Arc<Self>, _ctx: ActivityContext, input: SourceInput) -> Result<SourcingAnswer, ActivityError> {
        self.find_and_reserve(&input).await
    }

    #[activity(definition = definitions::Record)]
    pub async fn record(self: Arc<Self>, _ctx: ActivityContext, input: RecordInput) -> Result<(), ActivityError> {
        let at = input.at;
        let mut record = record::record_of(input).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        if record::releases(&record) {
            let facilities = self.facilities.all(at).await.map_err(|error| store_failure(&error))?;
            record::name_ship_days(&mut record, &facilities, at);
        }
        let recorded = self.store.record(&record).await.map_err(|error| store_failure(&error))?;
        record::note(&record, &recorded);
        Ok(())
    }

    #[activity(definition = definitions::ReadReturn)]
    pub async fn read_return(self: Arc<Self>, _ctx: ActivityContext, id: ReturnId) -> Result<Return, ActivityError> {
        let document = self.store.return_document(&id).await.map_err(|error| store_failure(&error))?;
        let document = document.ok_or_else(|| failure(ErrorCode::NotFound, "the return has no document to go on from"))?;
        serde_json::from_value(document)
            .map_err(|error| failure(ErrorCode::Internal, format!("the return's document cannot be read: {error}")))
    }

    #[activity(definition = definitions::RecordReturn)]
    pub async fn record_return(self: Arc<Self>, _ctx: ActivityContext, progress: ReturnProgress) -> Result<(), ActivityError> {
        let record = returned::record_of(progress).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        if self.store.record_return(&record).await.map_err(|error| store_failure(&error))? == ReturnRecorded::Replaced {
            tracing::warn!(return.id = %record.return_id, return.version = record.version, "replaced a lost task's record");
        }
        Ok(())
    }
}
