//! All tables of PostgreSQL, asked alike.

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, Decode, PgConnection, Postgres, Type};

use super::System;

/// What the aggregate says of each table's rows, which it calls `t`, by the table's name.
pub async fn of_each_table<T>(system: &System, aggregate: &str) -> Result<Vec<(String, T)>>
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
{
    let mut connection = PgConnection::connect(&system.addresses.database_url).await?;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            .fetch_all(&mut connection)
            .await?;
    let mut said = Vec::new();
    for table in tables {
        let asked = AssertSqlSafe(format!("SELECT {aggregate} FROM \"{table}\" AS t"));
        said.push((table, sqlx::query_scalar(asked).fetch_one(&mut connection).await?));
    }
    connection.close().await?;
    Ok(said)
}
