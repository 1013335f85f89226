//! Queue `shipping`: labels at the carrier.

use std::{collections::BTreeMap, sync::Arc};

use oms_domain::{
    error::ErrorCode,
    ids::{ChangeId, OrderId, ReturnId},
    order::{LabelOutcome, LabelRequest, Lines, Order},
    placed::{Address, PlacedOrder},
    returns,
};
use oms_store::Store;
use oms_workflows::contracts::definitions;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    failure::{failure, port_failure, store_failure},
    ports::{Carrier, LabelOrder, PortError},
};

/// Books labels; the store knows where parcels go, which never travels through a workflow.
pub struct ShippingActivities {
    pub store: Store,
    pub carrier: Arc<dyn Carrier>,
}

#[activities]
impl ShippingActivities {
    #[activity(definition = definitions::BookLabel)]
    pub async fn book_label(self: Arc<Self>, ctx: ActivityContext, request: LabelRequest) -> Result<LabelOutcome, ActivityError> {
        let label = self.label(&request).await?;
        self.book(label, ctx.info().attempt).await
    }

    #[activity(definition = definitions::VoidLabel)]
    pub async fn void_label(self: Arc<Self>, ctx: ActivityContext, request: LabelRequest) -> Result<(), ActivityError> {
        self.carrier.void(&carrier_key(&request)).await.map_err(|error| port_failure(&error, ctx.info().attempt))
    }

    /// A label for the customer to send back with: from their address to the facility.
    #[activity(definition = definitions::BookReturnLabel)]
    pub async fn book_return_label(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: returns::LabelRequest,
    ) -> Result<LabelOutcome, ActivityError> {
        let changes = self.confirmed(&request.order_id).await?;
        let order = self.placed(&request.order_id, &changes).await?;
        let group = order.lines.iter().find(|line| request.lines.contains_key(&line.line_id)).map_or(0, |line| line.delivery_group);
        let address = address(&order, group);
        let label = LabelOrder {
            key: return_key(&request.return_id),
            reference: request.return_id.to_string(),
            facility_id: request.return_to.to_string(),
            service: "return".to_owned(),
            country: address.map(|a| a.country.clone()).unwrap_or_default(),
            postal_code: address.and_then(|a| a.postal_code.clone()),
            weight_g: self.weight_g(&order, &request.lines).await?,
        };
        self.book(label, ctx.info().attempt).await
    }

    #[activity(definition = definitions::VoidReturnLabel)]
    pub async fn void_return_label(self: Arc<Self>, ctx: ActivityContext, return_id: ReturnId) -> Result<(), ActivityError> {
        self.carrier.void(&return_key(&return_id)).await.map_err(|error| port_failure(&error, ctx.info().attempt))
    }
}

impl ShippingActivities {
    async fn book(&self, label: LabelOrder, attempt: u32) -> Result<LabelOutcome, ActivityError> {
        match self.carrier.book(label).await {
            Ok(booking) => Ok(LabelOutcome::Booked { carrier: booking.carrier, tracking_number: booking.tracking_number }),
            Err(PortError::Refused(why)) => Ok(LabelOutcome::Refused { why }),
            Err(error) => Err(port_failure(&error, attempt)),
        }
    }

    async fn placed(&self, order_id: &OrderId, changes: &[ChangeId]) -> Result<PlacedOrder, ActivityError> {
        let placed = self.store.placed(order_id, changes).await.map_err(|error| store_failure(&error))?;
        placed.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order's intake is gone"))
    }

    /// What was confirmed of an order whose goods are with the customer.
    async fn confirmed(&self, order_id: &OrderId) -> Result<Vec<ChangeId>, ActivityError> {
        let document = self.store.document(order_id).await.map_err(|error| store_failure(&error))?;
        let document = document.ok_or_else(|| failure(ErrorCode::OrderNotFound, "the order's document is gone"))?;
        let order: Order = serde_json::from_value(document.doc)
            .map_err(|error| failure(ErrorCode::Internal, format!("the order document cannot be read: {error}")))?;
        Ok(order.change_ids())
    }

    async fn label(&self, request: &LabelRequest) -> Result<LabelOrder, ActivityError> {
        let order = self.placed(&request.order_id, &request.changes).await?;
        let address = address(&order, request.group);
        Ok(LabelOrder {
            key: carrier_key(request),
            reference: request.parcel_id.to_string(),
            facility_id: request.facility_id.to_string(),
            service: request.method.as_str().to_owned(),
            country: address.map(|a| a.country.clone()).unwrap_or_default(),
            postal_code: address.and_then(|a| a.postal_code.clone()),
            weight_g: match request.weight_g {
                Some(weight_g) => weight_g,
                None => self.weight_g(&order, &request.lines).await?,
            },
        })
    }

    /// What the units weigh, when nobody has put the parcel on a scale. A carrier takes at least a gram.
    async fn weight_g(&self, order: &PlacedOrder, lines: &Lines) -> Result<u32, ActivityError> {
        let skus: BTreeMap<_, _> = order.lines.iter().map(|line| (&line.line_id, &line.sku)).collect();
        let wanted: Vec<_> = lines.keys().filter_map(|id| skus.get(id).copied().cloned()).collect();
        let products = self.store.catalog().products(&wanted).await.map_err(|error| store_failure(&error))?;
        let unit_g: BTreeMap<_, _> = products.iter().map(|product| (&product.sku, product.weight_g)).collect();
        let grams = lines.iter().map(|(id, units)| {
            let unit_g = skus.get(id).and_then(|sku| unit_g.get(sku)).copied().unwrap_or(0);
            u64::from(unit_g) * u64::from(*units)
        });
        Ok(u32::try_from(grams.sum::<u64>().max(1)).unwrap_or(u32::MAX))
    }
}

/// The key under which the carrier knows the label of a return.
fn return_key(return_id: &ReturnId) -> String {
    format!("{return_id}:label")
}

/// The key under which the carrier knows a label.
fn carrier_key(request: &LabelRequest) -> String {
    format!("{}:{}", request.parcel_id, request.attempt)
}

fn address(order: &PlacedOrder, group: u16) -> Option<&Address> {
    order.delivery_groups.get(usize::from(group))?.destination.address()
}
