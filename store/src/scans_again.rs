//! What carriers have told, told once more.

use crate::{error::StoreError, store::Store};

impl Store {
    /// Leaves messages for whose parcels have these numbers, with all that is known of them.
    pub async fn tell_scans_again(&self, tracking_numbers: &[&str]) -> Result<(), StoreError> {
        if !tracking_numbers.is_empty() {
            sqlx::query("SELECT tell_scans_again($1)").bind(tracking_numbers).execute(&self.pool).await?;
        }
        Ok(())
    }
}
