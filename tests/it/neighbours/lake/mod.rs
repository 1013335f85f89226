//! What is exported, read back by DuckDB and pyarrow: the rows, sums and types that PostgreSQL has. To a folder and to a bucket (moto), by the command
//! and by the schedule; killed in the middle; and after something has come late.

mod bucket;
mod command;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use oms::export::{Exported, Exports, Place, export};
use oms_domain::{ids::OrderId, policy::Policy};
use oms_starter::{ExportReport, MaintenanceResult, MaintenanceTask};
use oms_store::EXPORT_TABLES;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use self::{bucket::Moto, command::Exporting};
use super::{fixture, run};
use crate::support::{Basket, Setup, Shop, in_own_shop, in_shop_of, runtime::until, runtime::until_within, system::LEEDS};

/// Yesterday, today and tomorrow: nobody knows what the time is when this ends.
fn days() -> (Date, Date) {
    let day = |hours| (Timestamp::now() + SignedDuration::from_hours(hours)).to_zoned(TimeZone::UTC).date();
    (day(-24), day(24))
}

async fn export_all(shop: &Shop, folder: &Path) -> Result<BTreeMap<&'static str, Exported>> {
    let (place, mut done) = (Place::Folder(folder.to_owned()), BTreeMap::new());
    for table in EXPORT_TABLES {
        done.insert(table.name, export(&shop.system.store, table, days(), &place).await?);
    }
    Ok(done)
}

/// Everything that has happened is counted.
async fn counted(shop: &Shop) -> Result<()> {
    until_within(Duration::from_secs(30), "everything to be counted", async || {
        let fresh = shop.system.store.insights_freshness().await?;
        Ok((fresh.counted_until.is_some() && fresh.lag_ms == 0).then_some(()))
    })
    .await
}

/// An order that has been shipped and is over, and one that waits at its facility.
async fn two_orders(shop: &Shop) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 20)]).await?;
    let first = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
    let second = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
    shop.fulfill(&first).await?;
    shop.until_status(&first.heading.order_id.parse()?, "completed").await?;
    counted(shop).await?;
    Ok(second.heading.order_id.parse()?)
}

async fn read_back(root: &str, variables: &[(&str, &str)]) -> Result<Value> {
    let program = fixture("python/lake.py").into_os_string().into_string().ok().context("a path in UTF-8")?;
    let folder = tempfile::tempdir()?;
    Ok(serde_json::from_str(&run("bin/python", folder.path(), &[&program, root], variables).await?)?)
}

async fn read_folder(folder: &Path) -> Result<Value> {
    read_back(folder.to_str().context("a path in UTF-8")?, &[]).await
}

fn manifests(table: &Path) -> Result<Vec<Value>> {
    fs::read_dir(table)?.map(|day| Ok(serde_json::from_slice(&fs::read(day?.path().join("_manifest.json"))?)?)).collect()
}

/// What both have read is what the manifests say.
fn adds_up(root: &Path, read: &Value) -> Result<()> {
    for (table, of) in read.as_object().context("tables")? {
        let manifests = manifests(&root.join(format!("table={table}")))?;
        let rows: u64 = manifests.iter().filter_map(|manifest| manifest["rows"].as_u64()).sum();
        ensure!(of["duckdb"]["rows"] == rows && of["pyarrow"]["rows"] == rows && of["duckdb"]["of_another_day"] == 0, "{table}: {of}");
        for (column, sum) in of["pyarrow"]["sums"].as_object().context("sums")? {
            let kept = manifests.iter().filter_map(|manifest| manifest["sums"][column].as_str()?.parse::<i64>().ok());
            ensure!(*sum == kept.sum::<i64>() && of["duckdb"]["sums"][column] == *sum, "{table}.{column}: {of}");
        }
    }
    Ok(())
}

#[test]
fn what_is_exported_is_what_duckdb_and_pyarrow_read_and_a_late_event_makes_its_day_anew() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let second = two_orders(shop).await?;
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        let done = export_all(shop, root).await?;
        ensure!(done["orders"].rows_written == 2 && done["order_lines"].rows_written == 2 && done["events"].rows_written > 10, "{done:?}");
        let read = read_folder(root).await?;
        adds_up(root, &read)?;
        let types = &read["orders"]["duckdb"]["types"];
        ensure!(types["occurred_at"] == "TIMESTAMP WITH TIME ZONE" && types["promised_date"] == "DATE", "{types}");
        let of = |column: &str| types[column].as_str().unwrap_or_default().to_owned();
        ensure!(["units_ordered", "one_facility_had_all", "order_id"].map(of) == ["BIGINT", "BOOLEAN", "VARCHAR"], "{types}");
        let units = shop.count("SELECT coalesce(sum(units_ordered), 0)::bigint FROM insight_orders").await?;
        ensure!(read["orders"]["duckdb"]["sums"]["units_ordered"] == units && units == 5, "{units}");
        let shipped = shop.count("SELECT coalesce(sum(shipped_minor), 0)::bigint FROM insight_orders").await?;
        ensure!(read["fulfillments"]["pyarrow"]["sums"]["shipped_minor"] == shipped && shipped == 510, "{shipped}");
        let again = export_all(shop, root).await?;
        ensure!(again.values().all(|table| table.days_written == 0), "nothing is new: {again:?}");
        // Something happens to an order of a day that was written.
        shop.cancel(&second, "late", &[]).await?;
        shop.until_status(&second, "cancelled").await?;
        counted(shop).await?;
        let late = export_all(shop, root).await?;
        ensure!(late["orders"].rows_written == 2 && late["order_lines"].rows_written == 2, "{late:?}");
        let read = read_folder(root).await?;
        adds_up(root, &read)?;
        ensure!(read["order_lines"]["duckdb"]["sums"]["units_cancelled"] == 3, "{read}");
        Ok(())
    })
}

