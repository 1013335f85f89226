//! Real facilities, products, stock and orders, if they are there; else made-up ones of the same shape. Says which.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// Where the data is looked for first.
const PLACE: &str = "OMS_TEST_DATA";
/// Beside the workspace.
const USUAL_PLACE: &str = "../../shared/data/online-retail";

/// Files of feeds, and orders.
pub struct Data {
    pub facilities_csv: Vec<u8>,
    pub products_csv: Vec<u8>,
    pub inventory_csv: Vec<u8>,
    /// Gzip or not.
    pub receipts_csv: Vec<u8>,
    pub orders: Vec<Value>,
}

/// The first so many orders, and everything they are about.
pub fn load(orders: usize) -> Result<Data> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join(USUAL_PLACE);
    match std::env::var_os(PLACE).map(PathBuf::from).or_else(|| usual.is_dir().then_some(usual)) {
        Some(folder) => {
            println!("data: {}", folder.display());
            read(&folder, orders).with_context(|| format!("the data in {}", folder.display()))
        }
        None => {
            println!("data: made up, as {PLACE} is not set and {USUAL_PLACE} is not there");
            Ok(make_up(orders))
        }
    }
}

fn read(folder: &Path, orders: usize) -> Result<Data> {
    let file = |name: &str| fs::read(folder.join(name)).with_context(|| name.to_owned());
    let lines = BufReader::new(GzDecoder::new(fs::File::open(folder.join("orders.jsonl.gz"))?)).lines();
    Ok(Data {
        facilities_csv: file("facilities.csv")?,
        products_csv: file("products.csv")?,
        inventory_csv: file("inventory.csv")?,
        receipts_csv: file("replenishment.csv.gz")?,
        orders: lines.take(orders).map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Result<_>>()?,
    })
}

/// Six warehouses, fifty products, and orders of one to five lines. The same every time.
fn make_up(orders: usize) -> Data {
    let mut facilities = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,\
        cutoff_local_time,working_days,ship_enabled,pickup_enabled\n"
        .to_owned();
    let mut products = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n".to_owned();
    let mut inventory = "facility_id,sku,on_hand,safety_stock\n".to_owned();
    let mut receipts = "received_at,facility_id,sku,quantity\n".to_owned();
    for n in 0..6 {
        facilities.push_str(&format!(
            "MW-{n},Warehouse {n},warehouse,GB,Town,{}.5,-1.5,Europe/London,90,400,17:00,Mon-Fri,true,false\n",
            51 + n % 4
        ));
    }
    for n in 0..50 {
        products.push_str(&format!("MP-{n},Thing {n},{},GBP,{},100,80,60\n", 100 + 37 * n, 50 + 11 * n));
        for place in [n % 6, (n * 5 + 1) % 6] {
            inventory.push_str(&format!("MW-{place},MP-{n},{},0\n", 20 + n));
            receipts.push_str(&format!("2010-12-{:02}T00:00:00Z,MW-{place},MP-{n},{}\n", 3 + n % 20, 1 + n % 7));
        }
    }
    let order = |n: usize| {
        let lines: Vec<Value> = (0..1 + n % 5)
            .map(|line| json!({"line_id": (line + 1).to_string(), "sku": format!("MP-{}", (n * 7 + line * 3) % 50), "quantity": 1 + (n + line) % 6, "unit_price_minor": 199}))
            .collect();
        json!({"order_id": format!("M{n}"), "channel": "web", "placed_at": "2010-12-01T08:26:00Z", "currency": "GBP",
            "customer": {"customer_id": format!("MC-{}", n % 40), "name": "Somebody"},
            "ship_to": {"name": "Somebody", "line1": "1 Street", "city": "Leeds", "country": "GB", "latitude": 53.8, "longitude": -1.55},
            "shipping": {"method": "standard", "price_minor": 0}, "payment": {"method": "card", "token": "tok_somebody"}, "lines": lines})
    };
    Data {
        facilities_csv: facilities.into_bytes(),
        products_csv: products.into_bytes(),
        inventory_csv: inventory.into_bytes(),
        receipts_csv: receipts.into_bytes(),
        orders: (0..orders).map(order).collect(),
    }
}
