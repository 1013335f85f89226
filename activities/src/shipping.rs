//! Queue `shipping`: labels at the carrier.

mod goods;

use std::sync::Arc;

use futures::future::try_join_all;
use oms_domain::{
    error::ErrorCode,
    ids::{ChangeId, FacilityId, OrderId, ReturnId},
    order::{LabelOutcome, LabelRequest, Order},
    placed::{Address, PlacedOrder},
    returns,
};
use oms_store::Store;
use oms_workflows::contracts::definitions;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{
    Providers,
    failure::{failure, port_failure, store_failure},
    ports::{Carrier, LabelOrder, Party, PortError},
};

/// Books labels; the store knows where parcels go, which never travels through a workflow.
pub struct ShippingActivities {
    pub store: Store,
    pub carriers: Providers<dyn Carrier>,
}

#[activities]
impl ShippingActivities {
    #[activity(definition = definitions::BookLabel)]
    pub async fn book_label(self: Arc<Self>, ctx: ActivityContext, request: LabelRequest) -> Result<LabelOutcome, ActivityError> {
        let order = self.placed(&request.order_id, &request.changes).await?;
        let label = self.label(&order, &request).await?;
        self.book(&order, label, ctx.info().attempt).await
    }

    #[activity(definition = definitions::VoidLabel)]
    pub async fn void_label(self: Arc<Self>, ctx: ActivityContext, request: LabelRequest) -> Result<(), ActivityError> {
        self.void(&request.order_id, &carrier_key(&request), ctx.info().attempt).await
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
        let (piece, contents) = self.goods(&order, &request.lines, None).await?;
        let label = LabelOrder {
            key: return_key(&request.return_id),
            reference: request.return_id.to_string(),
            facility_id: request.return_to.to_string(),
            service: "return".to_owned(),
            from: customer(&order, group)?,
            to: self.facility(&request.return_to).await?,
            piece,
            contents,
        };
        self.book(&order, label, ctx.info().attempt).await
    }

    #[activity(definition = definitions::VoidReturnLabel)]
    pub async fn void_return_label(self: Arc<Self>, ctx: ActivityContext, return_id: ReturnId) -> Result<(), ActivityError> {
        let order_id = return_id.order_id().ok_or_else(|| failure(ErrorCode::Internal, "a return that names no order"))?;
        self.void(&order_id, &return_key(&return_id), ctx.info().attempt).await
    }
}

impl ShippingActivities {
    /// Books it, and keeps what it is printed from before anybody hears of it.
    async fn book(&self, order: &PlacedOrder, label: LabelOrder, attempt: u32) -> Result<LabelOutcome, ActivityError> {
        let (order_id, reference) = (&order.order_id, label.reference.clone());
        let carrier = self.carriers.begin(&self.store, order_id.as_str(), &label.key, &order.channel, order.currency).await?;
        let booking = match carrier.book(label).await {
            Ok(booking) => booking,
            Err(PortError::Refused(why)) => return Ok(LabelOutcome::Refused { why }),
            Err(error) => return Err(port_failure(&error, attempt)),
        };
        let keep = booking.documents.iter().map(|document| self.store.keep_label(order_id, &reference, document));
        try_join_all(keep).await.map_err(|error| store_failure(&error))?;
        Ok(LabelOutcome::Booked { carrier: booking.carrier, tracking_number: booking.tracking_number, tracking_url: booking.tracking_url })
    }

    async fn void(&self, order_id: &OrderId, key: &str, attempt: u32) -> Result<(), ActivityError> {
        let carrier = self.carriers.of(&self.store, order_id.as_str(), key).await?;
        carrier.void(key).await.map_err(|error| port_failure(&error, attempt))
    }

    /// A facility as labels name it. One whose address nobody has said is where it stands in the catalogue.
    async fn facility(&self, facility_id: &FacilityId) -> Result<Party, ActivityError> {
        let catalog = self.store.catalog();
        if let Some(address) = catalog.facility_address(facility_id).await.map_err(|error| store_failure(&error))? {
            return Ok(Party { address, email: None });
        }
        let facility = catalog.facility(facility_id).await.map_err(|error| store_failure(&error))?;
        let found = facility.ok_or_else(|| failure(ErrorCode::UnknownFacility, format!("the facility {facility_id} is gone")))?;
        let address = Address {
            name: found.name,
            line1: String::new(),
            line2: None,
            city: found.city,
            region: None,
            postal_code: None,
            country: found.country,
            phone: None,
            position: None,
        };
        Ok(Party { address, email: None })
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

    async fn label(&self, order: &PlacedOrder, request: &LabelRequest) -> Result<LabelOrder, ActivityError> {
        let (piece, contents) = self.goods(order, &request.lines, request.weight_g).await?;
        Ok(LabelOrder {
            key: carrier_key(request),
            reference: request.parcel_id.to_string(),
            facility_id: request.facility_id.to_string(),
            service: request.method.as_str().to_owned(),
            from: self.facility(&request.facility_id).await?,
            to: customer(order, request.group)?,
            piece,
            contents,
        })
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

/// The customer at the address of a group; of what they collected, where the invoice goes.
fn customer(order: &PlacedOrder, group: u16) -> Result<Party, ActivityError> {
    let address = order.delivery_groups.get(usize::from(group)).and_then(|group| group.destination.address());
    let address = address.ok_or_else(|| failure(ErrorCode::RefusedByRule, "there is no address to send it to, or from"))?;
    Ok(Party { address: address.clone(), email: order.customer.email.clone() })
}
