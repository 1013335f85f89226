//! PostgreSQL's data goes to another server, table by table: that one knows nothing of the first one's transactions.

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use oms_devstack::{DataDir, Home, Postgres};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolCopyExt},
};

use crate::{
    breaking::start_again,
    ground::{CLIENT, Ground, tools},
    restoring::{FINISHED, GO_ON_FOR, Store, put_back, summary},
    scenarios::Fault,
};

/// Tables with what is copied of them: no partitions, which are filled through what they are parts of, and no column that is computed.
const TABLES: &str = "SELECT quote_ident(c.relname), string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '_sqlx_migrations'
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname";
const SEQUENCES: &str = "SELECT format('SELECT setval(%L, %s)', quote_ident(sequencename), last_value) FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL";

/// The data is moved while nobody writes, and all goes on there: nothing is lost, and readers of the feed go on where they were.
pub async fn moved(ground: &mut Ground, fault: Fault) -> Result<()> {
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    let read_to = end_of_feed(ground).await?;
    ground.server.stop().await?;
    for worker in &mut ground.workers {
        worker.stop().await?;
    }
    let folder = ground.folder().join("moved");
    let home = Home::open(&DataDir::Kept(folder.clone())).await?;
    let other = Postgres::start(&home, &tools()?, None).await?;
    ground.set_up(other.url().expose_secret()).await?;
    copy_all(ground, other.url().expose_secret()).await?;
    other.stop().await?;
    ground.postgres.kill().await?;
    put_back(ground, Store::Postgres, &folder.join("postgres/data")).await?;
    start_again(&mut ground.postgres).await?;
    ground.workers.iter_mut().try_for_each(|worker| worker.start_again())?;
    ground.server.start_again()?;
    ground.until_ready().await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    let told = events_after(ground, &read_to).await?;
    ensure!(told.iter().any(|event| event["type"] == "events.restored"), "readers are told that it was moved: {told:?}");
    ensure!(told.len() > 1, "a reader goes on where it was: {told:?}");
    let repaired = ground.ask(&["repair", "--apply", "-o", "json"]).await?;
    println!("  repair: {}", summary(&repaired)?);
    ensure!(repaired["repairs"] == json!([]), "nothing is lost by a move: {repaired:#}");
    Ok(())
}

/// Rows as they are, transaction ids and all, and the password of the first one's account.
async fn copy_all(ground: &Ground, to: &str) -> Result<()> {
    // In whatever order tables come: references are those of the first one, and hold.
    let to: PgConnectOptions = to.parse()?;
    let to = PgPool::connect_with(to.options([("session_replication_role", "replica")])).await?;
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(&ground.sql).await?;
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.as_str()).collect();
    run(&to, format!("TRUNCATE {}", names.join(", "))).await?;
    for (table, columns) in &tables {
        let mut rows = ground.sql.copy_out_raw(&format!("COPY (SELECT {columns} FROM {table}) TO STDOUT")).await?;
        let mut copy = to.copy_in_raw(&format!("COPY {table} ({columns}) FROM STDIN")).await.with_context(|| table.clone())?;
        while let Some(row) = rows.next().await {
            copy.send(row?).await?;
        }
        copy.finish().await.with_context(|| table.clone())?;
    }
    let sequences: Vec<String> = sqlx::query_scalar(SEQUENCES).fetch_all(&ground.sql).await?;
    for sequence in sequences {
        run(&to, sequence).await?;
    }
    let password: String =
        sqlx::query_scalar("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").fetch_one(&ground.sql).await?;
    run(&to, format!("ALTER ROLE postgres PASSWORD '{password}'")).await?;
    to.close().await;
    Ok(())
}

async fn run(on: &PgPool, statement: String) -> Result<()> {
    sqlx::query(AssertSqlSafe(statement.clone())).execute(on).await.with_context(|| statement)?;
    Ok(())
}

async fn page(ground: &Ground, after: &str) -> Result<Value> {
    let answer = CLIENT.get(format!("{}/v1/events?limit=500&cursor={after}", ground.api)).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

async fn events_after(ground: &Ground, after: &str) -> Result<Vec<Value>> {
    let mut page = page(ground, after).await?;
    Ok(std::mem::take(page["items"].as_array_mut().context("events")?))
}

/// Where a reader is who has read everything.
async fn end_of_feed(ground: &Ground) -> Result<String> {
    let mut after = "0-0-0".to_owned();
    loop {
        let page = page(ground, &after).await?;
        after = page["next_cursor"].as_str().context("where to go on")?.to_owned();
        if page["items"].as_array().is_some_and(Vec::is_empty) {
            return Ok(after);
        }
    }
}
