//! The orders that the demo has played, as they are in its file.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

pub struct Ordered {
    pub id: String,
    /// To the byte.
    pub body: String,
}

/// The first so many orders of the file, or those, from the first on, that are known.
///
/// # Errors
/// When the file cannot be read, or one of those that were asked for is not known.
pub fn read(path: &Path, first: Option<usize>, known: &BTreeSet<String>) -> Result<Vec<Ordered>> {
    let named = || path.display().to_string();
    let file = File::open(path).with_context(named)?;
    let mut orders = Vec::new();
    for line in BufReader::new(MultiGzDecoder::new(file)).lines().take(first.unwrap_or(usize::MAX)) {
        let order = ordered(line?).with_context(named)?;
        if !known.contains(&order.id) {
            ensure!(first.is_none(), "order {} was never placed in this folder: --first says too many", order.id);
            break;
        }
        orders.push(order);
    }
    Ok(orders)
}

fn ordered(body: String) -> Result<Ordered> {
    let order: Value = serde_json::from_str(&body)?;
    let id = order["order_id"].as_str().context("an order without order_id")?.to_owned();
    Ok(Ordered { id, body })
}
