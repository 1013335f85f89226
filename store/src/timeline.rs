//! What has happened to an order, from PostgreSQL, which decides: the document follows.

use oms_domain::{ids::OrderId, taken::TakenCommand};
use serde::Deserialize;
use serde_json::Value;

use crate::{error::StoreError, record::RecordedEvent, store::Store};

/// What is recorded of an order after some version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Timeline {
    /// What the order began as: only asked for from the beginning, and of no use once that is no longer kept.
    pub beginning: Option<Value>,
    /// Oldest first.
    pub events: Vec<RecordedEvent>,
    /// What led to them, as far as people asked for it, oldest first.
    pub commands: Vec<TakenCommand>,
}

impl Store {
    /// The last version that is recorded of an order; 0: nothing is.
    pub async fn recorded_version(&self, order_id: &OrderId) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(version) FROM order_guards WHERE order_id = $1");
        Ok(self.row(query.bind(order_id.as_str())).await?.unwrap_or(0))
    }

    /// Everything recorded of an order after a version.
    pub async fn timeline_after(&self, order_id: &OrderId, version: u64) -> Result<Timeline, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object(
                'beginning', (SELECT beginning FROM order_beginnings WHERE order_id = $1 AND $2 = 0
                    AND EXISTS (SELECT FROM order_events WHERE order_id = $1 AND seq = 1)),
                'events', (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'at', at, 'data', data) ORDER BY seq), '[]')
                    FROM order_events WHERE order_id = $1 AND seq > $2),
                'commands', (SELECT coalesce(jsonb_agg(jsonb_build_object('command_id', command_id, 'body_hash', body_hash, 'version', version)
                    ORDER BY version, command_id), '[]') FROM order_commands WHERE order_id = $1 AND version > $2 AND NOT led_to_nothing))",
        );
        let found = self.row(query.bind(order_id.as_str()).bind(number(version))).await?;
        found.ok_or(StoreError::Corrupt { what: "a timeline" })
    }

    /// Everything recorded of an order up to a version, but for the commands.
    pub async fn timeline_until(&self, order_id: &OrderId, version: u64) -> Result<Timeline, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('beginning', (SELECT beginning FROM order_beginnings WHERE order_id = $1), 'commands', '[]'::jsonb,
                'events', (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'at', at, 'data', data) ORDER BY seq), '[]')
                    FROM order_events WHERE order_id = $1 AND seq <= $2))",
        );
        let found = self.row(query.bind(order_id.as_str()).bind(number(version))).await?;
        found.ok_or(StoreError::Corrupt { what: "a timeline" })
    }

    /// Keeps, for 30 days, that a command led to nothing at its version: it has been answered, and is the same command when it comes again.
    /// One that has led to something meanwhile is kept as that.
    pub async fn keep_idle_command(&self, order_id: &OrderId, command: &TakenCommand) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO order_commands (order_id, command_id, body_hash, version, led_to_nothing) VALUES ($1, $2, $3, $4, true)
            ON CONFLICT DO NOTHING",
        );
        let query = query.bind(order_id.as_str()).bind(&command.command_id).bind(&command.body_hash).bind(number(command.version));
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// What was taken under this id within 30 days, whatever it led to: the order itself knows only the last of them.
    pub async fn taken_command(&self, order_id: &OrderId, command_id: &str) -> Result<Option<TakenCommand>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('command_id', command_id, 'body_hash', body_hash, 'version', version) FROM order_commands
            WHERE order_id = $1 AND command_id = $2",
        );
        self.row(query.bind(order_id.as_str()).bind(command_id)).await
    }

    /// Events after the given one, in order.
    pub async fn events(&self, order_id: &OrderId, after: u64, limit: u32) -> Result<Vec<RecordedEvent>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('seq', seq, 'kind', kind, 'at', at, 'data', data,
                'by', shown_by(actor_kind, actor_id, station_id, request_id)) FROM order_events
            WHERE order_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        );
        self.rows(query.bind(order_id.as_str()).bind(number(after)).bind(i64::from(limit))).await
    }
}

/// Beyond what PostgreSQL counts to, there is nothing.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
