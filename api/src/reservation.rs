//! Stock held for a checkout: asked for as promises are, kept until a deadline, taken over by the order that names it.

use jiff::{Timestamp, civil::Date};
use oms_domain::{
    ids::{FacilityId, ReservationId},
    placed::DeliveryMethod,
    reservation::{HOLD_DEFAULT_S, HOLD_MAX_S},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    availability::{PlaceBody, place},
    order::{METHODS, fit},
    promise::{PromiseLineBody, lines},
    reader::{Fields, Node, choice, date, integer, name, parsed},
};

/// The body of `POST /reservations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReservationBody {
    /// Absent: one is made up. The same body again under its id is the same reservation.
    #[schema(value_type = Option<String>)]
    pub reservation_id: ReservationId,
    #[schema(min_items = 1, max_items = 500)]
    pub lines: Vec<PromiseLineBody>,
    /// Where it goes; not needed for what is picked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<PlaceBody>,
    /// `standard`, `express` or `pickup`.
    #[schema(value_type = Option<String>, default = "standard")]
    pub method: DeliveryMethod,
    /// With method `pickup`: the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pickup_facility_id: Option<FacilityId>,
    /// Which groups of facilities serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// A delivery after it counts as late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub requested_delivery_date: Option<Date>,
    /// How long it is held, in seconds from now.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 7200, default = 900)]
    pub hold_s: u32,
}

/// The body of `PATCH /reservations/{reservation_id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExtendBody {
    /// How long it is held, in seconds from now; never longer than two hours from when it was made.
    #[schema(minimum = 1, maximum = 7200)]
    pub hold_s: u32,
}

impl ReservationBody {
    /// `made_up` is its id, if it has none of its own.
    pub fn read(node: &Node<'_>, made_up: &str) -> Option<Self> {
        node.object(|fields| {
            let reservation_id = fields.new_id("reservation_id", made_up);
            let lines = fields.required("lines", lines);
            let address = fields.optional("address", |n| n.object(place));
            let method = fields.optional("method", choice(METHODS));
            let store = fields.optional("pickup_facility_id", parsed);
            let channel = fields.optional("channel", name);
            let requested_delivery_date = fields.optional("requested_delivery_date", date);
            let hold_s = fields.optional("hold_s", hold_s);
            let (address, method) = (address?, method?.unwrap_or(DeliveryMethod::Standard));
            let pickup_facility_id = fit(fields, method, store?)?;
            needs_address(fields, address.is_some() || pickup_facility_id.is_some())?;
            Some(Self {
                reservation_id: reservation_id?,
                lines: lines?,
                address,
                method,
                pickup_facility_id,
                channel: channel?,
                requested_delivery_date: requested_delivery_date?,
                hold_s: hold_s?.unwrap_or(HOLD_DEFAULT_S),
            })
        })
    }
}

impl ExtendBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { hold_s: fields.required("hold_s", hold_s)? }))
    }
}

fn hold_s(node: &Node<'_>) -> Option<u32> {
    u32::try_from(integer(1..=i64::from(HOLD_MAX_S))(node)?).ok()
}

fn needs_address(fields: &Fields<'_>, is_clear: bool) -> Option<()> {
    if is_clear { Some(()) } else { fields.error("address", "is required, unless it is picked up") }
}

/// Stock held for a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationView {
    pub reservation_id: String,
    /// `held`; `denied`: there was nothing to hold; `allocated`: the order has it; `released` or `expired`: it went back.
    pub status: String,
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// By the database's clock; swept within seconds after.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The order that took it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Nothing, once it has ended.
    pub held: Vec<HeldUnitsView>,
    /// What was asked for and is not held.
    pub not_held: Vec<NotHeldUnitsView>,
}

/// Units of a line that a facility holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldUnitsView {
    pub line_id: String,
    pub sku: String,
    pub facility_id: String,
    pub quantity: u32,
}

/// Units of a line that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotHeldUnitsView {
    pub line_id: String,
    pub sku: String,
    pub quantity: u32,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::reader::read_json;

    fn pointers(body: &Value) -> Vec<String> {
        let problem = read_json(body.to_string().as_bytes(), |node| ReservationBody::read(node, "made-up")).unwrap_err();
        problem.errors.into_iter().map(|error| error.pointer).collect()
    }

    fn body() -> Value {
        json!({"reservation_id": "cart-1", "lines": [{"line_id": "1", "sku": "A", "quantity": 2}], "address": {"country": "GB"}})
    }

    #[test]
    fn what_is_not_said_is_a_standard_delivery_held_for_a_quarter_of_an_hour() {
        let read = read_json(body().to_string().as_bytes(), |node| ReservationBody::read(node, "made-up")).unwrap();
        assert_eq!((read.method, read.hold_s), (DeliveryMethod::Standard, 900));
    }

    #[test]
    fn a_hold_is_bounded_and_every_wrong_field_is_named() {
        for hold_s in [0, 7_201, -5] {
            let mut body = body();
            body["hold_s"] = json!(hold_s);
            assert_eq!(pointers(&body), ["/hold_s"]);
        }
        let wrong = json!({"reservation_id": "a b", "lines": [], "address": {"country": "XX"}, "expires_at": "2010-12-01T08:26:00Z"});
        assert_eq!(pointers(&wrong), ["/reservation_id", "/lines", "/address/country", "/expires_at"]);
    }

    #[test]
    fn a_pickup_has_a_store_and_a_delivery_an_address() {
        let mut pickup = body();
        pickup["method"] = json!("pickup");
        assert_eq!(pointers(&pickup), ["/pickup_facility_id"]);
        pickup["pickup_facility_id"] = json!("ST-1");
        pickup.as_object_mut().unwrap().remove("address");
        assert!(read_json(pickup.to_string().as_bytes(), |node| ReservationBody::read(node, "made-up")).is_ok());
        pickup["method"] = json!("express");
        assert_eq!(pointers(&pickup), ["/pickup_facility_id"]);
        let mut nowhere = body();
        nowhere.as_object_mut().unwrap().remove("address");
        assert_eq!(pointers(&nowhere), ["/address"]);
    }
}
