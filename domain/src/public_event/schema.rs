//! Each type as JSON Schema, and an example of it. What a field means is said once, by its name.

use serde_json::{Map, Value, json};

use super::{Circumstances, Field, PublicEvent, PublicType, Subject};
use crate::{
    feed::FeedStatus,
    order::{HoldReason, RejectionReason, Wait},
    parcel::ParcelAction,
};

/// The schema (JSON Schema 2020-12) of a whole event of this type.
pub fn schema(kind: PublicType) -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let required: Vec<&str> = kind.fields().filter(|field| !field.is_optional).map(|field| field.name).collect();
    let fields: Map<String, Value> = kind.fields().map(|field| (field.name.to_owned(), field_schema(field).0)).collect();
    json!({
        "type": "object",
        "description": kind.about(),
        "required": ["specversion", "id", "source", "type", "time", "timestamp", "subject", "datacontenttype", "sequence", "version", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text("Computed from what the event says: the same however often it is sent. Whoever has it has seen the event"),
            "source": {"const": "oms"},
            "type": {"const": kind.name()},
            "time": {"type": "string", "format": "date-time", "description": "Business time"},
            "timestamp": {"type": "string", "format": "date-time", "description": "The same, as Standard Webhooks calls it"},
            "subject": text("What the event is about, and in order for"),
            "datacontenttype": {"const": "application/json"},
            "sequence": {"type": "integer", "minimum": 1, "description": "Counts the public events of the subject, without a gap"},
            "version": {"type": "integer", "minimum": 1, "description": "Of what the event is about: an order's own version"},
            "data": {"type": "object", "required": required, "properties": fields},
        },
    })
}

/// An event of this type, whole.
pub fn example(kind: PublicType) -> Value {
    let data = kind.fields().filter(|field| !matches!(field.name, "actor" | "links" | "truncated"));
    let data = data.map(|field| (field.name.to_owned(), field_schema(field).1)).collect();
    let event = PublicEvent {
        id: "0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11".into(),
        kind,
        subject: subject(kind),
        sequence: 4,
        version: 9,
        at: jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_796_119_200),
        data,
    };
    let has_several = kind.fields().any(|field| field.name == "facility_ids");
    let facility_ids = has_several.then(|| "LEEDS".to_owned()).into_iter().collect();
    let circumstances = Circumstances { facility_ids, actor_kind: Some("machine".into()), ..Circumstances::default() };
    event.under(&circumstances).body()
}

fn subject(kind: PublicType) -> Subject {
    let text = match kind.name().split('.').next() {
        Some("return") => "return/536365-R1",
        Some("stock") => "stock/LEEDS/85123A",
        Some("feed") => "feed/0197f3a0-5b1e-7c6d-9d2e-3a4b5c6d7e8f",
        Some("events") => "events",
        Some(_) | None => "order/536365",
    };
    Subject::parse(text).unwrap_or(Subject::Events)
}

