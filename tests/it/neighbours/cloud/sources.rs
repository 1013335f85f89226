//! SQS and S3 as sources, into the very same feeds.

use anyhow::{Context, Result};
use jiff::Timestamp;
use oms_api::inlet::InletView;
use serde_json::{Value, json};

use super::{beside_moto, moto::Mood};
use crate::support::{Basket, Shop, runtime::until, system::LEEDS};

async fn inlet(shop: &Shop, body: Value) -> Result<String> {
    let made: InletView = shop.post("/v1/inlets", &body).await?.view(201)?;
    Ok(format!("/v1/inlets/{}", made.inlet_id))
}

async fn messages(shop: &Shop, inlet: &str, outcome: &str) -> Result<Vec<Value>> {
    let page: Value = shop.get(&format!("{inlet}/messages")).await?.view(200)?;
    Ok(page["items"].as_array().context("messages")?.iter().filter(|message| message["status"] == outcome).cloned().collect())
}

async fn until_on_hand(shop: &Shop, sku: &oms_domain::ids::Sku, units: i64) -> Result<()> {
    until(&format!("{units} of {sku}"), async || Ok((shop.stock(sku, LEEDS).await?.0 == units).then_some(()))).await
}

#[test]
fn what_is_in_a_queue_counts_once_and_what_cannot_be_read_keeps_nothing_waiting() -> Result<()> {
    beside_moto(async |shop, moto| {
        // The bus's own queue: what it sends is unwrapped.
        let bus = moto.bus("goods").await?;
        let queue = bus.replace(":events:", ":sqs:").replace("event-bus/", "");
        let sku = shop.stocked(&[(LEEDS, 1)]).await?;
        let path = inlet(shop, json!({"name": "bus", "kind": "receipts", "source": queue})).await?;
        let receipt = json!({"received_at": Timestamp::now(), "facility_id": LEEDS, "sku": sku, "quantity": 5});
        moto.is(Mood::Throttles);
        moto.put("goods", "goods.received", &receipt).await?;
        until("fetching to fail", async || {
            let found: InletView = shop.get(&path).await?.view(200)?;
            Ok(found.last_failure.filter(|why| found.failing_since.is_some() && why.contains("Throttling")))
        })
        .await?;
        moto.is(Mood::Passes);
        until_on_hand(shop, &sku, 6).await?;
        // As it is given again when whoever took it has died: under the bus's own id.
        let applied = messages(shop, &path, "applied").await?;
        let id = applied[0]["message_id"].clone();
        let again = json!({"version": "0", "id": id, "detail-type": "goods.received", "source": "shop", "detail": receipt});
        moto.send("goods", "{ this is nothing").await?;
        moto.send("goods", &again.to_string()).await?;
        moto.send("goods", &again.to_string().replace("\"quantity\":5", "\"quantity\":500")).await?;
        let more = json!({"received_at": Timestamp::now(), "facility_id": LEEDS, "sku": sku, "quantity": 7});
        moto.send("goods", &more.to_string()).await?;
        until_on_hand(shop, &sku, 13).await?;
        until("all but the other message under the same id to be put away", async || Ok((moto.depth("goods").await? == 1).then_some(())))
            .await?;
        let refused = messages(shop, &path, "refused").await?;
        assert_eq!((refused.len(), messages(shop, &path, "applied").await?.len()), (1, 2), "{refused:?}");
        assert!(refused[0]["why"].as_str().is_some_and(|why| !why.is_empty()));
        let figures = shop.request(reqwest::Method::GET, "/metrics").send().await?.text().await?;
        assert!(figures.contains("oms_inlet{") && figures.contains(r#"figure="silent_s""#), "{figures}");
        Ok(())
    })
}

#[test]
fn orders_come_off_a_queue_through_lost_answers_and_are_placed_once() -> Result<()> {
    beside_moto(async |shop, moto| {
        let queue = moto.queue("orders").await?;
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let baskets: Vec<Basket> = (0..12).map(|_| Basket::of(&sku, 2, 255)).collect();
        moto.is(Mood::LosesAnswers);
        inlet(shop, json!({"name": "marketplace", "kind": "orders", "source": queue})).await?;
        for basket in &baskets {
            moto.send("orders", &basket.body.to_string()).await?;
        }
        moto.is(Mood::Passes);
        for basket in &baskets {
            shop.note(basket.id());
            shop.until_part(&basket.id(), 1, "released").await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?.1, 24, "each once");
        for basket in &baskets {
            shop.fulfill(&shop.order(&basket.id()).await?).await?;
        }
        Ok(())
    })
}

const MAPPING: &str = r#"
version = 1
kind = "stock"
delimiter = ";"
decimal = ","

[columns.sku]
from = "Artikel"
[columns.facility_id]
from = "Lager"
values = { "01" = "LEEDS" }
[columns.on_hand]
from = "Menge"
as = "number"
"#;

#[test]
fn files_are_taken_as_they_come_a_changed_one_again_and_one_that_was_refused_by_a_better_table() -> Result<()> {
    beside_moto(async |shop, moto| {
        moto.bucket("shop").await?;
        let sku = shop.stocked(&[(LEEDS, 1)]).await?;
        let file = |lager: &str, units: u32| format!("Artikel;Lager;Menge\n{sku};{lager};{units}\n").into_bytes();
        moto.put_object("shop/elsewhere/stock.csv", &file("01", 999)).await?;
        moto.put_object("shop/in/stock.csv", &file("01", 40)).await?;
        moto.is(Mood::Throttles);
        let body = json!({"name": "ERP", "kind": "stock", "mapping": MAPPING, "source": "s3://shop/in/"});
        let path = inlet(shop, body).await?;
        until("listing to fail", async || {
            let found: InletView = shop.get(&path).await?.view(200)?;
            Ok(found.failing_since.and(found.last_failure))
        })
        .await?;
        moto.is(Mood::Passes);
        until_on_hand(shop, &sku, 40).await?;
        moto.put_object("shop/in/stock.csv", &file("01", 44)).await?;
        until_on_hand(shop, &sku, 44).await?;
        moto.put_object("shop/in/other.csv", &file("02", 7)).await?;
        let refused = until("the other to be refused", async || Ok(messages(shop, &path, "refused").await?.pop())).await?;
        assert_eq!(refused["object"], "in/other.csv");
        let better = MAPPING.replace(r#""01" = "LEEDS""#, r#""01" = "LEEDS", "02" = "YORK""#);
        shop.put(&format!("{path}/mapping"), &json!({"mapping": better})).await?.view::<InletView>(200)?;
        let retry = format!("{path}/messages/{}/retry", refused["message_id"].as_str().context("an id")?);
        let dealt_with: Value = shop.post(&retry, &json!({})).await?.view(200)?;
        assert_eq!(dealt_with["status"], "applied", "{dealt_with}");
        assert_eq!(shop.stock(&sku, "YORK").await?.0, 7);
        assert_eq!(messages(shop, &path, "applied").await?.len(), 3, "each once, and nothing from elsewhere");
        // What is gone by the time it is dealt with says so.
        moto.put_object("shop/in/third.csv", &file("03", 7)).await?;
        let third = until("the third to be refused", async || Ok(messages(shop, &path, "refused").await?.pop())).await?;
        moto.delete_object("shop/in/third.csv").await?;
        let retry = format!("{path}/messages/{}/retry", third["message_id"].as_str().context("an id")?);
        let gone: Value = shop.post(&retry, &json!({})).await?.view(200)?;
        assert_eq!(gone["why"], "the file is not in its bucket any more, or is another by now", "{gone}");
        Ok(())
    })
}