#[test]
fn an_export_that_is_killed_in_the_middle_goes_on_where_it_was() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        two_orders(shop).await?;
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        // It comes as far as this table, and waits.
        let mut held = PgConnection::connect(&shop.system.addresses.database_url).await?;
        let mut lock = held.begin().await?;
        sqlx::query("LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await?;
        let exporting = Exporting::start(shop, root.to_str().context("a path in UTF-8")?, &[])?;
        until("the tables before it to be written", async || Ok(root.join("table=fulfillments").exists().then_some(()))).await?;
        until("the last of them to be", async || Ok(manifests(&root.join("table=fulfillments")).ok())).await?;
        exporting.kill()?;
        lock.rollback().await?;
        ensure!(!root.join("table=parcels").exists() && !root.join("table=events").exists(), "it has gone past the lock");
        // As if it had been in the middle of a file, of which nothing says then that it was written.
        let unfinished = fs::read_dir(root.join("table=orders"))?.next().context("a day")??.path();
        fs::remove_file(unfinished.join("_manifest.json"))?;
        fs::write(unfinished.join("part-0.parquet"), b"PAR1 and no more")?;
        fs::write(unfinished.join(".part-0.parquet.part"), b"PAR1 and no more")?;
        let done = Exporting::start(shop, root.to_str().context("a path in UTF-8")?, &[])?.end().await?;
        let of = |table: &str, what: &str| done[table][what].as_u64();
        ensure!(of("orders", "rows_written") == Some(2) && of("order_lines", "days_written") == Some(0), "{done:?}");
        ensure!(of("fulfillments", "days_kept") == Some(1) && of("parcels", "rows_written") == Some(1), "{done:?}");
        adds_up(root, &read_folder(root).await?)
    })
}

#[test]
fn a_bucket_has_what_a_folder_has() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        two_orders(shop).await?;
        let moto = Moto::start().await?;
        moto.make_bucket("lake").await?;
        let folder = tempfile::tempdir()?;
        let variables = moto.variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = Exporting::start(shop, "s3://lake/of the house", &variables)?.end().await?;
        ensure!(done["orders"]["rows_written"] == 2, "{done:?}");
        export_all(shop, folder.path()).await?;
        let (there, here) = (read_back("s3://lake/of the house", &variables).await?, read_folder(folder.path()).await?);
        let tables = here.as_object().context("tables")?;
        ensure!(tables.len() > 5 && there.as_object().map(serde_json::Map::len) == Some(tables.len()), "{there}");
        for (table, of) in tables {
            ensure!(there[table]["pyarrow"] == of["pyarrow"], "{table}: {} and {}", there[table], of);
        }
        let again = Exporting::start(shop, "s3://lake/of the house", &variables)?.end().await?;
        ensure!(again.values().all(|table| table["days_written"] == 0), "nothing is new: {again:?}");
        let refused = Exporting::start(shop, "s3://no-such-bucket", &variables)?.end().await;
        ensure!(refused.is_err_and(|error| error.to_string().contains("NoSuchBucket")), "a bucket that is none is named");
        moto.stop()
    })
}

#[test]
fn the_schedule_writes_what_has_changed_and_says_how_much() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().to_owned();
    let export_to = Box::new(move |store| Arc::new(Exports::new(store, Place::Folder(root))) as Arc<_>);
    in_shop_of(Setup { export_to: Some(export_to), ..Setup::default() }, Policy::default(), async |shop| {
        two_orders(shop).await?;
        let first = scheduled(shop).await?;
        ensure!(first.tables == 10 && first.rows_written > 10, "{first:?}");
        let read = read_folder(folder.path()).await?;
        adds_up(folder.path(), &read)?;
        ensure!(read["orders"]["duckdb"]["rows"] == 2, "{read}");
        let again = scheduled(shop).await?;
        ensure!((again.tables, again.days_written, again.rows_written) == (10, 0, 0), "{again:?}");
        Ok(())
    })
}

/// What the schedule does, at once.
async fn scheduled(shop: &Shop) -> Result<ExportReport> {
    match shop.starter.maintain(MaintenanceTask::Export).await? {
        MaintenanceResult::Export(report) => Ok(report),
        other => bail!("another task answered: {other:?}"),
    }
}
