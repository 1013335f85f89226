//! The recorded files whole, or those made up in their place: every row is read, and the same file twice changes nothing.

use std::io::Cursor;

use anyhow::{Result, ensure};
use oms_api::{
    facility::FacilityBody,
    feed::{FeedRecord, FeedView, Rows},
    order::{body::OrderBody, parse_order},
    product::ProductBody,
    stock::{ReceiptRow, StockRow},
};
use oms_domain::policy::Policy;
use reqwest::Method;

use crate::support::{Answer, Shop, data, in_own_shop};

fn every_row_is_read<T: FeedRecord>(what: &str, file: &[u8]) -> Result<()> {
    let mut read = 0;
    for row in Rows::<T>::open(Cursor::new(file.to_vec())).map_err(|error| anyhow::anyhow!("{what}: {error:?}"))? {
        let row = row?;
        ensure!(row.content.is_ok(), "{what}, row {}: {:?}", row.number, row.content.err());
        read += 1;
    }
    println!("{what}: {read} rows");
    ensure!(read > 0, "{what} are empty");
    Ok(())
}

#[test]
fn every_row_of_the_files_is_read() -> Result<()> {
    let data = data::load(0)?;
    every_row_is_read::<FacilityBody>("facilities", &data.facilities_csv)?;
    every_row_is_read::<ProductBody>("products", &data.products_csv)?;
    every_row_is_read::<StockRow>("stock", &data.inventory_csv)?;
    every_row_is_read::<ReceiptRow>("receipts", &data.receipts_csv)
}

#[test]
fn every_order_parses_and_comes_back_whole() -> Result<()> {
    /// The made-up ones do not end.
    const ORDERS_MAX: usize = 20_000;
    let orders = data::load(ORDERS_MAX)?.orders;
    for (place, order) in orders.iter().enumerate() {
        let parsed = parse_order(&serde_json::to_vec(order)?).map_err(|errors| anyhow::anyhow!("{}: {errors:?}", order["order_id"]))?;
        if place % 100 == 0 {
            ensure!(parse_order(&serde_json::to_vec(&OrderBody::from(&parsed))?).ok() == Some(parsed), "{} changed", order["order_id"]);
        }
    }
    println!("{} orders", orders.len());
    ensure!(!orders.is_empty());
    Ok(())
}

async fn import(shop: &Shop, path: &str, csv: &[u8]) -> Result<FeedView> {
    Answer::to(shop.request(Method::POST, path).body(csv.to_vec())).await?.view(200)
}

#[test]
fn the_files_are_taken_whole_and_change_nothing_the_second_time() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let data = data::load(0)?;
        let counts = data.inventory_csv.iter().filter(|byte| **byte == b'\n').count() - 1;
        let feeds = [
            ("/v1/feeds/facilities?source=facilities.csv".to_owned(), &data.facilities_csv),
            ("/v1/feeds/products".to_owned(), &data.products_csv),
            (format!("/v1/feeds/stock?as_of=2010-12-01T00:00:00Z&mode=full&expected_rows={counts}"), &data.inventory_csv),
        ];
        for (path, csv) in &feeds {
            let first = import(shop, path, csv).await?;
            ensure!(first.status == "finished" && first.rows_read > 0 && first.rejected == 0, "{first:?}");
            let second = import(shop, path, csv).await?;
            ensure!((second.accepted, second.unchanged, second.rejected) == (0, first.rows_read, 0), "{second:?}");
            let kept: FeedView = shop.get(&format!("/v1/feeds/{}", second.feed_id)).await?.view(200)?;
            ensure!((kept.status.as_str(), kept.unchanged) == ("finished", second.unchanged), "{kept:?}");
        }
        Ok(())
    })
}
