//! What is past its time (30 days, unless said) goes: each table by statements of its own, of a bounded number of rows each, so that one
//! that is slow or fails does not keep the others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{error::StoreError, store::Store};

/// Rows that went, by table; those of which nothing went are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned(BTreeMap<String, u64>);

impl Pruned {
    /// All of them.
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }

    /// Of a table.
    pub fn of(&self, table: &str) -> u64 {
        self.0.get(table).copied().unwrap_or_default()
    }
}

/// Rows of a table go when this column is so long past.
macro_rules! aged {
    ($table:literal, $column:literal, $age:literal) => {
        (
            $table,
            concat!(
                "DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY (SELECT ctid FROM ",
                $table,
                " WHERE ",
                $column,
                " < now() - interval '",
                $age,
                "' ORDER BY ",
                $column,
                " LIMIT $1))"
            ),
        )
    };
}

/// A statement for each table: deletes at most so many rows ($1), found by an index. What only an open order needs goes by the order,
/// and the order is marked, so that no order is ever looked at twice.
const STATEMENTS: &[(&str, &str)] = &[
    aged!("idempotency_keys", "begun_at", "30 days"),
    aged!("carrier_events", "received_at", "30 days"),
    aged!("order_commands", "taken_at", "30 days"),
    aged!("adjustments", "adjusted_at", "30 days"),
    (
        "order_guards",
        "WITH over AS (
            SELECT order_id FROM order_guards WHERE closed_at < now() - interval '30 days' AND NOT pruned
            ORDER BY closed_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), steps AS (
            DELETE FROM reservation_steps s USING over WHERE s.order_id = over.order_id
        ), picked AS (
            DELETE FROM picks p USING over WHERE p.order_id = over.order_id
        )
        UPDATE order_guards g SET pruned = true FROM over WHERE g.order_id = over.order_id",
    ),
    (
        "pending_intakes",
        "DELETE FROM pending_intakes WHERE order_id = ANY (ARRAY (
            SELECT p.order_id FROM pending_intakes p JOIN orders USING (order_id) LIMIT $1))",
    ),
    aged!("promises", "made_at", "30 days"),
    aged!("recent_demand", "noted_at", "35 days"),
    (
        "bulk_orders",
        "DELETE FROM bulk_orders WHERE ctid = ANY (ARRAY (
            SELECT o.ctid FROM bulks b JOIN bulk_orders o USING (bulk_id) WHERE b.ended_at < now() - interval '30 days' LIMIT $1))",
    ),
    (
        "checkout_holds",
        "DELETE FROM checkout_holds WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM checkout_holds WHERE status <> 'held' AND requested_at < now() - interval '30 days'
            ORDER BY requested_at LIMIT $1))",
    ),
    aged!("taken_authorizations", "expires_at", "30 days"),
    aged!("gateway_events", "received_at", "30 days"),
    // Nobody has tried it since: its order has ended, or a person has dealt with it.
    aged!("provider_waits", "tried_at", "2 hours"),
    aged!("pickup_tries", "again_at", "30 days"),
    aged!("picklists", "made_at", "30 days"),
    aged!("pack_sessions", "began_at", "30 days"),
    aged!("endpoint_deliveries", "at", "7 days"),
    aged!("inlet_messages", "received_at", "30 days"),
    // What was signed for is asked for later than other lists.
    aged!("manifests", "began_at", "90 days"),
    aged!("closed_days", "local_day", "30 days"),
    aged!("givings", "day", "30 days"),
    aged!("given_by_actor", "day", "30 days"),
    aged!("approvals", "asked_at", "30 days"),
    aged!("login_tries", "again_at", "1 day"),
    aged!("sessions", "expires_at", "0 days"),
    aged!("invitations", "expires_at", "0 days"),
];

/// What went so far, and the first thing that did not.
#[derive(Default)]
struct Pruning(Pruned, Option<StoreError>);

impl Pruning {
    fn note(&mut self, table: &str, gone: Result<u64, StoreError>) {
        match gone {
            Ok(0) => {}
            Ok(rows) => drop(self.0.0.insert(table.to_owned(), rows)),
            Err(error) => {
                tracing::warn!(db.table = table, store.error = %error, "what is past its time could not be deleted");
                self.1.get_or_insert(error);
            }
        }
    }
}

impl Store {
    /// Deletes at most `limit` rows of each table; a schedule calls it until nothing goes any more. Of what stands in months, it sees that
    /// those to come are there, and drops the oldest one that has been kept for long enough.
    ///
    /// # Errors
    /// The first one, once every table has had its turn.
    pub async fn prune(&self, limit: u32) -> Result<Pruned, StoreError> {
        let mut pruning = Pruning::default();
        for (table, statement) in STATEMENTS {
            let gone = sqlx::query(*statement).bind(i64::from(limit)).execute(&self.pool).await;
            pruning.note(table, gone.map(|done| done.rows_affected()).map_err(StoreError::from));
        }
        pruning.note("months to come", self.make_months().await.map(|_| 0));
        if let Some(kept_months) = self.history_months {
            pruning.note("months", self.drop_months(kept_months, limit).await);
        }
        let Pruning(pruned, failed) = pruning;
        failed.map_or(Ok(pruned), Err)
    }
}
