//! Scans at pack benches: each counts once, whichever bench it comes from and however often it is sent.

use oms_domain::{
    bench::{ScanResult, Taken, Units},
    ids::FulfillmentOrderId,
};
use serde::Deserialize;
use sqlx::{PgConnection, types::Json};

use crate::{error::StoreError, store::Store};

/// A scan as it is kept.
#[derive(Deserialize)]
struct Row {
    result: ScanResult,
    units: Units,
}

impl From<Row> for Taken {
    fn from(Row { result, units }: Row) -> Self {
        Self { result, units }
    }
}

/// What a bench has counted, and in which session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSession {
    pub session: u64,
    pub scans: Vec<Taken>,
}

/// The open session's number, or that of the one to come.
const SESSION: &str = "SELECT coalesce(max(session) FILTER (WHERE ended_at IS NULL), coalesce(max(session), 0) + 1)
    FROM pack_sessions WHERE fulfillment_order_id = $1";
const SCANS: &str = "SELECT jsonb_build_object('result', s.result, 'units', s.units) FROM pack_scans s
    WHERE s.fulfillment_order_id = $1 AND s.session = $2 ORDER BY s.number";

async fn scans(connection: &mut PgConnection, id: &FulfillmentOrderId, session: i64) -> Result<Vec<Taken>, StoreError> {
    let rows: Vec<Json<Row>> = sqlx::query_scalar(SCANS).bind(id.as_str()).bind(session).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|Json(row)| row.into()).collect())
}

impl Store {
    /// What is counted of a fulfillment order now.
    pub async fn pack_session(&self, id: &FulfillmentOrderId) -> Result<PackSession, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let session: i64 = sqlx::query_scalar(SESSION).bind(id.as_str()).fetch_one(&mut *connection).await?;
        Ok(PackSession { session: session.unsigned_abs(), scans: scans(&mut connection, id, session).await? })
    }

    /// Whether a scan was taken.
    pub async fn has_scan(&self, id: &FulfillmentOrderId, scan_id: &str) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pack_scans WHERE fulfillment_order_id = $1 AND scan_id = $2)");
        Ok(query.bind(id.as_str()).bind(scan_id).fetch_one(&self.pool).await?)
    }

    /// Takes a scan, after those before it; one that was taken before is answered as it was. Benches take turns.
    pub async fn take_scan(
        &self,
        id: &FulfillmentOrderId,
        scan_id: &str,
        take: impl FnOnce(&[Taken]) -> Taken,
    ) -> Result<(Taken, PackSession), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock(20256, hashtext($1))").bind(id.as_str()).execute(&mut *transaction).await?;
        let known = sqlx::query_as(
            "SELECT session, jsonb_build_object('result', result, 'units', units) FROM pack_scans
            WHERE fulfillment_order_id = $1 AND scan_id = $2",
        );
        let known: Option<(i64, Json<Row>)> = known.bind(id.as_str()).bind(scan_id).fetch_optional(&mut *transaction).await?;
        if let Some((session, Json(row))) = known {
            let scans = scans(&mut transaction, id, session).await?;
            return Ok((row.into(), PackSession { session: session.unsigned_abs(), scans }));
        }
        let session: i64 = sqlx::query_scalar(SESSION).bind(id.as_str()).fetch_one(&mut *transaction).await?;
        let mut before = scans(&mut transaction, id, session).await?;
        let taken = take(&before);
        let insert = sqlx::query(
            "WITH opened AS (INSERT INTO pack_sessions (fulfillment_order_id, session) VALUES ($1, $2) ON CONFLICT DO NOTHING)
            INSERT INTO pack_scans (fulfillment_order_id, scan_id, session, result, units, actor_id) VALUES ($1, $3, $2, $4, $5, $6)",
        );
        let insert = insert.bind(id.as_str()).bind(session).bind(scan_id).bind(taken.result.name()).bind(Json(&taken.units));
        insert.bind(self.acting().map(|by| by.actor.id.as_str())).execute(&mut *transaction).await?;
        transaction.commit().await?;
        before.push(taken.clone());
        Ok((taken, PackSession { session: session.unsigned_abs(), scans: before }))
    }

    /// It is packed: what is scanned of it from now on is counted anew.
    pub async fn end_pack_session(&self, id: &FulfillmentOrderId, session: u64) -> Result<(), StoreError> {
        let query =
            sqlx::query("UPDATE pack_sessions SET ended_at = now() WHERE fulfillment_order_id = $1 AND session = $2 AND ended_at IS NULL");
        query.bind(id.as_str()).bind(i64::try_from(session).unwrap_or(i64::MAX)).execute(&self.pool).await?;
        Ok(())
    }
}
