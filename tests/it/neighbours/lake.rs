//! What is exported, read back by DuckDB and pyarrow: the rows, sums and types that PostgreSQL has.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use oms::export::{Exported, export};
use oms_domain::policy::Policy;
use oms_store::EXPORT_TABLES;
use serde_json::Value;

use super::{fixture, run};
use crate::support::{Basket, Shop, in_own_shop, runtime::until_within, system::LEEDS};

/// Yesterday, today and tomorrow: nobody knows what the time is when this ends.
fn days() -> (Date, Date) {
    let day = |hours| (Timestamp::now() + SignedDuration::from_hours(hours)).to_zoned(TimeZone::UTC).date();
    (day(-24), day(24))
}

async fn export_all(shop: &Shop, folder: &Path) -> Result<BTreeMap<&'static str, Exported>> {
    let mut done = BTreeMap::new();
    for table in EXPORT_TABLES {
        done.insert(table.name, export(&shop.system.store, table, days(), folder).await?);
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

async fn read_back(folder: &Path) -> Result<Value> {
    let program = fixture("python/lake.py").into_os_string().into_string().ok().context("a path in UTF-8")?;
    let root = folder.to_str().context("a path in UTF-8")?;
    Ok(serde_json::from_str(&run("bin/python", folder, &[&program, root], &[]).await?)?)
}

#[test]
fn what_is_exported_is_what_duckdb_and_pyarrow_read_and_a_late_event_makes_its_day_anew() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        let first = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let second = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
        shop.fulfill(&first).await?;
        shop.until_status(&first.heading.order_id.parse()?, "completed").await?;
        counted(shop).await?;
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        let done = export_all(shop, root).await?;
        ensure!(done["orders"].rows_written == 2 && done["order_lines"].rows_written == 2 && done["events"].rows_written > 10, "{done:?}");

        let read = read_back(root).await?;
        for (table, of) in read.as_object().context("tables")? {
            let manifests = manifests(&root.join(format!("table={table}")))?;
            let rows: u64 = manifests.iter().filter_map(|manifest| manifest["rows"].as_u64()).sum();
            ensure!(of["duckdb"]["rows"] == rows && of["pyarrow"]["rows"] == rows && of["duckdb"]["of_another_day"] == 0, "{table}: {of}");
            for (column, sum) in of["pyarrow"]["sums"].as_object().context("sums")? {
                let kept = manifests.iter().filter_map(|manifest| manifest["sums"][column].as_str()?.parse::<i64>().ok());
                ensure!(*sum == kept.sum::<i64>() && of["duckdb"]["sums"][column] == *sum, "{table}.{column}: {of}");
            }
        }
        let types = &read["orders"]["duckdb"]["types"];
        ensure!(types["occurred_at"] == "TIMESTAMP WITH TIME ZONE" && types["promised_date"] == "DATE", "{types}");
        ensure!(
            types["units_ordered"] == "BIGINT" && types["one_facility_had_all"] == "BOOLEAN" && types["order_id"] == "VARCHAR",
            "{types}"
        );
        let units = shop.count("SELECT coalesce(sum(units_ordered), 0)::bigint FROM insight_orders").await?;
        ensure!(read["orders"]["duckdb"]["sums"]["units_ordered"] == units && units == 5, "{units}");
        let shipped = shop.count("SELECT coalesce(sum(shipped_minor), 0)::bigint FROM insight_orders").await?;
        ensure!(read["fulfillments"]["pyarrow"]["sums"]["shipped_minor"] == shipped && shipped == 510, "{shipped}");

        // Again: nothing is new.
        let again = export_all(shop, root).await?;
        ensure!(again.values().all(|table| table.days_written == 0), "{again:?}");
        // Cut off in the middle: the rest of a file lies there, and nothing says that the day was written.
        for day in fs::read_dir(root.join("table=orders"))? {
            let day = day?.path();
            fs::remove_file(day.join("_manifest.json"))?;
            fs::write(day.join(".part-0.parquet.part"), b"PAR1 and no more")?;
        }
        let resumed = export_all(shop, root).await?;
        ensure!(resumed["orders"].rows_written == 2 && resumed["order_lines"].days_written == 0, "{resumed:?}");
        // Something happens to an order of a day that was written.
        shop.fulfill(&second).await?;
        shop.until_status(&second.heading.order_id.parse()?, "completed").await?;
        counted(shop).await?;
        let late = export_all(shop, root).await?;
        ensure!(late["orders"].rows_written == 2 && late["fulfillments"].rows_written == 2, "{late:?}");
        let read = read_back(root).await?;
        ensure!(read["fulfillments"]["duckdb"]["sums"]["shipped_minor"] == 1_275, "{read}");
        Ok(())
    })
}

fn manifests(table: &Path) -> Result<Vec<Value>> {
    fs::read_dir(table)?.map(|day| Ok(serde_json::from_slice(&fs::read(day?.path().join("_manifest.json"))?)?)).collect()
}
