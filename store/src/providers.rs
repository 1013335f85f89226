//! Companies outside: whether they may be asked, what workers make of them, and what waits for them.

use jiff::Timestamp;
use oms_domain::{
    access::By,
    ids::ProviderId,
    provider::{Circuit, ProviderPort, ProviderStanding},
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{audit::AuditAction, error::StoreError, order_list::Page, store::Store};

/// A worker that has said nothing for so long is gone.
const WORKER_GONE: &str = "interval '45 seconds'";

/// What a worker says of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderReport {
    pub provider_id: ProviderId,
    pub port: ProviderPort,
    pub worker_id: String,
    pub circuit: Circuit,
    pub circuit_since: Timestamp,
    pub in_flight: u32,
}

/// What a worker goes by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProviderOrders {
    pub provider_id: ProviderId,
    pub standing: ProviderStanding,
    /// How much waits for it.
    pub waits: u64,
}

/// A provider as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provider {
    pub provider_id: ProviderId,
    pub port: ProviderPort,
    pub standing: ProviderStanding,
    pub why: Option<String>,
    pub changed_at: Timestamp,
    pub by: Option<By>,
    /// The worst that a worker makes of it; none: no worker is there.
    pub circuit: Option<Circuit>,
    pub circuit_since: Option<Timestamp>,
    pub workers: u32,
    pub in_flight: u32,
    pub waits: u64,
    pub waits_since: Option<Timestamp>,
}

/// One thing that waits for a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderWait {
    pub key: String,
    /// An order, a parcel, or a return.
    pub reference: String,
    pub operation: String,
    pub why: String,
    pub since: Timestamp,
    pub tried_at: Timestamp,
    pub tries: u64,
}

