//! What scanners read off products, and where products lie.

use oms_domain::ids::{FacilityId, Sku};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// A code, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barcode {
    pub code: String,
    pub sku: Sku,
    pub units: u32,
}

/// Where a position lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    pub sku: Sku,
    pub bin: String,
    /// The walk comes by the lowest first.
    pub walk: u32,
}

impl Store {
    /// Gives a product these codes and no others. The first that another product has is answered, and then nothing has changed.
    pub async fn put_barcodes(&self, sku: &Sku, barcodes: &[Barcode]) -> Result<Option<String>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM product_barcodes WHERE sku = $1").bind(sku.as_str()).execute(&mut *transaction).await?;
        let taken = sqlx::query_scalar(
            "WITH given AS (SELECT * FROM jsonb_to_recordset($1) AS g (code text, sku text, units bigint)), written AS (
                INSERT INTO product_barcodes (code, sku, units) SELECT code, sku, units FROM given ORDER BY code
                ON CONFLICT (code) DO NOTHING RETURNING code)
            SELECT min(code) FROM given WHERE code NOT IN (SELECT code FROM written)",
        );
        let taken: Option<String> = taken.bind(Json(barcodes)).fetch_one(&mut *transaction).await?;
        match taken {
            Some(_) => transaction.rollback().await?,
            None => transaction.commit().await?,
        }
        Ok(taken)
    }

    /// A product's codes.
    pub async fn barcodes(&self, skus: &[&str]) -> Result<Vec<Barcode>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(b) FROM product_barcodes b WHERE sku = ANY ($1) ORDER BY sku, code");
        self.rows(query.bind(skus)).await
    }

    /// What a code stands for.
    pub async fn barcode(&self, code: &str) -> Result<Option<Barcode>, StoreError> {
        self.row(sqlx::query_scalar("SELECT to_jsonb(b) FROM product_barcodes b WHERE code = $1").bind(code)).await
    }

    /// Says where a position lies.
    pub async fn put_bin(&self, facility_id: &FacilityId, bin: &Bin) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO bins (facility_id, sku, bin, walk) VALUES ($1, $2, $3, $4)
            ON CONFLICT (facility_id, sku) DO UPDATE SET bin = excluded.bin, walk = excluded.walk",
        );
        let query = query.bind(facility_id.as_str()).bind(bin.sku.as_str()).bind(&bin.bin).bind(i64::from(bin.walk));
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Where these lie at a facility; what nobody has said lies nowhere.
    pub async fn bins(&self, facility_id: &FacilityId, skus: &[&str]) -> Result<Vec<Bin>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(b) FROM bins b WHERE facility_id = $1 AND sku = ANY ($2)");
        self.rows(query.bind(facility_id.as_str()).bind(skus)).await
    }
}