/// What a field of this name is, and an example.
fn field_schema(field: Field) -> (Value, Value) {
    let text = |about: &str, example: &str| (json!({"type": "string", "description": about}), example.into());
    let id = |about: &str, example: &str| text(about, example);
    let words = |about: &str, all: Vec<&str>| (json!({"type": "string", "description": about, "enum": all}), all[0].into());
    let units = |about: &str, example: i64| (json!({"type": "integer", "description": about}), example.into());
    let minor = |about: &str, example: i64| {
        (json!({"type": "integer", "description": format!("{about}, in the currency's minor unit")}), example.into())
    };
    let flag = |about: &str, example: bool| (json!({"type": "boolean", "description": about}), example.into());
    let at = |about: &str| (json!({"type": "string", "format": "date-time", "description": about}), "2026-12-01T09:58:00Z".into());
    let entry = || {
        json!({"type": "object", "required": ["line_id", "quantity"],
            "properties": {"line_id": {"type": "string"}, "quantity": {"type": "integer", "minimum": 0}}})
    };
    let ids = |about: &str, example: &str| (json!({"type": "array", "items": {"type": "string"}, "description": about}), json!([example]));
    match field.name {
        "order_id" => id("The order", "536365"),
        "channel" => text("The channel that the order came by", "web"),
        "line_count" => units("Lines ordered", 2),
        "units" => units("Units", 3),
        "total_minor" => minor("What the order costs", 1_530),
        "amount_minor" => minor("How much", 765),
        "difference_minor" => minor("What is owed beyond what was owed before; less than nothing if less", -255),
        "currency" => text("Of all amounts (ISO 4217)", "GBP"),
        "hold_id" => id("The hold", "review.fraud"),
        "hold_reason" => words("Why", HoldReason::NAMED.iter().map(|(name, _)| *name).collect()),
        "expires_at" => at("It is lifted by itself then"),
        "change_id" => id("The change set", "c-1"),
        "cancellation_id" => id("The cancellation", "c-1"),
        "fulfillment_order_id" => id("What one facility ships of the order", "536365-F1"),
        "fulfillment_order_ids" => ids("Fulfillment orders", "536365-F1"),
        "facility_id" => id("The warehouse or store", "LEEDS"),
        "facility_ids" => ids("Warehouses and stores", "LEEDS"),
        "into" => id("The fulfillment order as which the units go on", "536365-F2"),
        "moved_because" => words("Why", vec!["moved", "split", "merged", "changed", "better_elsewhere", "stock_is_missing"]),
        "rejection_reason" => words("Why", RejectionReason::NAMED.iter().map(|(name, _)| *name).collect()),
        "lines" => (
            json!({"type": "array", "items": entry(), "description": "Units by line; absent if `truncated`"}),
            json!([{"line_id": "1", "quantity": 2}]),
        ),
        "parcels" => (
            json!({"type": "array", "description": "What is in each parcel; absent if `truncated`", "items": {"type": "object", "required": ["lines"],
                "properties": {"lines": {"type": "array", "items": entry()}, "weight_g": {"type": "integer"}}}}),
            json!([{"lines": [{"line_id": "1", "quantity": 2}], "weight_g": 740}]),
        ),
        "truncated" => flag("A list was too long for an event: read it by the link", true),
        "parcel_id" => id("The parcel", "536365-F1-P1"),
        "parcel_action" => words(
            "What the carrier reports",
            vec![
                ParcelAction::Transit.name(),
                ParcelAction::HandOver.name(),
                ParcelAction::OutForDelivery.name(),
                ParcelAction::Attempt.name(),
                ParcelAction::Except.name(),
            ],
        ),
        "carrier" => text("The carrier", "royal_mail"),
        "tracking_number" => text("The number by which the carrier knows the parcel", "AB123456789GB"),
        "tracking_url" => text("A page that shows where the parcel is", "https://carrier.example/track/AB123456789GB"),
        "occurred_at" => at("When it happened, by the carrier's word"),
        "is_assumed" => flag("Nobody has said so; a deadline did", false),
        "payment_id" => id("The instrument", "card"),
        "payment_operation" => words("What the gateway was asked for", vec!["authorize", "capture", "void", "refund"]),
        "refund_id" => id("The refund", "r-1"),
        "decision_id" => id("The question", "536365-F1-D"),
        "return_id" => id("The return", "536365-R1"),
        "is_complete" => flag("Nothing more is to come", true),
        "return_outcome" => words("How it ended", vec!["closed", "declined", "cancelled", "expired", "refused"]),
        "claim_id" => id("The claim", "536365-C1"),
        "sku" => text("The stock keeping unit", "85123A"),
        "on_hand" => units("Units that are there", 12),
        "reserved" => units("Units promised to orders and checkouts", 3),
        "unavailable" => units("Units on hand that cannot be sold", 0),
        "safety_stock" => units("Units that are never promised", 1),
        "available" => units("Units that can still be promised", 8),
        "low_units" => units("The bound that was met", 5),
        "feed_id" => id("The run", "0197f3a0-5b1e-7c6d-9d2e-3a4b5c6d7e8f"),
        "feed_kind" => words("What it brings", vec!["stock", "facilities", "products", "receipts", "orders"]),
        "feed_status" => words("Where it stands", FeedStatus::ALL.iter().map(|status| status.name()).collect()),
        "accepted" => units("Rows that were taken", 998),
        "unchanged" => units("Rows that said nothing new", 1),
        "rejected" => units("Rows that were refused", 1),
        "about" => text("What of it: the thing's own id, or the effect that gave up", "536365-F1"),
        "wait" => words("The wait that is overdue, if it is one", Wait::TABLE.iter().map(|(_, key, ..)| *key).collect()),
        "after" => text("The position after which events may be lost", "1-7421-38"),
        "actor" => (
            json!({"type": "object", "description": "What kind of one did it", "required": ["kind"], "properties": {"kind": {"type": "string"}}}),
            json!({"kind": "machine"}),
        ),
        "links" => (json!({"type": "object", "description": "Paths of the API", "additionalProperties": {"type": "string"}}), json!({})),
        other => text(other, other),
    }
}
