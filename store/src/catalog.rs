//! Single facilities, products and counts: what the API reads and puts one at a time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::Scope,
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::types::Json;

use crate::{
    error::StoreError,
    feed_rows::{Facility, Product, StockCount, Valid},
    order_list::Page,
    reach::facilities as within,
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

/// How one kind of row is replaced: by one writer at a time.
struct Replacing {
    lock: &'static str,
    read: &'static str,
    write: &'static str,
}

/// The lock is that of whoever writes facilities: they number them.
const FACILITY: Replacing = Replacing {
    lock: "SELECT pg_advisory_xact_lock(20254, 0) WHERE $1 <> ''",
    read: "SELECT to_jsonb(f) FROM facilities f WHERE facility_id = $1",
    write: "SELECT result FROM write_facilities($1)",
};

/// The lock is for those that are not there yet; a feed waits for the row of one that is.
const PRODUCT: Replacing = Replacing {
    lock: "SELECT pg_advisory_xact_lock(20255, hashtext($1))",
    read: "SELECT to_jsonb(p) FROM products p WHERE sku = $1 FOR UPDATE",
    write: "SELECT result FROM write_products($1)",
};

/// Facilities, products and single counts of a [`Store`].
pub struct Catalog<'a>(&'a Store);

impl Store {
    /// Where facilities and products are read and put.
    pub fn catalog(&self) -> Catalog<'_> {
        Catalog(self)
    }
}

impl Catalog<'_> {
    pub(crate) fn store(&self) -> &Store {
        self.0
    }

    /// Adds or replaces a facility.
    pub async fn put_facility(&self, facility: &Facility) -> Result<(), StoreError> {
        self.replace_facility(facility, |_| Ok(())).await
    }

    /// Adds or replaces a product.
    pub async fn put_product(&self, product: &Product) -> Result<(), StoreError> {
        self.replace_product(product, |_| Ok(())).await
    }

    /// Adds a facility, or replaces the one that is there, unless `may`, which is shown it, says no.
    pub async fn replace_facility<E: From<StoreError>>(
        &self,
        facility: &Facility,
        may: impl FnOnce(Option<Facility>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.replace(&FACILITY, facility.facility_id.as_str(), facility, may).await
    }

    /// The same of a product.
    pub async fn replace_product<E: From<StoreError>>(
        &self,
        product: &Product,
        may: impl FnOnce(Option<Product>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.replace(&PRODUCT, product.sku.as_str(), product, may).await
    }

    async fn replace<T, E: From<StoreError>>(
        &self,
        statements: &Replacing,
        id: &str,
        row: &T,
        may: impl FnOnce(Option<T>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        T: Valid + Serialize + DeserializeOwned + Send + Unpin + 'static,
    {
        if row.mistake().is_some() {
            return Err(StoreError::Refused { code: ErrorCode::ValidationFailed }.into());
        }
        let mut transaction = self.0.pool.begin().await.map_err(StoreError::from)?;
        sqlx::query(statements.lock).bind(id).execute(&mut *transaction).await.map_err(StoreError::from)?;
        let there: Option<Json<T>> =
            sqlx::query_scalar(statements.read).bind(id).fetch_optional(&mut *transaction).await.map_err(StoreError::from)?;
        may(there.map(|Json(row)| row))?;
        let write = sqlx::query(statements.write).bind(Json([NumberedRow { n: 0, row }]));
        write.execute(&mut *transaction).await.map_err(StoreError::from)?;
        Ok(transaction.commit().await.map_err(StoreError::from)?)
    }

    /// Facilities within the scope, by id.
    pub async fn facilities_page(&self, scope: &Scope, after: Option<&FacilityId>, limit: u32) -> Result<Page<Facility>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(f) FROM facilities f WHERE facility_id > $1 AND ($2::text[] IS NULL OR facility_id = ANY ($2))
            ORDER BY facility_id LIMIT $3",
        );
        let query = query.bind(after.map_or("", FacilityId::as_str)).bind(within(scope)).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.0.rows(query).await?, limit, |last: &Facility| last.facility_id.to_string()))
    }

    /// Products, by SKU.
    pub async fn products_page(&self, after: Option<&Sku>, limit: u32) -> Result<Page<Product>, StoreError> {
        let query = sqlx::query_scalar("SELECT to_jsonb(p) FROM products p WHERE sku > $1 ORDER BY sku LIMIT $2");
        let query = query.bind(after.map_or("", Sku::as_str)).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.0.rows(query).await?, limit, |last: &Product| last.sku.to_string()))
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
        self.0.stock_position(facility_id, sku).await?.ok_or(StoreError::Corrupt { what: "the position just counted" })
    }
}
