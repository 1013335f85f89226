//! A supplier's receipts, sent as badly as can be.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use crate::{
    driver::{Driver, FACILITIES},
    ground::{Ground, KEY},
    scenarios::Fault,
};

const ROUNDS: usize = 5;
const ROWS: usize = 60;
/// Of two digits, so that half of it is a number, too.
const UNITS: i64 = 12;
const SKU: &str = "STAR";
const HEAD: &str = "received_at,facility_id,sku,quantity\n";
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Files that break off, come twice, and twice at once. Each moves stock once.
pub async fn disorderly(ground: &Ground, fault: Fault) -> Result<()> {
    // What came in before the stock was counted moves nothing.
    let begun = Timestamp::now();
    for round in 0..ROUNDS {
        // No two rows are alike, nor are they known by anything but what they say.
        let row = |n: usize| {
            let at = begun + SignedDuration::from_millis((round * ROWS + n) as i64);
            format!("{at},{},{SKU},{UNITS}\n", FACILITIES[n % FACILITIES.len()])
        };
        let csv = format!("{HEAD}{}", (0..ROWS).map(row).collect::<String>());
        let first_half: String = csv.split_inclusive('\n').take(ROWS / 2).collect();
        // Within the last number.
        broken_off(ground, &first_half[..first_half.len() - 2], round % 2 == 0).await?;
        let (once, twice) = tokio::join!(told(&fault.driver, &csv), told(&fault.driver, &csv));
        let once_more = told(&fault.driver, &csv).await?;
        for run in [once?, twice?, once_more] {
            ensure!(run["rejected"] == 0 && run["rows_read"] == ROWS, "a feed of {ROWS} rows came to {run}");
        }
        fault.driver.receive(SKU, ROWS as i64 * UNITS);
    }
    Ok(())
}

/// Until it was read to its end.
async fn told(driver: &Driver, csv: &str) -> Result<Value> {
    loop {
        match driver.feed("receipts", csv.to_owned()).await {
            Some((200, run)) => return Ok(run),
            Some((status, answer)) if (400..500).contains(&status) && status != 429 && status != 409 => {
                anyhow::bail!("receipts were refused: {status} {answer}")
            }
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

/// The sender goes in the middle of it; whoever said how much there would be, or did not.
async fn broken_off(ground: &Ground, part: &str, in_chunks: bool) -> Result<()> {
    let address = ground.api.strip_prefix("http://").context("an address")?;
    let mut connection = TcpStream::connect(address).await?;
    let head = format!("POST /v1/feeds/receipts HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: text/csv\r\n");
    let (length, all) = (part.len(), part.len() * 2);
    let call = match in_chunks {
        true => format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{part}\r\n"),
        false => format!("{head}Content-Length: {all}\r\n\r\n{part}"),
    };
    connection.write_all(call.as_bytes()).await?;
    Ok(connection.shutdown().await?)
}
