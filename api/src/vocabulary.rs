//! What the names of the wire stand for: a field or a parameter of a name is made of the same wherever it stands, unless its owner says
//! otherwise. The description of the API takes it from here; the readers take exactly that.

use oms_domain::{
    access::{Role, approval::ApprovalStatus},
    bulk::{BulkStatus, Outcome},
    fulfillment::FulfillmentStatus,
    ids::{DERIVED_ID_MAX_CHARS, ID_MAX_CHARS},
    label::LabelFormat,
    money::Currency,
    order::{HoldReason, OrderStatus, RejectionReason},
    payment::GATEWAY_REFERENCE_MAX_CHARS,
    placed::{AMOUNT_MAX_MINOR, LINES_MAX, QUANTITY_MAX},
    reservation::HOLD_MAX_S,
    returns::{ReturnStatus, Verdict},
};
use serde_json::{Value, json};

use crate::{
    countries,
    order::{ELECTRONIC_COMMERCE_INDICATORS, THREE_D_SECURE_VERSIONS},
};

/// Neither a control character nor a blank: what a text has at least one of.
const VISIBLE: &str = r"[^\s\x00-\x1f\x7f-\x9f]";
/// No control character.
const PLAIN: &str = r"[^\x00-\x1f\x7f-\x9f]";
/// RFC 3339, from 1970 to 2199.
const TIME: &str = r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";
const DATE: &str = r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// What a field of this schema, or a parameter of this operation, is made of. None: what its type says.
pub fn of(owner: &str, name: &str) -> Option<Value> {
    special(owner, name).or_else(|| usual(name))
}

