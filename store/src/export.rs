//! Rows for analysts' own stores, by day (UTC) of when they occurred. No name, address, text or customer, and nothing by which money is moved.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use jiff_sqlx::ToSqlx;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    Text,
    /// A whole number.
    Number,
    Time,
    Day,
    Truth,
}

/// A table as it is exported: its columns, the first of which is `occurred_at`.
#[derive(Debug, Clone, Copy)]
pub struct ExportTable {
    pub name: &'static str,
    pub columns: &'static [(&'static str, ExportKind)],
    days: &'static str,
    page: &'static str,
}

/// What a table has of a day. The digest is the same as long as the rows are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ExportedDay {
    pub rows: u64,
    pub digest: String,
}

/// A row by its columns, and beside them the `key` that it is sorted by.
pub type ExportRow = Map<String, Value>;

/// `$1` to `$2`, a day or several, are when the rows occurred; a page comes after the key `$3` and has `$4` rows at most.
macro_rules! exported {
    ($name:literal, $select:literal, [$( ($column:literal, $kind:ident) ),+ $(,)?]) => {
        ExportTable {
            name: $name,
            columns: &[ $( ($column, ExportKind::$kind), )+ ],
            days: concat!(
                "SELECT jsonb_build_object('day', r.day, 'rows', count(*), 'digest', sum(hashtextextended(r.line, 0)::numeric)::text)
                FROM (SELECT (s.occurred_at AT TIME ZONE 'UTC')::date AS day, s::text AS line FROM (", $select, ") AS s) AS r GROUP BY r.day"
            ),
            page: concat!(
                "SELECT to_jsonb(r) FROM (", $select, ") AS r WHERE $3::text IS NULL OR r.key COLLATE \"C\" > $3 ORDER BY r.key COLLATE \"C\" LIMIT $4"
            ),
        }
    };
}

