//! What is sent to make much of little: to each route that takes a body, bodies whose every part is wrong. No answer and no stored row is larger
//! than a fixed multiple of what was sent.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_own_shop, system::LEEDS, tables::of_each_table};

/// The largest answer and row that a request of this size may make, in bytes.
fn most(sent: usize) -> usize {
    20 * sent + 64 * 1024
}

/// Long names within long names, a thousand of the innermost twice; a thousand unknown fields; and the lists that bodies have, of a thousand
/// things that are none.
fn bodies() -> BTreeMap<&'static str, String> {
    let name = "k".repeat(64);
    let twice = vec![format!("\"{name}\":1"); 1_000].join(",");
    let deep = format!("{}{{{twice}}}{}", format!("{{\"{name}\":").repeat(120), "}".repeat(120));
    let unknown: BTreeMap<String, u8> = (0..1_000).map(|n| (format!("{n:04}-unknown"), 1)).collect();
    let list = |of: Value| {
        json!({"lines": vec![of.clone(); 1_000], "changes": vec![of.clone(); 1_000], "adjustments": vec![of.clone(); 1_000],
        "events": vec![of.clone(); 1_000], "skus": vec![of.clone(); 1_000], "parcels": vec![of.clone(); 1_000], "order_ids": vec![of; 1_000]})
    };
    BTreeMap::from([
        ("deep", deep),
        ("unknown", json!(unknown).to_string()),
        ("numbers", list(json!(7)).to_string()),
        ("objects", list(json!({"line_id": "1", "sku": "S", "quantity": 1, "reason": "x"})).to_string()),
        ("array", format!("[{}]", vec!["{}"; 1_000].join(","))),
    ])
}

/// Method and path of each operation that takes a body, naming this order.
async fn operations(shop: &Shop, order_id: &str) -> Result<Vec<(Method, String)>> {
    let document: Value = shop.get("/openapi.json").await?.view(200)?;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().context("paths")? {
        let filled = path.split('/').map(|part| match part {
            "{order_id}" | "{exchange_id}" => order_id.to_owned(),
            "{fulfillment_order_id}" => format!("{order_id}-F1"),
            "{parcel_id}" => format!("{order_id}-F1-P1"),
            "{facility_id}" => LEEDS.to_owned(),
            part if part.starts_with('{') => "1".to_owned(),
            part => part.to_owned(),
        });
        let filled = filled.collect::<Vec<_>>().join("/");
        for (method, operation) in item.as_object().context("an item")? {
            if operation.get("requestBody").is_some() {
                operations.push((method.to_uppercase().parse()?, filled.clone()));
            }
        }
    }
    Ok(operations)
}

#[test]
fn no_request_makes_an_answer_or_a_row_that_is_many_times_its_size() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 1, 100)).await?;
        shop.until_part(&id, 1, "released").await?;
        let operations = operations(shop, id.as_str()).await?;
        ensure!(operations.len() > 70, "{operations:?}");
        let bodies = bodies();
        let mut large = Vec::new();
        for (n, (method, path)) in operations.iter().enumerate() {
            for (name, body) in &bodies {
                let kind = if path.starts_with("/v1/feeds") { "application/x-ndjson" } else { "application/json" };
                let request = shop.request(method.clone(), path).header("idempotency-key", format!("{name}-{n}"));
                let answer = request.header("content-type", kind).body(body.clone()).send().await?;
                let (status, answered) = (answer.status().as_u16(), answer.bytes().await?.len());
                ensure!(status < 500 && status != 429, "{method} {path} with {name}: {status}");
                if answered > most(body.len()) {
                    large.push(format!("{method} {path} answers {} bytes of {name} with {answered}", body.len()));
                }
            }
        }
        ensure!(large.is_empty(), "{large:#?}");
        let smallest = bodies.values().map(String::len).min().unwrap_or_default();
        let largest_rows: Vec<(String, i64)> = of_each_table(&shop.system, "coalesce(max(octet_length(t::text)), 0)::bigint").await?;
        for (table, largest) in largest_rows {
            ensure!(usize::try_from(largest)? <= most(smallest), "a row of {table} has {largest} bytes");
        }
        Ok(())
    })
}
