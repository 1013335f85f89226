//! What a path names must be of the caller's facilities and channels. If not, it is as if it did not exist.

use std::str::FromStr;

use oms_api::{attention::parse_attention_id, problem::Problem};
use oms_domain::{
    error::ErrorCode,
    ids::{ClaimId, FacilityId, FulfillmentOrderId, OrderId, ParcelId, ReturnId},
};

use crate::{caller::Caller, failure::Failure, state::AppState};

/// Refuses a path with something that the caller does not know of. An id that is none is left to the handler, which says so.
pub(super) async fn refuse<'a>(
    state: &AppState,
    caller: &Caller,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Failure> {
    for (name, value) in parameters {
        if let Some(named) = Named::read(name, value)
            && !named.is_seen(state, caller).await?
        {
            return Err(Problem::new(named.not_found()).into());
        }
    }
    Ok(())
}

/// What a part of a path names.
enum Named {
    Order(OrderId, ErrorCode),
    FulfillmentOrder(FulfillmentOrderId),
    Facility(FacilityId),
}

impl Named {
    fn read(name: &str, value: &str) -> Option<Self> {
        let of = |order_id: Option<OrderId>, code| Some(Self::Order(order_id?, code));
        match name {
            "order_id" => of(id(value), ErrorCode::OrderNotFound),
            "exchange_id" => of(id(value), ErrorCode::NotFound),
            "return_id" => of(id::<ReturnId>(value)?.order_id(), ErrorCode::ReturnNotFound),
            "claim_id" => of(id::<ClaimId>(value)?.order_id(), ErrorCode::ClaimNotFound),
            "attention_id" => of(parse_attention_id(value).map(|(order_id, _)| order_id), ErrorCode::OrderNotFound),
            "fulfillment_order_id" => Some(Self::FulfillmentOrder(id(value)?)),
            "parcel_id" => Some(Self::FulfillmentOrder(id::<ParcelId>(value)?.fulfillment_order_id()?)),
            "facility_id" => Some(Self::Facility(id(value)?)),
            _ => None,
        }
    }

    async fn is_seen(&self, state: &AppState, caller: &Caller) -> Result<bool, Failure> {
        match self {
            Self::Order(order_id, _) => caller.sees_order(state, order_id).await,
            Self::FulfillmentOrder(id) => caller.sees_fulfillment_order(state, id).await,
            Self::Facility(id) => Ok(caller.sees_facility(id)),
        }
    }

    fn not_found(&self) -> ErrorCode {
        match self {
            Self::Order(_, code) => *code,
            Self::FulfillmentOrder(_) => ErrorCode::FulfillmentOrderNotFound,
            Self::Facility(_) => ErrorCode::NotFound,
        }
    }
}

fn id<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

/// Parts of paths that lead to nothing of a facility or a channel by themselves.
#[cfg(test)]
pub(crate) const HARMLESS: &[&str] = &[
    "account_id",
    "approval_id",
    "as_of",
    "bulk_id",
    "cancellation_id",
    "change_id",
    // Of products, which everybody who reads the catalogue knows of.
    "code",
    "currency",
    "date",
    // The handler looks for what the caller knows of.
    "customer_id",
    "deadline_id",
    "decision_id",
    "endpoint_id",
    "event_id",
    "feed_id",
    // The handler looks whether it is told to those who know of a part.
    "figure",
    "hold_id",
    "inlet_id",
    "key_id",
    "message_id",
    "number",
    "note_id",
    "payment_id",
    "person_id",
    // The handler looks whose facility it is of.
    "manifest_id",
    "picklist_id",
    // Who may see any may see all.
    "provider_id",
    "refund_id",
    // Named by whoever made it, and not to be guessed.
    "reservation_id",
    "secret_id",
    "sku",
    // The handler looks where it stands.
    "station_id",
];

/// Parts of paths that are looked at here.
#[cfg(test)]
pub(crate) fn is_looked_at(name: &str) -> bool {
    ["A-F1-P1", "A-F1", "A-R1", "A-C1", "A", "A:a"].iter().any(|value| Named::read(name, value).is_some())
}
