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

/// A statement for each table: deletes at most so many rows ($1), found by an index. What only an open order needs goes by the order,
/// and the order is marked, so that no order is ever looked at twice.
const STATEMENTS: &[(&str, &str)] = &[
    (
        "idempotency_keys",
        "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM idempotency_keys WHERE begun_at < now() - interval '30 days' ORDER BY begun_at LIMIT $1))",
    ),
    (
        "carrier_events",
        "DELETE FROM carrier_events WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM carrier_events WHERE received_at < now() - interval '30 days' ORDER BY received_at LIMIT $1))",
    ),
    (
        "order_commands",
        "DELETE FROM order_commands WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM order_commands WHERE taken_at < now() - interval '30 days' ORDER BY taken_at LIMIT $1))",
    ),
    (
        "adjustments",
        "DELETE FROM adjustments WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM adjustments WHERE adjusted_at < now() - interval '30 days' ORDER BY adjusted_at LIMIT $1))",
    ),
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
    (
        "promises",
        "DELETE FROM promises WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM promises WHERE made_at < now() - interval '30 days' ORDER BY made_at LIMIT $1))",
    ),
    (
        "recent_demand",
        "DELETE FROM recent_demand WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM recent_demand WHERE noted_at < now() - interval '35 days' ORDER BY noted_at LIMIT $1))",
    ),
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
    (
        "taken_authorizations",
        "DELETE FROM taken_authorizations WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM taken_authorizations WHERE expires_at < now() - interval '30 days' ORDER BY expires_at LIMIT $1))",
    ),
    (
        "pickup_tries",
        "DELETE FROM pickup_tries WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM pickup_tries WHERE again_at < now() - interval '30 days' ORDER BY again_at LIMIT $1))",
    ),
    (
        "givings",
        "DELETE FROM givings WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM givings WHERE day < now() - interval '30 days' ORDER BY day LIMIT $1))",
    ),
    (
        "given_by_actor",
        "DELETE FROM given_by_actor WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM given_by_actor WHERE day < now() - interval '30 days' ORDER BY day LIMIT $1))",
    ),
    (
        "approvals",
        "DELETE FROM approvals WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM approvals WHERE asked_at < now() - interval '30 days' ORDER BY asked_at LIMIT $1))",
    ),
    (
        "login_tries",
        "DELETE FROM login_tries WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM login_tries WHERE again_at < now() - interval '1 day' ORDER BY again_at LIMIT $1))",
    ),
    (
        "sessions",
        "DELETE FROM sessions WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM sessions WHERE expires_at < now() ORDER BY expires_at LIMIT $1))",
    ),
    (
        "invitations",
        "DELETE FROM invitations WHERE ctid = ANY (ARRAY (
            SELECT ctid FROM invitations WHERE expires_at < now() ORDER BY expires_at LIMIT $1))",
    ),
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