/// Names that mean something of their own there.
pub fn special(owner: &str, name: &str) -> Option<Value> {
    Some(match (owner, name) {
        ("AccountBody" | "PersonBody" | "StationBody", "name") | ("StationBody", "printer") => text(100),
        ("StationBody", "station_id") => id(),
        ("TakeOverBody", "badge" | "pin") => text(200),
        ("list_orders", "expand") => words(["order"]),
        ("list_fulfillment_orders", "expand") => words(["fulfillment_order"]),
        ("list_audit", "from") => json!({"format": "date-time", "pattern": TIME}),
        ("AdjustmentBody", "quantity") => json!({"minimum": -1_000_000_000_i64, "maximum": 1_000_000_000_i64, "not": {"const": 0}}),
        ("AccountBody" | "PersonBody" | "ReachBody", "facilities" | "channels") => list(1, 1_000, id()),
        ("AccountBody", "carriers") => list(1, 1_000, json!({"minLength": 1, "maxLength": 64, "pattern": carrier()})),
        ("AccountBody", "currencies") => list(1, 1_000, words(Currency::codes())),
        ("AcceptInvitationBody" | "LoginBody", "password") => json!({"minLength": 1, "maxLength": 1000, "pattern": prose()}),
        ("AcceptInvitationBody", "token") | ("LoginBody", "email") => text(1000),
        ("AuthorizationBody", "id") => gateway_reference(),
        ("AuthorizationBody" | "RefundBody", "amount_minor") => whole(1, AMOUNT_MAX_MINOR),
        ("CarrierEventBody", "occurred_at") => json!({"format": null}),
        ("CarrierEventBody", "event_id") => text(100),
        ("CarrierEventBody", "status") => text(64),
        ("CancellationBody" | "ClaimBody" | "PackedParcelBody" | "RefundBody" | "RejectBody" | "ShortPickBody" | "SplitBody", "lines") => {
            list(1, LINES_MAX, json!({}))
        }
        ("DiscountBody" | "PickupBody", "code") => text(64),
        ("MarkLostBody" | "ShipBody", "parcels") => list(1, 500, derived_id()),
        ("OrderBody", "delivery_groups") => list(1, 50, json!({})),
        ("OrderBody", "payments") => list(1, 20, json!({})),
        ("PackBody", "parcels") => list(0, 500, json!({})),
        ("change_order", "If-Match") => json!({"pattern": r#"^"?[0-9]{1,18}(-[!#-~]*)?"?$"#}),
        ("list_approvals", "status") => words(ApprovalStatus::NAMED.iter().map(|(name, _)| *name)),
        ("list_audit", "actor" | "subject") => id(),
        ("list_events", "lane") => whole(0, 15),
        ("FacilityBody", "type") => words(["warehouse", "store"]),
        ("FacilityBody", "working_days") => json!({"maxLength": 60, "pattern": working_days()}),
        ("FacilityBody", "cutoff_local_time") => json!({"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
        ("FacilityBody", "handling_cost_minor") => whole(0, AMOUNT_MAX_MINOR),
        ("FacilityBody", "timezone") => text(64),
        ("HoldBody", "reason") => words(HoldReason::NAMED.iter().map(|(name, _)| *name)),
        ("InstrumentBody" | "NewInstrumentBody" | "PaymentBody", "method") => words(["card", "gift_card", "terms", "external"]),
        ("ThreeDSecureBody", "version") => words(THREE_D_SECURE_VERSIONS),
        ("ThreeDSecureBody", "electronic_commerce_indicator") => words(ELECTRONIC_COMMERCE_INDICATORS),
        ("ThreeDSecureBody", "transaction_id" | "cryptogram") => text(64),
        ("NoteBody", "text") => json!({"maxLength": 2000, "pattern": prose()}),
        ("NoteBody", "author") => text(100),
        ("PackedParcelBody", "weight_g") => whole(1, 10_000_000),
        ("ProductBody" | "LineBody", "title") => text(300),
        ("TaxLineBody", "title") => text(100),
        ("LineBody", "gift_message") => json!({"minLength": 1, "maxLength": 1000, "pattern": prose()}),
        ("LineBody", "properties") | ("OrderBody", "metadata") => entries(50, 500),
        ("OrderBody", "external_ids") => entries(20, 100),
        ("ProductBody", "weight_g" | "length_mm" | "width_mm" | "height_mm") => whole(0, 1_000_000_000),
        ("RefundBody", "of") => words(["order", "shipping"]),
        ("RejectBody" | "ShortPickBody", "reason") => words(RejectionReason::NAMED.iter().map(|(name, _)| *name)),
        ("ResolveLabelBody", "outcome") => words(["voided", "kept"]),
        ("ResolvePaymentBody", "outcome") => words(["succeeded", "failed"]),
        ("ResolvePaymentBody", "reference") => gateway_reference(),
        ("list_bulks", "status") | ("BulkView", "status") => words(BulkStatus::ALL.iter().map(|status| status.name())),
        ("list_bulk_results", "outcome") | ("BulkResultView" | "ForeseenView", "outcome") => {
            words(Outcome::ALL.iter().map(|outcome| outcome.name()))
        }
        ("list_fulfillment_orders", "status") => fulfillment_status_list(),
        ("FulfillmentOrderView" | "FulfillmentOrderSummary" | "QueueCountView", "status") => fulfillment_statuses(),
        ("find", "q") => text(200),
        ("BarcodeBody", "code") => text(80),
        ("BinBody", "bin") => text(32),
        ("list_orders" | "SelectionBody" | "OrderView" | "OrderSummary" | "ExchangeView", "status") => {
            words(OrderStatus::ALL.iter().map(|status| status.name()))
        }
        ("list_returns" | "ReturnView" | "ReturnSummary", "status") => words(ReturnStatus::ALL.iter().map(|status| status.name())),
        ("send_stock", "mode") => words(["full", "partial"]),
        ("send_stock", "picked_units") => words(["counted", "not_counted"]),
        ("list_orders" | "SelectionBody", "email") => text(254),
        _ => return None,
    })
}

/// Names that mean the same everywhere.
fn usual(name: &str) -> Option<Value> {
    Some(match name {
        "order_id" | "line_id" | "facility_id" | "pickup_facility_id" | "to_facility_id" | "customer_id" | "cancellation_id"
        | "refund_id" | "hold_id" | "note_id" | "change_id" | "bulk_id" | "reservation_id" | "payment_id" | "promise_id"
        | "exchange_id" | "receipt_id" | "adjustment_id" | "delivery_group" | "channel" | "channels" | "facilities" | "picker"
        | "account_id" => id(),
        "fulfillment_order_id" | "parcel_id" | "return_id" | "claim_id" | "parcels" => derived_id(),
        "sku" | "skus" | "substitutes" => sku(),
        "feed_id" => json!({"format": "uuid"}),
        "carrier" => json!({"minLength": 1, "maxLength": 64, "pattern": carrier()}),
        "tracking_number" => json!({"minLength": 1, "maxLength": 64, "pattern": tracking_number()}),
        "placed_at" | "cancel_after" | "fulfill_at" | "expires_at" | "until" | "as_of" | "occurred_at" | "placed_after"
        | "placed_before" | "updated_after" | "ship_before" => json!({"format": "date-time", "pattern": TIME}),
        "requested_delivery_date" => json!({"format": "date", "pattern": DATE}),
        "currency" => words(Currency::codes()),
        "country" => words(countries::all()),
        "method" => words(["standard", "express", "pickup"]),
        "hold_reason" => words(HoldReason::NAMED.iter().map(|(name, _)| *name)),
        "verdict" => words(Verdict::NAMED.iter().map(|(name, _)| *name)),
        // Of a label's document.
        "format" => words(LabelFormat::NAMED.iter().map(|(name, _)| *name)),
        "disposition" => words(["restock", "write_off", "send_back"]),
        "choice" => words(["wait", "drop"]),
        "resolution" => words(["replace", "refund"]),
        "roles" => list(1, Role::NAMED.len(), words(Role::NAMED.iter().map(|(name, _)| *name))),
        "quantity" | "quantity_short" => whole(1, QUANTITY_MAX.into()),
        "amount_minor"
        | "price_minor"
        | "tax_minor"
        | "discount_minor"
        | "unit_price_minor"
        | "total_minor"
        | "unfilled_penalty_minor"
        | "per_day_minor"
        | "per_order_minor" => whole(0, AMOUNT_MAX_MINOR),
        "on_hand" | "safety_stock" | "oversell_limit" | "unavailable" => whole(0, 1_000_000_000),
        "daily_order_capacity" => whole(0, 1_000_000),
        "at_most" => whole(1, 100),
        "hold_s" => whole(1, HOLD_MAX_S.into()),
        "orders_per_second" => whole(1, 1_000),
        "limit" => whole(1, 500),
        "latitude" => json!({"minimum": -90, "maximum": 90}),
        "longitude" => json!({"minimum": -180, "maximum": 180}),
        "expected_rows" | "message_id" => whole(0, i64::MAX),
        "number" => whole(0, u32::MAX.into()),
        "order_number" => text(64),
        "external_id" => json!({"minLength": 3, "maxLength": 165, "pattern": r"^[^:\x00-\x1f\x7f-\x9f]+:[^\x00-\x1f\x7f-\x9f]+$"}),
        "locale" => json!({"maxLength": 35, "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"}),
        "tags" => text(100),
        "name" | "line1" | "line2" | "reason" | "source" => text(200),
        "city" | "region" => text(100),
        "postal_code" => text(20),
        "phone" => text(40),
        "token" => text(256),
        "email" => json!({"maxLength": 254, "pattern": r"^[^@ \x00-\x1f\x7f-\x9f]+@[^@ \x00-\x1f\x7f-\x9f]+$"}),
        _ => return None,
    })
}

/// What the house and its callers name things by; dots alone would vanish from a path.
fn id() -> Value {
    json!({"minLength": 1, "maxLength": ID_MAX_CHARS, "pattern": r"^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$"})
}

fn derived_id() -> Value {
    json!({"minLength": 1, "maxLength": DERIVED_ID_MAX_CHARS, "pattern": r"^\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$"})
}

fn sku() -> Value {
    let pattern = format!(r"^(?!\.{{1,2}}$){VISIBLE}(({VISIBLE}| )*{VISIBLE})?$");
    json!({"minLength": 1, "maxLength": ID_MAX_CHARS, "pattern": pattern})
}

fn text(max_chars: u64) -> Value {
    json!({"minLength": 1, "maxLength": max_chars, "pattern": format!("^{PLAIN}*{VISIBLE}{PLAIN}*$")})
}

/// So many of these.
fn list(least: usize, most: usize, mut of: Value) -> Value {
    of["minItems"] = least.into();
    of["maxItems"] = most.into();
    of
}

/// Texts by names of the caller's own.
fn entries(most: u64, max_chars: u64) -> Value {
    let mut value = text(max_chars);
    value["type"] = "string".into();
    json!({"maxProperties": most, "propertyNames": id(), "additionalProperties": value})
}

/// With line breaks and tabs.
fn prose() -> String {
    let plain = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]";
    format!("^{plain}*{VISIBLE}{plain}*$")
}

/// No sign but those that stand in names.
fn carrier() -> String {
    let legal = r##"[^\x00-\x1f\x7f-\x9f!"#$%*,:;<=>?@\[\\\]^`{|}~]"##;
    let counts = r"[^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x9f]";
    format!("^{legal}*{counts}{legal}*$")
}

/// As people write and scanners read them: also full width.
fn tracking_number() -> String {
    let counts = r"[A-Za-z0-9._/\-\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]";
    format!(r"^[ \u3000]*{counts}({counts}|[ \u3000])*$")
}

fn gateway_reference() -> Value {
    json!({"minLength": 1, "maxLength": GATEWAY_REFERENCE_MAX_CHARS, "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]*$"})
}

/// `Mon-Fri`, `Mon,Wed,Fri`.
fn working_days() -> String {
    let day = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
    let range = format!(" *{day} *(- *{day} *)?");
    format!("^{range}(,{range})*$")
}

fn fulfillment_status_list() -> Value {
    let known = FulfillmentStatus::ALL.iter().map(|status| status.name()).chain(["delivered"]).collect::<Vec<_>>().join("|");
    json!({"maxLength": 200, "pattern": format!("^({known})(,({known}))*$")})
}

fn fulfillment_statuses() -> Value {
    words(FulfillmentStatus::ALL.iter().map(|status| status.name()).chain(["delivered"]))
}

fn whole(least: i64, most: i64) -> Value {
    json!({"minimum": least, "maximum": most})
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({"enum": words.into_iter().collect::<Vec<_>>()})
}