/// Every table that is exported.
pub const EXPORT_TABLES: &[ExportTable] = &[
    exported!(
        "orders",
        "SELECT f.placed_at AS occurred_at, f.order_id AS key, f.order_id, f.version, f.channel, f.currency, f.status, f.received_at, f.promised_date, f.lines_placed, f.units_placed,
            f.value_placed_minor, f.approved_at, f.sourced_at, f.released_at, f.packed_at, f.shipped_at, f.delivered_at,
            f.ended_at, f.units_ordered, f.units_cancelled, f.units_cancelled_by_request, f.units_delivered, f.units_returned,
            f.shipments, f.facilities_shipped, f.one_facility_had_all, f.shipped_minor, f.captured_minor, f.refunded_minor
        FROM insight_orders f WHERE f.placed_at >= $1 AND f.placed_at < $2",
        [
            ("occurred_at", Time), ("order_id", Text), ("version", Number), ("channel", Text), ("currency", Text), ("status", Text),
            ("received_at", Time), ("promised_date", Day), ("lines_placed", Number), ("units_placed", Number), ("value_placed_minor", Number),
            ("approved_at", Time), ("sourced_at", Time), ("released_at", Time), ("packed_at", Time), ("shipped_at", Time), ("delivered_at", Time),
            ("ended_at", Time), ("units_ordered", Number), ("units_cancelled", Number), ("units_cancelled_by_request", Number),
            ("units_delivered", Number), ("units_returned", Number), ("shipments", Number), ("facilities_shipped", Number),
            ("one_facility_had_all", Truth), ("shipped_minor", Number), ("captured_minor", Number), ("refunded_minor", Number),
        ]
    ),
    exported!(
        "order_lines",
        "SELECT f.placed_at AS occurred_at, l.order_id || ' ' || l.line_id AS key,
            l.order_id, l.line_id, l.sku, f.channel, f.currency, l.units_ordered, l.units_cancelled, l.units_cancelled_by_request,
            l.units_filled, l.units_shipped, l.units_delivered, l.units_returned, l.units_released, l.units_given_back,
            l.units_backordered, l.due_minor
        FROM insight_orders f
        JOIN fact_lines l ON l.generation = f.generation AND l.order_id = f.order_id WHERE f.placed_at >= $1 AND f.placed_at < $2",
        [
            ("occurred_at", Time), ("order_id", Text), ("line_id", Text), ("sku", Text), ("channel", Text), ("currency", Text),
            ("units_ordered", Number), ("units_cancelled", Number), ("units_cancelled_by_request", Number), ("units_filled", Number),
            ("units_shipped", Number), ("units_delivered", Number), ("units_returned", Number), ("units_released", Number),
            ("units_given_back", Number), ("units_backordered", Number), ("due_minor", Number),
        ]
    ),
    exported!(
        "fulfillments",
        "SELECT f.placed_at AS occurred_at, p.fulfillment_order_id AS key,
            p.fulfillment_order_id, p.order_id, f.channel, f.currency, p.facility_id, p.status, p.delivery_method, p.units,
            p.ship_by, p.released_at, p.accepted_at, p.picking_at, p.packed_at, p.shipped_at, p.handed_over_at, p.delivered_at,
            p.units_released, p.units_given_back, p.shipped_minor
        FROM insight_orders f
        JOIN fact_fulfillments p ON p.generation = f.generation AND p.order_id = f.order_id WHERE f.placed_at >= $1 AND f.placed_at < $2",
        [
            ("occurred_at", Time), ("fulfillment_order_id", Text), ("order_id", Text), ("channel", Text), ("currency", Text),
            ("facility_id", Text), ("status", Text), ("delivery_method", Text), ("units", Number), ("ship_by", Time), ("released_at", Time),
            ("accepted_at", Time), ("picking_at", Time), ("packed_at", Time), ("shipped_at", Time), ("handed_over_at", Time),
            ("delivered_at", Time), ("units_released", Number), ("units_given_back", Number), ("shipped_minor", Number),
        ]
    ),
    exported!(
        "parcels",
        "SELECT f.placed_at AS occurred_at, p.parcel_id AS key, f.channel, p.parcel_id, p.fulfillment_order_id, p.order_id, p.carrier, p.status,
            p.numbered_at, p.ended_at FROM insight_orders f JOIN fulfillment_orders o ON o.order_id = f.order_id
        JOIN parcels p ON p.fulfillment_order_id = o.fulfillment_order_id WHERE f.placed_at >= $1 AND f.placed_at < $2",
        [
            ("occurred_at", Time), ("parcel_id", Text), ("fulfillment_order_id", Text), ("order_id", Text), ("channel", Text),
            ("carrier", Text), ("status", Text), ("numbered_at", Time), ("ended_at", Time),
        ]
    ),
    exported!(
        "payments",
        "SELECT e.at AS occurred_at, e.order_id || ' ' || lpad(e.seq::text, 10, '0') AS key, e.order_id, e.data ->> 'payment_id' AS payment_id,
            (e.data ->> 'number')::bigint AS number, e.data ->> 'kind' AS kind, (e.data ->> 'amount_minor')::bigint AS amount_minor,
            e.data ->> 'outcome' AS outcome, e.data ->> 'decline' AS decline, f.currency
        FROM order_events e LEFT JOIN insight_orders f ON f.order_id = e.order_id
        WHERE e.kind = 'payment_answered' AND e.at >= $1 AND e.at < $2 AND e.recorded_at >= $1 - interval '1 day'",
        [
            ("occurred_at", Time), ("order_id", Text), ("payment_id", Text), ("number", Number), ("kind", Text), ("amount_minor", Number),
            ("currency", Text), ("outcome", Text), ("decline", Text),
        ]
    ),
    exported!(
        "refunds",
        "SELECT e.at AS occurred_at, e.order_id || ' ' || lpad(e.seq::text, 10, '0') AS key, e.order_id, e.data ->> 'refund_id' AS refund_id,
            (e.data ->> 'amount_minor')::bigint AS amount_minor, coalesce(e.data ->> 'of', 'order') AS refunded, f.currency
        FROM order_events e LEFT JOIN insight_orders f ON f.order_id = e.order_id
        WHERE e.kind = 'refund_asked' AND e.at >= $1 AND e.at < $2 AND e.recorded_at >= $1 - interval '1 day'",
        [("occurred_at", Time), ("order_id", Text), ("refund_id", Text), ("amount_minor", Number), ("currency", Text), ("refunded", Text)]
    ),
    exported!(
        "returns",
        "SELECT r.opened_at AS occurred_at, r.return_id AS key, r.return_id, r.order_id, r.status, r.updated_at
        FROM returns r WHERE r.opened_at >= $1 AND r.opened_at < $2",
        [("occurred_at", Time), ("return_id", Text), ("order_id", Text), ("status", Text), ("updated_at", Time)]
    ),
    exported!(
        "stock_movements",
        "SELECT m.occurred_at, lpad(m.movement_id::text, 19, '0') AS key, m.movement_id, m.facility_id, m.sku, m.on_hand, m.reserved, m.unavailable,
            m.moved, m.cause, m.order_id, m.recorded_at
        FROM stock_movements m WHERE m.occurred_at >= $1 AND m.occurred_at < $2 AND m.recorded_at >= $1 - interval '1 day'",
        [
            ("occurred_at", Time), ("movement_id", Number), ("facility_id", Text), ("sku", Text), ("on_hand", Number), ("reserved", Number),
            ("unavailable", Number), ("moved", Truth), ("cause", Text), ("order_id", Text), ("recorded_at", Time),
        ]
    ),
    exported!(
        "allocation_decisions",
        "SELECT d.decided_at AS occurred_at, d.order_id || ' ' || lpad(d.round::text, 10, '0') AS key, d.order_id, d.round,
            jsonb_array_length(coalesce(d.decision -> 'packages', '[]')) AS packages, (d.decision ->> 'unfilled_units')::bigint AS unfilled_units,
            d.decision ->> 'cost_milli' AS cost_milli, d.decision ->> 'gap_milli' AS gap_milli, d.decision ->> 'rules_version' AS rules_version,
            (d.decision -> 'packages')::text AS chosen, (d.decision -> 'not_chosen')::text AS not_chosen
        FROM decisions d WHERE d.decided_at >= $1 AND d.decided_at < $2",
        [
            ("occurred_at", Time), ("order_id", Text), ("round", Number), ("packages", Number), ("unfilled_units", Number), ("cost_milli", Text),
            ("gap_milli", Text), ("rules_version", Text), ("chosen", Text), ("not_chosen", Text),
        ]
    ),
    exported!(
        "events",
        "SELECT e.at AS occurred_at, e.order_id || ' ' || lpad(e.seq::text, 10, '0') AS key, e.order_id, e.seq, e.id::text AS event_id, e.kind,
            e.actor_kind, e.recorded_at FROM order_events e
        WHERE e.order_id <> '' AND e.at >= $1 AND e.at < $2 AND e.recorded_at >= $1 - interval '1 day'",
        [
            ("occurred_at", Time), ("order_id", Text), ("seq", Number), ("event_id", Text), ("kind", Text), ("actor_kind", Text),
            ("recorded_at", Time),
        ]
    ),
];

