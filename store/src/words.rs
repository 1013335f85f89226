//! What the rules say of the words they use, as far as the database must know: their own tables, written at setup.

use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{OfferedAgain, RejectionReason, StockEffect},
    parcel::ParcelStatus,
    returns::{ReturnAction, ReturnStatus},
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};

use crate::error::StoreError;

/// The rows of each table.
pub(crate) fn words() -> Value {
    json!({
        "fulfillment_statuses": FulfillmentStatus::ALL.iter().map(|status| json!({
            "status": status.name(),
            "holds_stock": status.holds_stock(),
            "has_left": status.has_left(),
            "is_queued": status.is_queued(),
            "is_picked": status.is_picked(),
            "is_packed": status.is_packed(),
            "gives_way_rank": status.gives_way_rank(),
        })).collect::<Vec<_>>(),
        "parcel_statuses": ParcelStatus::ALL.iter().map(|status| json!({
            "status": status.name(),
            "has_ended": status.has_ended(),
        })).collect::<Vec<_>>(),
        "return_statuses": ReturnStatus::ALL.iter().map(|status| json!({
            "status": status.name(),
            "awaits_goods": status.after(ReturnAction::ReceivePart).is_some(),
        })).collect::<Vec<_>>(),
        "rejection_reasons": RejectionReason::ALL.iter().map(|reason| json!({
            "reason": reason,
            "effect": effect(reason.stock_effect()),
            "offered_again": offered_again(reason.offered_again()),
        })).collect::<Vec<_>>(),
    })
}

fn effect(effect: StockEffect) -> &'static str {
    match effect {
        StockEffect::ShelfIsEmpty => "shelf_is_empty",
        StockEffect::FewerOnHand => "fewer_on_hand",
        StockEffect::Unavailable => "unavailable",
        StockEffect::Nothing => "nothing",
    }
}

fn offered_again(when: OfferedAgain) -> &'static str {
    match when {
        OfferedAgain::Tomorrow => "tomorrow",
        OfferedAgain::AfterGoodsCame => "after_goods_came",
        OfferedAgain::Never => "never",
    }
}

/// Writes them, in the caller's transaction.
pub(crate) async fn write(connection: &mut PgConnection, words: &Value) -> Result<(), StoreError> {
    for statement in WRITE {
        sqlx::query(statement).bind(Json(words)).execute(&mut *connection).await?;
    }
    Ok(())
}

const WRITE: [&str; 4] = [
    "WITH gone AS (DELETE FROM fulfillment_statuses WHERE status <> ALL (SELECT w ->> 'status'
        FROM jsonb_array_elements($1 -> 'fulfillment_statuses') AS w))
    INSERT INTO fulfillment_statuses SELECT * FROM jsonb_populate_recordset(NULL::fulfillment_statuses, $1 -> 'fulfillment_statuses')
    ON CONFLICT (status) DO UPDATE SET holds_stock = excluded.holds_stock, has_left = excluded.has_left, is_queued = excluded.is_queued,
        is_picked = excluded.is_picked, is_packed = excluded.is_packed, gives_way_rank = excluded.gives_way_rank",
    "WITH gone AS (DELETE FROM parcel_statuses WHERE status <> ALL (SELECT w ->> 'status'
        FROM jsonb_array_elements($1 -> 'parcel_statuses') AS w))
    INSERT INTO parcel_statuses SELECT * FROM jsonb_populate_recordset(NULL::parcel_statuses, $1 -> 'parcel_statuses')
    ON CONFLICT (status) DO UPDATE SET has_ended = excluded.has_ended",
    "WITH gone AS (DELETE FROM return_statuses WHERE status <> ALL (SELECT w ->> 'status'
        FROM jsonb_array_elements($1 -> 'return_statuses') AS w))
    INSERT INTO return_statuses SELECT * FROM jsonb_populate_recordset(NULL::return_statuses, $1 -> 'return_statuses')
    ON CONFLICT (status) DO UPDATE SET awaits_goods = excluded.awaits_goods",
    "WITH gone AS (DELETE FROM rejection_reasons WHERE reason <> ALL (SELECT w ->> 'reason'
        FROM jsonb_array_elements($1 -> 'rejection_reasons') AS w))
    INSERT INTO rejection_reasons SELECT * FROM jsonb_populate_recordset(NULL::rejection_reasons, $1 -> 'rejection_reasons')
    ON CONFLICT (reason) DO UPDATE SET effect = excluded.effect, offered_again = excluded.offered_again",
];