impl Store {
    /// Says what a worker makes of its providers, those of whom there is something to be said; and reads what to go by, for all.
    pub async fn tell_providers(&self, reports: &[ProviderReport]) -> Result<Vec<ProviderOrders>, StoreError> {
        if !reports.is_empty() {
            let tell = sqlx::query(
                "WITH told AS (
                    SELECT * FROM jsonb_to_recordset($1) AS t (
                        provider_id text, port text, worker_id text, circuit text, circuit_since timestamptz, in_flight bigint)
                ), known AS (
                    INSERT INTO providers (provider_id, port) SELECT provider_id, port FROM told ON CONFLICT DO NOTHING
                ), gone AS (
                    DELETE FROM provider_workers WHERE seen_at < now() - interval '1 hour'
                )
                INSERT INTO provider_workers (provider_id, worker_id, circuit, circuit_since, in_flight)
                SELECT provider_id, worker_id, circuit, circuit_since, in_flight FROM told
                ON CONFLICT (provider_id, worker_id) DO UPDATE SET circuit = EXCLUDED.circuit, circuit_since = EXCLUDED.circuit_since,
                    in_flight = EXCLUDED.in_flight, seen_at = now()",
            );
            tell.bind(Json(reports)).execute(&self.pool).await?;
        }
        self.rows(sqlx::query_scalar(
            "SELECT jsonb_build_object('provider_id', provider_id, 'standing', standing,
                'waits', (SELECT count(*) FROM provider_waits w WHERE w.provider_id = p.provider_id))
            FROM providers p",
        ))
        .await
    }

    /// Says whether a provider may be asked, by whoever acts. None: there is no such provider.
    pub async fn set_provider(
        &self,
        provider_id: &ProviderId,
        standing: ProviderStanding,
        why: Option<&str>,
    ) -> Result<Option<Provider>, StoreError> {
        let query = sqlx::query_scalar(
            "WITH changed AS (
                UPDATE providers SET standing = $3, why = $4, changed_at = now(), actor_kind = $1 ->> 'kind', actor_id = $1 ->> 'id',
                    station_id = $1 ->> 'station', request_id = $1 ->> 'request_id'
                WHERE provider_id = $2 AND standing <> $3 RETURNING provider_id
            ), noted AS (
                INSERT INTO audit (actor_kind, actor_id, station_id, request_id, action, subject, detail)
                SELECT $1 ->> 'kind', $1 ->> 'id', $1 ->> 'station', $1 ->> 'request_id', $5, provider_id,
                    jsonb_build_object('standing', $3, 'why', $4)
                FROM changed
            )
            SELECT to_jsonb(provider_id) FROM providers WHERE provider_id = $2",
        );
        let query = query.bind(Json(self.acting())).bind(provider_id.as_str()).bind(standing.name()).bind(why);
        let known: Option<ProviderId> = self.row(query.bind(AuditAction::ProviderChanged.name())).await?;
        match known {
            Some(id) => self.provider(&id).await,
            None => Ok(None),
        }
    }

    /// The same by the house itself, from one standing to another. Whether it was as it was to be: of several workers one changes it, and
    /// tells people.
    pub async fn turn_provider(
        &self,
        provider_id: &ProviderId,
        from: ProviderStanding,
        to: ProviderStanding,
        why: &str,
    ) -> Result<bool, StoreError> {
        let turn = sqlx::query(
            "UPDATE providers SET standing = $3, why = $4, changed_at = now(), actor_kind = 'house', actor_id = 'effect',
                station_id = NULL, request_id = NULL
            WHERE provider_id = $1 AND standing = $2",
        );
        let turned = turn.bind(provider_id.as_str()).bind(from.name()).bind(to.name()).bind(why).execute(&self.pool).await?;
        Ok(turned.rows_affected() == 1)
    }

    /// All of them, by their names.
    pub async fn providers(&self) -> Result<Vec<Provider>, StoreError> {
        self.rows(sqlx::query_scalar(sqlx::AssertSqlSafe(select("true")))).await
    }

    /// One of them.
    pub async fn provider(&self, provider_id: &ProviderId) -> Result<Option<Provider>, StoreError> {
        self.row(sqlx::query_scalar(sqlx::AssertSqlSafe(select("p.provider_id = $1"))).bind(provider_id.as_str())).await
    }

    /// What waits for a provider, the longest first.
    pub async fn provider_waits(
        &self,
        provider_id: &ProviderId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ProviderWait>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(w) FROM provider_waits w WHERE provider_id = $1 AND ($2::text IS NULL OR (since, key) > (
                SELECT c.since, c.key FROM provider_waits c WHERE c.provider_id = $1 AND c.key = $2))
            ORDER BY since, key LIMIT $3",
        );
        let query = query.bind(provider_id.as_str()).bind(after).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &ProviderWait| last.key.clone()))
    }

    /// Something waits for a provider from now on, or goes on waiting.
    pub async fn note_provider_wait(
        &self,
        provider_id: &ProviderId,
        key: &str,
        reference: &str,
        operation: &str,
        why: &str,
    ) -> Result<(), StoreError> {
        let note = sqlx::query(
            "INSERT INTO provider_waits (provider_id, key, reference, operation, why) VALUES ($1, $2, $3, $4, left($5, 500))
            ON CONFLICT (provider_id, key) DO UPDATE SET why = EXCLUDED.why, operation = EXCLUDED.operation, tried_at = now(),
                tries = provider_waits.tries + 1",
        );
        note.bind(provider_id.as_str()).bind(key).bind(reference).bind(operation).bind(why).execute(&self.pool).await?;
        Ok(())
    }

    /// It waits no more.
    pub async fn end_provider_wait(&self, provider_id: &ProviderId, key: &str) -> Result<(), StoreError> {
        let end = sqlx::query("DELETE FROM provider_waits WHERE provider_id = $1 AND key = $2");
        end.bind(provider_id.as_str()).bind(key).execute(&self.pool).await?;
        Ok(())
    }

    /// Notes which provider begins something, unless one has: whose it is from then on.
    pub async fn choose_provider(&self, reference: &str, subject: &str, provider_id: &ProviderId) -> Result<ProviderId, StoreError> {
        let query = sqlx::query_scalar(
            "WITH chosen AS (
                INSERT INTO provider_choices (reference, subject, provider_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING provider_id
            )
            SELECT to_jsonb(provider_id) FROM chosen
            UNION ALL SELECT to_jsonb(provider_id) FROM provider_choices WHERE reference = $1 AND subject = $2",
        );
        let chosen = self.row(query.bind(reference).bind(subject).bind(provider_id.as_str())).await?;
        chosen.ok_or(StoreError::Busy { system: crate::error::POSTGRESQL, code: "chosen meanwhile".into() })
    }

    /// Which provider began something, if that was noted.
    pub async fn chosen_provider(&self, reference: &str, subject: &str) -> Result<Option<ProviderId>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(provider_id) FROM provider_choices WHERE reference = $1 AND subject = $2");
        self.row(query.bind(reference).bind(subject)).await
    }
}

fn select(condition: &str) -> String {
    format!(
        "SELECT jsonb_build_object('provider_id', p.provider_id, 'port', p.port, 'standing', p.standing, 'why', p.why,
            'changed_at', p.changed_at, 'by', shown_by(p.actor_kind, p.actor_id, p.station_id, p.request_id),
            'circuit', k.circuit, 'circuit_since', k.circuit_since, 'workers', k.workers, 'in_flight', k.in_flight,
            'waits', q.waits, 'waits_since', q.since)
        FROM providers p,
        LATERAL (
            SELECT count(*) AS workers, coalesce(sum(in_flight), 0) AS in_flight,
                (array_agg(circuit ORDER BY circuit DESC))[1] AS circuit, (array_agg(circuit_since ORDER BY circuit DESC))[1] AS circuit_since
            FROM provider_workers w WHERE w.provider_id = p.provider_id AND w.seen_at > now() - {WORKER_GONE}
        ) AS k,
        LATERAL (SELECT count(*) AS waits, min(since) AS since FROM provider_waits w WHERE w.provider_id = p.provider_id) AS q
        WHERE {condition} ORDER BY p.provider_id"
    )
}
