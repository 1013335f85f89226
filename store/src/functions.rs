//! The functions of the database. Each stands once, in `store/functions`, and is replaced when its text has changed: a migration would
//! hold a copy of it for each change.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use crate::{error::StoreError, words};

/// The files, as `build.rs` found them.
const FILES: &[&str] = &include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// What callers may rely on. Goes up with each change that an older build must not take back: until it is gone, the functions answer
/// it in its own words, and its setup leaves them as they are.
const CONTRACT: i32 = 4;

/// Brings the functions to what this build says, in one transaction. Whoever calls one meanwhile gets the old one or the new one.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), StoreError> {
    match replace(pool, false).await {
        // One that answers with something else than before cannot be replaced in place.
        Err(StoreError::Internal { code, .. }) if code == INVALID_FUNCTION_DEFINITION => replace(pool, true).await,
        done => done,
    }
}

const INVALID_FUNCTION_DEFINITION: &str = "42P13";

async fn replace(pool: &PgPool, drop_first: bool) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(20250)").execute(&mut *transaction).await?;
    let words = words::words();
    let digest = digest(&words);
    let stand: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM applied_functions WHERE digest = $1 OR contract > $2)")
        .bind(&digest)
        .bind(CONTRACT)
        .fetch_one(&mut *transaction)
        .await?;
    if stand {
        return Ok(());
    }
    if drop_first {
        sqlx::raw_sql(DROP_ALL).execute(&mut *transaction).await?;
    }
    write(&mut transaction).await?;
    words::write(&mut transaction, &words).await?;
    sqlx::raw_sql(DROP_STALE).execute(&mut *transaction).await?;
    sqlx::query(NOTE).bind(&digest).bind(CONTRACT).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// They call each other, in whatever order they stand: bodies are looked at when they are called.
async fn write(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("SET LOCAL check_function_bodies = off").execute(&mut *connection).await?;
    for file in FILES {
        sqlx::raw_sql(*file).execute(&mut *connection).await?;
    }
    Ok(())
}

fn digest(words: &Value) -> String {
    let mut digest = Sha256::new();
    digest.update(words.to_string());
    for file in FILES {
        digest.update(file);
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In one statement: some depend on others, by their defaults.
const DROP_ALL: &str = "DO $$ DECLARE known text := (
        SELECT string_agg(routine, ', ') FROM applied_functions a, unnest(a.signatures) AS s (routine)); BEGIN
    IF known IS NOT NULL THEN
        EXECUTE 'DROP ROUTINE IF EXISTS ' || known;
    END IF;
END $$";

/// Those that stand in no file any more: what this transaction has written is what does.
const DROP_STALE: &str = "DO $$ DECLARE stale text := (SELECT string_agg(s.routine, ', ') FROM (
        SELECT unnest(signatures) AS routine FROM applied_functions
        EXCEPT SELECT oid::regprocedure::text FROM pg_proc WHERE xmin = pg_current_xact_id()::xid) AS s); BEGIN
    IF stale IS NOT NULL THEN
        EXECUTE 'DROP ROUTINE IF EXISTS ' || stale;
    END IF;
END $$";

const NOTE: &str = "INSERT INTO applied_functions (digest, contract, signatures)
    SELECT $1, $2, array_agg(oid::regprocedure::text) FROM pg_proc WHERE xmin = pg_current_xact_id()::xid
    ON CONFLICT (one) DO UPDATE SET digest = excluded.digest, contract = excluded.contract, signatures = excluded.signatures,
        applied_at = now()";