#[derive(Deserialize)]
struct DayRow {
    day: Date,
    #[serde(flatten)]
    has: ExportedDay,
}

/// The first moments of a day and of the one after the last.
fn between(first: Date, last: Date) -> Result<(Timestamp, Timestamp), StoreError> {
    let midnight = |day: Date| day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let ends = last.tomorrow().and_then(midnight);
    let out_of_range = |_| StoreError::Corrupt { what: "a day" };
    Ok((midnight(first).map_err(out_of_range)?, ends.map_err(out_of_range)?))
}

impl Store {
    /// The days that a table has rows of, from one to another.
    pub async fn export_days(&self, table: &ExportTable, first: Date, last: Date) -> Result<BTreeMap<Date, ExportedDay>, StoreError> {
        let (from, to) = between(first, last)?;
        let rows: Vec<DayRow> = self.rows(sqlx::query_scalar(table.days).bind(from.to_sqlx()).bind(to.to_sqlx())).await?;
        Ok(rows.into_iter().map(|row| (row.day, row.has)).collect())
    }

    /// Up to where in the events the facts of orders are counted; empty: nothing is yet.
    pub async fn insights_position(&self) -> Result<String, StoreError> {
        let found = sqlx::query_scalar("SELECT g.position FROM insight_generations g WHERE g.is_live").fetch_optional(&self.pool).await?;
        Ok(found.unwrap_or_default())
    }

    /// Rows of a day after a key, in the order of their keys.
    pub async fn export_rows(&self, table: &ExportTable, day: Date, after: Option<&str>, limit: u32) -> Result<Vec<ExportRow>, StoreError> {
        let (from, to) = between(day, day)?;
        let query = sqlx::query_scalar(table.page).bind(from.to_sqlx()).bind(to.to_sqlx()).bind(after).bind(i64::from(limit));
        let rows: Vec<Json<ExportRow>> = query.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|Json(row)| row).collect())
    }
}
