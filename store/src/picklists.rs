//! Picklists: what somebody set out to pick together, and how each part of it stands now.

use jiff::Timestamp;
use oms_domain::{
    access::Scope,
    ids::{FacilityId, FulfillmentOrderId},
};
use serde::Deserialize;

use crate::{error::StoreError, order_list::Page, reach::facilities, store::Store};

/// A picklist as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Picklist {
    pub picklist_id: String,
    pub facility_id: FacilityId,
    pub picker: String,
    pub made_at: Timestamp,
    /// In the order in which they were begun.
    pub parts: Vec<PicklistPart>,
}

/// A fulfillment order on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PicklistPart {
    pub fulfillment_order_id: FulfillmentOrderId,
    /// As in lists of fulfillment orders. None: not known any more.
    pub status: Option<String>,
}

macro_rules! select_picklists {
    ($rest:literal) => {
        concat!(
            "SELECT to_jsonb(p) - 'fulfillment_order_ids' || jsonb_build_object('parts', coalesce((
                SELECT jsonb_agg(jsonb_build_object('fulfillment_order_id', id, 'status', f.status) ORDER BY n)
                FROM unnest(p.fulfillment_order_ids) WITH ORDINALITY AS listed(id, n)
                LEFT JOIN fulfillment_orders f ON f.fulfillment_order_id = id), '[]'))
            FROM picklists p ",
            $rest
        )
    };
}

impl Store {
    /// Keeps that these are about to be begun, after those that the list has already.
    pub async fn add_to_picklist(
        &self,
        picklist_id: &str,
        facility_id: &FacilityId,
        picker: &str,
        parts: &[FulfillmentOrderId],
    ) -> Result<(), StoreError> {
        let parts: Vec<&str> = parts.iter().map(FulfillmentOrderId::as_str).collect();
        let query = sqlx::query(
            "INSERT INTO picklists AS p (picklist_id, facility_id, picker, fulfillment_order_ids) VALUES ($1, $2, $3, $4)
            ON CONFLICT (picklist_id) DO UPDATE SET fulfillment_order_ids = p.fulfillment_order_ids || excluded.fulfillment_order_ids",
        );
        query.bind(picklist_id).bind(facility_id.as_str()).bind(picker).bind(parts).execute(&self.pool).await?;
        Ok(())
    }

    /// Leaves these on the list, and no others: what could not be begun is somebody else's.
    pub async fn keep_on_picklist(&self, picklist_id: &str, parts: &[FulfillmentOrderId]) -> Result<(), StoreError> {
        let parts: Vec<&str> = parts.iter().map(FulfillmentOrderId::as_str).collect();
        let query = sqlx::query("UPDATE picklists SET fulfillment_order_ids = $2 WHERE picklist_id = $1 AND fulfillment_order_ids <> $2");
        query.bind(picklist_id).bind(parts).execute(&self.pool).await?;
        Ok(())
    }

    /// One of them, up to 30 days after it was made.
    pub async fn picklist(&self, picklist_id: &str) -> Result<Option<Picklist>, StoreError> {
        self.row(sqlx::query_scalar(select_picklists!("WHERE p.picklist_id = $1")).bind(picklist_id)).await
    }

    /// Picklists of a facility, or of all that the scope reaches, newest first.
    pub async fn picklists_page(
        &self,
        facility_id: Option<&FacilityId>,
        scope: &Scope,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Page<Picklist>, StoreError> {
        let query = sqlx::query_scalar(select_picklists!(
            "WHERE ($1::text IS NULL OR p.facility_id = $1) AND ($2::text[] IS NULL OR p.facility_id = ANY ($2))
                AND ($3::text IS NULL OR p.picklist_id < $3)
            ORDER BY p.picklist_id DESC LIMIT $4"
        ));
        let query = query.persistent(false).bind(facility_id.map(FacilityId::as_str)).bind(facilities(scope));
        let query = query.bind(before).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &Picklist| last.picklist_id.clone()))
    }
}
