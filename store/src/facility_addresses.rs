//! Where parcels come from, as labels name it.

use oms_domain::{ids::FacilityId, placed::Address};
use sqlx::types::Json;

use crate::{catalog::Catalog, error::StoreError};

impl Catalog<'_> {
    /// The address that a facility's labels name, if somebody has said it.
    pub async fn facility_address(&self, facility_id: &FacilityId) -> Result<Option<Address>, StoreError> {
        let query = sqlx::query_scalar("SELECT address FROM facility_addresses WHERE facility_id = $1");
        self.store().row(query.bind(facility_id.as_str())).await
    }

    /// Says it, in place of what was said before. Errors: `unknown_facility`.
    pub async fn put_facility_address(&self, facility_id: &FacilityId, address: &Address) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO facility_addresses (facility_id, address) VALUES ($1, $2)
            ON CONFLICT (facility_id) DO UPDATE SET address = EXCLUDED.address",
        );
        query.bind(facility_id.as_str()).bind(Json(address)).execute(&self.store().pool).await?;
        Ok(())
    }
}
