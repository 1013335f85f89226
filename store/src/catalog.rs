//! Single facilities, products and counts: what the API reads and puts one at a time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use serde::Deserialize;
use sqlx::types::Json;

use crate::{
    error::StoreError,
    feed_rows::{Facility, Product, StockCount, Valid},
    stock::{NumberedRow, StockPosition},
    store::{Store, Tries},
};

/// The facilities at a time. What a plan says of waiting units holds as long as they are these.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FacilityBook {
    /// Goes up with every change of a facility, of the capacity that is left to a full one, or of the allocation rules.
    pub version: u64,
    /// By id.
    pub facilities: Vec<NumberedFacility>,
}

/// A facility, and its number in a [`FacilitySet`](crate::FacilitySet).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NumberedFacility {
    pub number: usize,
    #[serde(flatten)]
    pub facility: Facility,
}

/// Facilities, products and single counts of a [`Store`].
pub struct Catalog<'a>(&'a Store);

impl Store {
    /// Where facilities and products are read and put.
    pub fn catalog(&self) -> Catalog<'_> {
        Catalog(self)
    }
}

impl Catalog<'_> {
    /// Adds or replaces a facility.
    pub async fn put_facility(&self, facility: &Facility) -> Result<(), StoreError> {
        self.put("SELECT result FROM write_facilities($1)", facility).await
    }

    /// Adds or replaces a product.
    pub async fn put_product(&self, product: &Product) -> Result<(), StoreError> {
        self.put("SELECT result FROM write_products($1)", product).await
    }

    async fn put(&self, write: &'static str, row: &(impl Valid + serde::Serialize)) -> Result<(), StoreError> {
        if row.mistake().is_some() {
            return Err(StoreError::Refused { code: ErrorCode::ValidationFailed });
        }
        sqlx::query(write).bind(Json([NumberedRow { n: 0, row }])).execute(&self.0.pool).await?;
        Ok(())
    }

    /// A facility.
    pub async fn facility(&self, facility_id: &FacilityId) -> Result<Option<Facility>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(f) FROM facilities f WHERE facility_id = $1");
        self.0.row(query.bind(facility_id.as_str())).await
    }

    /// Every facility, by id: there are few.
    pub async fn facilities(&self) -> Result<Vec<Facility>, StoreError> {
        self.0.rows(sqlx::query_scalar("SELECT to_jsonb(f) FROM facilities f ORDER BY facility_id")).await
    }

    /// Every facility with its number, at one time.
    pub async fn facility_book(&self) -> Result<FacilityBook, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('version', v.version, 'facilities', coalesce((
                SELECT jsonb_agg(to_jsonb(f) ORDER BY facility_id) FROM facilities f), '[]'))
            FROM facilities_version v",
        );
        self.0.row(query).await?.ok_or(StoreError::Corrupt { what: "the facilities" })
    }

    /// The version of the facilities.
    pub async fn facilities_version(&self) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(version) FROM facilities_version");
        self.0.row(query).await?.ok_or(StoreError::Corrupt { what: "the version of the facilities" })
    }

    /// A product.
    pub async fn product(&self, sku: &Sku) -> Result<Option<Product>, StoreError> {
        Ok(self.products(std::slice::from_ref(sku)).await?.pop())
    }

    /// Those of these products that are known, by SKU.
    pub async fn products(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError> {
        let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
        let query = sqlx::query_scalar("SELECT to_jsonb(p) FROM products p WHERE sku = ANY ($1) ORDER BY sku");
        self.0.rows(query.bind(skus)).await
    }

    /// Counts one position, as of a time (absent: now), and answers with what it is then. Refuses what a feed would reject.
    pub async fn put_stock(&self, count: &StockCount, as_of: Option<Timestamp>) -> Result<StockPosition, StoreError> {
        if count.mistake().is_some() {
            return Err(StoreError::Refused { code: ErrorCode::ValidationFailed });
        }
        let as_of = as_of.unwrap_or_else(Timestamp::now).to_sqlx();
        let row = [NumberedRow { n: 0, row: count }];
        let mut tries = Tries::default();
        let result: String = loop {
            let query = sqlx::query_scalar("SELECT result FROM count_stock($1, $2, 'put', $3)").bind(Json(&row)).bind(as_of);
            match query.bind(Json(self.0.acting())).fetch_one(&self.0.pool).await {
                Ok(result) => break result,
                Err(error) => tries.again(error).await?,
            }
        };
        if let Some(code) = ErrorCode::from_code(&result) {
            return Err(StoreError::Refused { code });
        }
        self.position(&count.facility_id, &count.sku).await
    }

    /// Takes back the last count of a position, which was as of this time, as if it had never been told, and answers with the position.
    /// Another count, or one that was taken back, is not found.
    pub async fn take_back_count(&self, facility_id: &FacilityId, sku: &Sku, as_of: Timestamp) -> Result<StockPosition, StoreError> {
        let mut tries = Tries::default();
        let taken_back = loop {
            let query = sqlx::query_scalar("SELECT take_back_count($1, $2, $3, $4)").bind(facility_id.as_str()).bind(sku.as_str());
            match query.bind(as_of.to_sqlx()).bind(Json(self.0.acting())).fetch_one(&self.0.pool).await {
                Ok(taken_back) => break taken_back,
                Err(error) => tries.again(error).await?,
            }
        };
        if taken_back { self.position(facility_id, sku).await } else { Err(StoreError::Refused { code: ErrorCode::NotFound }) }
    }

    async fn position(&self, facility_id: &FacilityId, sku: &Sku) -> Result<StockPosition, StoreError> {
        let positions = self.0.stock_of(sku).await?;
        let position = positions.into_iter().find(|position| position.facility_id == *facility_id);
        position.ok_or(StoreError::Corrupt { what: "the position just counted" })
    }
}
