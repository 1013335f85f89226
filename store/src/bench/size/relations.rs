//! What tables take with their indexes.

use std::collections::BTreeMap;

use crate::{error::StoreError, store::Store};

/// Bytes of each table with its indexes and whatever it keeps aside, months of a table together.
pub type RelationSizes = BTreeMap<String, i64>;

const SIZES: &str = "SELECT coalesce(p.relname, c.relname)::text, sum(pg_total_relation_size(c.oid))::bigint
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1";

/// As they are once what is dead in them may be used again; nothing is rewritten.
pub async fn relation_sizes(store: &Store) -> Result<RelationSizes, StoreError> {
    sqlx::query("VACUUM").execute(&store.pool).await?;
    let sizes: Vec<(String, i64)> = sqlx::query_as(SIZES).fetch_all(&store.pool).await?;
    Ok(sizes.into_iter().collect())
}
