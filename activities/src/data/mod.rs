//! Queues `orders` and `data`: the house's own data, as local activities or, when a database is slow, as normal ones.

mod admit;
mod held;
pub(crate) mod plan;
mod record;
mod returned;
pub(crate) mod source;
mod waits;

use std::sync::Arc;

use oms_allocation::RulesInForce;
use oms_domain::{error::ErrorCode, event_id, ids::ReturnId, order::SourcingAnswer, returns::Return};
use oms_store::Store;
use oms_workflows::contracts::{
    AdmitRequest, Admitted, RecordAnswer, RecordInput, RecordedEvent, ReturnProgress, SourceInput, definitions,
};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::failure::{failure, store_failure};

/// Reads orders in, finds and reserves their stock, and records what becomes of them.
pub struct DataActivities {
    store: Store,
    rules: RulesInForce,
}

impl DataActivities {
    /// With the rules that sourcing goes by.
    pub fn new(store: Store, rules: RulesInForce) -> Self {
        Self { store, rules }
    }
}

#[activities]
impl DataActivities {
    #[activity(definition = definitions::Admit)]
    pub async fn admit(self: Arc<Self>, _ctx: ActivityContext, request: AdmitRequest) -> Result<Admitted, ActivityError> {
        self.admit_order(&request.order_id).await
    }

    #[activity(definition = definitions::Source)]
    pub async fn source(self: Arc<Self>, _ctx: ActivityContext, input: SourceInput) -> Result<SourcingAnswer, ActivityError> {
        self.find_and_reserve(&input).await
    }

    #[activity(definition = definitions::Record)]
    pub async fn record(self: Arc<Self>, _ctx: ActivityContext, input: RecordInput) -> Result<Option<RecordAnswer>, ActivityError> {
        let (at, digest) = (input.at, digest_of(&input.events));
        let mut record = record::record_of(input).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        if record.base == 0 {
            // What travels has a hash in its place; lists find orders by who placed them.
            let intake = self.store.intake(&record.order_id).await.map_err(|error| store_failure(&error))?;
            record.row.customer_id = intake.map_or(record.row.customer_id, |intake| intake.order.customer.customer_id);
        }
        if record::releases(&record) {
            let places = self.store.places(None, at).await.map_err(|error| store_failure(&error))?;
            record::name_ship_days(&mut record, &places.facilities, at);
        }
        let recorded = self.store.record(&record).await.map_err(|error| store_failure(&error))?;
        record::note(record.order_id.as_str(), record.version, recorded);
        Ok(Some(record::answer(recorded, record.version, digest)))
    }

    #[activity(definition = definitions::ReadReturn)]
    pub async fn read_return(self: Arc<Self>, _ctx: ActivityContext, id: ReturnId) -> Result<Option<Return>, ActivityError> {
        let document = self.store.return_document(&id).await.map_err(|error| store_failure(&error))?;
        let read = document.map(serde_json::from_value).transpose();
        read.map_err(|error| failure(ErrorCode::Internal, format!("the return's document cannot be read: {error}")))
    }

    #[activity(definition = definitions::RecordReturn)]
    pub async fn record_return(
        self: Arc<Self>,
        _ctx: ActivityContext,
        progress: ReturnProgress,
    ) -> Result<Option<RecordAnswer>, ActivityError> {
        let digest = digest_of(&progress.events);
        let record = returned::record_of(progress).map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        let recorded = self.store.record_return(&record).await.map_err(|error| store_failure(&error))?;
        record::note(record.return_id.as_str(), record.version, recorded);
        Ok(Some(record::answer(recorded, record.version, digest)))
    }
}

fn digest_of(events: &[RecordedEvent]) -> String {
    event_id::digest(events.iter().map(|event| (event.kind.as_str(), &event.data)))
}
