//! Seals of the audit trail: a root over what is new and the root before, kept beside the trail and, a second time, in DynamoDB.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    error::StoreError,
    order_item::{Item, number},
    store::Store,
};

/// Rows that one seal covers.
const ROWS_MAX: i64 = 10_000;

/// The newest seal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AuditSeal {
    /// The last row that it covers.
    pub through_audit_id: i64,
    /// SHA-256, in hexadecimal digits: see `audit_root` in `functions/audit_seals.sql`.
    pub root: String,
    pub sealed_at: Timestamp,
}

impl Store {
    /// Seals what the trail has that is not sealed yet. The newest seal; None: there is nothing to seal.
    pub async fn seal_audit(&self) -> Result<Option<AuditSeal>, StoreError> {
        let sealed: Option<Option<sqlx::types::Json<AuditSeal>>> =
            sqlx::query_scalar("SELECT seal_audit($1)").bind(ROWS_MAX).fetch_optional(&self.pool).await?;
        Ok(sealed.flatten().map(|sealed| sealed.0))
    }

    /// Copies a seal to where nobody who can change the trail need be able to change it.
    pub async fn copy_seal(&self, seal: &AuditSeal) -> Result<(), StoreError> {
        let item = Item::from([
            ("pk".to_owned(), AttributeValue::S("AUDIT".to_owned())),
            ("sk".to_owned(), AttributeValue::S(format!("SEAL#{:020}", seal.through_audit_id))),
            ("through_audit_id".to_owned(), number(seal.through_audit_id)),
            ("root".to_owned(), AttributeValue::S(seal.root.clone())),
            ("sealed_at".to_owned(), AttributeValue::S(seal.sealed_at.to_string())),
        ]);
        // The first copy stands.
        let put = self.table.put(item).condition_expression("attribute_not_exists(pk)").send().await;
        match put {
            Ok(put) => self.table.note_cost(put.consumed_capacity()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
