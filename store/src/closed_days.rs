//! Days on which facilities ship nothing more that is not planned already.

use jiff::civil::Date;
use oms_domain::ids::FacilityId;
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// A facility's day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClosedDay {
    pub facility_id: FacilityId,
    pub local_day: Date,
    /// Who closed it.
    pub closed_by: Option<String>,
}

impl Store {
    /// Of all facilities, or of one, from this local day on.
    pub async fn closed_days(&self, facility_id: Option<&FacilityId>, from: Date) -> Result<Vec<ClosedDay>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(d) FROM closed_days d WHERE local_day >= $1::text::date AND ($2::text IS NULL OR facility_id = $2)
            ORDER BY facility_id, local_day",
        );
        self.rows(query.bind(from.to_string()).bind(facility_id.map(FacilityId::as_str))).await
    }

    /// Plans leave the day out from now on. Errors: `unknown_facility`.
    pub async fn close_day(&self, facility_id: &FacilityId, day: Date) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO closed_days (facility_id, local_day, closed_by) VALUES ($1, $2::text::date, $3) ON CONFLICT DO NOTHING",
        );
        let query = query.bind(facility_id.as_str()).bind(day.to_string()).bind(self.acting().map(|by| by.actor.id.as_str()));
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Plans count with it again, also for those who wait. Whether it was closed.
    pub async fn open_day(&self, facility_id: &FacilityId, day: Date) -> Result<bool, StoreError> {
        let query = sqlx::query(
            "WITH opened AS (DELETE FROM closed_days WHERE facility_id = $1 AND local_day = $2::text::date RETURNING facility_id)
            INSERT INTO serve_queue (facility_id, changes) SELECT facility_id, true FROM opened",
        );
        Ok(query.bind(facility_id.as_str()).bind(day.to_string()).execute(&self.pool).await?.rows_affected() > 0)
    }
}
