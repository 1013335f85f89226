//! Handing over to carriers: what waits, what was scanned onto which manifest, and manifests that are closed.

use jiff::Timestamp;
use oms_domain::{
    access::Scope,
    ids::{FacilityId, ParcelId},
};
use serde::Deserialize;

use crate::{error::StoreError, order_list::Page, reach::facilities, store::Store};

/// A manifest with its parcels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    pub manifest_id: String,
    pub facility_id: FacilityId,
    pub carrier: String,
    pub began_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// As they were scanned.
    pub parcels: Vec<ManifestParcel>,
}

/// A parcel on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ManifestParcel {
    pub parcel_id: ParcelId,
    pub tracking_number: Option<String>,
    pub scanned_at: Timestamp,
}

/// A parcel that waits for its carrier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WaitingParcel {
    pub parcel_id: ParcelId,
    pub carrier: String,
    pub tracking_number: Option<String>,
    /// The open manifest that it was scanned onto.
    pub manifest_id: Option<String>,
}

/// What came of scanning a parcel's code at the handover.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HandoverScan {
    /// `added`, `already`, `not_waiting` or `unknown`.
    pub result: String,
    pub parcel_id: Option<ParcelId>,
    pub carrier: Option<String>,
    pub manifest_id: Option<String>,
}

macro_rules! select_manifests {
    ($rest:literal) => {
        concat!(
            "SELECT to_jsonb(m) || jsonb_build_object('parcels', coalesce((
                SELECT jsonb_agg(to_jsonb(p) ORDER BY p.scanned_at, p.parcel_id) FROM manifest_parcels p WHERE p.manifest_id = m.manifest_id), '[]'))
            FROM manifests m ",
            $rest
        )
    };
}

/// A label that two carriers have given the same number is of the parcel that waits. Who scans a parcel twice has scanned it.
const SCAN: &str = "WITH meant AS (
        SELECT p.parcel_id, p.tracking_number, coalesce(p.carrier, '') AS carrier, p.status, k.manifest_id
        FROM parcels p JOIN fulfillment_orders f USING (fulfillment_order_id) LEFT JOIN manifest_parcels k USING (parcel_id)
        WHERE (p.parcel_id = $2 OR p.tracking_key = tracking_key($2)) AND f.facility_id = $1
        ORDER BY p.status = 'labelled' DESC, p.parcel_id LIMIT 1
    ), begun AS (
        INSERT INTO manifests (manifest_id, facility_id, carrier)
        SELECT $3, $1, carrier FROM meant WHERE status = 'labelled' AND manifest_id IS NULL
        ON CONFLICT (facility_id, carrier) WHERE closed_at IS NULL DO UPDATE SET carrier = excluded.carrier
        RETURNING manifest_id
    ), added AS (
        INSERT INTO manifest_parcels (parcel_id, manifest_id, tracking_number, actor_id)
        SELECT m.parcel_id, b.manifest_id, m.tracking_number, $4 FROM meant m, begun b ON CONFLICT DO NOTHING
        RETURNING manifest_id
    )
    SELECT jsonb_build_object('result', CASE WHEN a.manifest_id IS NOT NULL THEN 'added' WHEN m.parcel_id IS NULL THEN 'unknown'
            WHEN m.manifest_id IS NOT NULL OR m.status = 'labelled' THEN 'already' ELSE 'not_waiting' END,
        'parcel_id', m.parcel_id, 'carrier', m.carrier, 'manifest_id', coalesce(a.manifest_id, m.manifest_id))
    FROM (SELECT) AS one LEFT JOIN meant m ON true LEFT JOIN added a ON true";

impl Store {
    /// Parcels of a facility that have their label and are not on a closed manifest, by carrier; so many at most.
    pub async fn waiting_parcels(&self, facility_id: &FacilityId, limit: u32) -> Result<Vec<WaitingParcel>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('parcel_id', p.parcel_id, 'carrier', coalesce(p.carrier, ''), 'tracking_number', p.tracking_number,
                'manifest_id', m.manifest_id)
            FROM parcels p JOIN fulfillment_orders f USING (fulfillment_order_id)
                LEFT JOIN manifest_parcels k USING (parcel_id) LEFT JOIN manifests m ON m.manifest_id = k.manifest_id
            WHERE f.facility_id = $1 AND p.status = 'labelled' AND m.closed_at IS NULL
            ORDER BY coalesce(p.carrier, ''), p.numbered_at, p.parcel_id LIMIT $2",
        );
        self.rows(query.persistent(false).bind(facility_id.as_str()).bind(i64::from(limit))).await
    }

    /// Puts the parcel with this id or tracking number onto its carrier's open manifest, which begins with it if there is none: as `new_id`.
    pub async fn scan_to_manifest(&self, facility_id: &FacilityId, code: &str, new_id: &str) -> Result<HandoverScan, StoreError> {
        let query = sqlx::query_scalar(SCAN).bind(facility_id.as_str()).bind(code).bind(new_id);
        let query = query.bind(self.acting().map(|by| by.actor.id.as_str()));
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "a scan at the handover" })
    }

    /// Nothing is scanned onto it any more; one that is closed stays as it was closed. None: there is none.
    pub async fn close_manifest(&self, manifest_id: &str) -> Result<Option<Manifest>, StoreError> {
        let close = sqlx::query("UPDATE manifests SET closed_at = now(), closed_by = $2 WHERE manifest_id = $1 AND closed_at IS NULL");
        close.bind(manifest_id).bind(self.acting().map(|by| by.actor.id.as_str())).execute(&self.pool).await?;
        self.manifest(manifest_id).await
    }

    /// One of them, up to 90 days after it was begun.
    pub async fn manifest(&self, manifest_id: &str) -> Result<Option<Manifest>, StoreError> {
        self.row(sqlx::query_scalar(select_manifests!("WHERE m.manifest_id = $1")).bind(manifest_id)).await
    }

    /// Manifests of a facility, or of all that the scope reaches, newest first.
    pub async fn manifests_page(
        &self,
        facility_id: Option<&FacilityId>,
        scope: &Scope,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Page<Manifest>, StoreError> {
        let query = sqlx::query_scalar(select_manifests!(
            "WHERE ($1::text IS NULL OR m.facility_id = $1) AND ($2::text[] IS NULL OR m.facility_id = ANY ($2))
                AND ($3::text IS NULL OR m.manifest_id < $3)
            ORDER BY m.manifest_id DESC LIMIT $4"
        ));
        let query = query.persistent(false).bind(facility_id.map(FacilityId::as_str)).bind(facilities(scope));
        let query = query.bind(before).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &Manifest| last.manifest_id.clone()))
    }
}
