//! Streams: who is told what, and when they end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use reqwest::Response;

use crate::support::{
    Basket, Shop, in_shop,
    people::{Visitor, person},
    run, system,
    system::{LEEDS, YORK},
};

/// However busy the machine is.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// Streams that one person may have.
const STREAMS_MAX: usize = 12;
/// Far less than the server gives to requests in work, and far more than a stream takes to end.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// Reads on until the stream has said so. What it said until then, or until its end.
async fn heard(stream: &mut Response, what: &str) -> Result<String> {
    let mut said = String::new();
    let hears = async {
        while let Some(chunk) = stream.chunk().await? {
            said.push_str(&String::from_utf8_lossy(&chunk));
            if said.contains(what) {
                break;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(TOLD_WITHIN, hears).await.with_context(|| format!("waited in vain for {what}"))??;
    ensure!(said.contains(what), "it ended before it said {what}: {said}");
    Ok(said)
}

async fn until_its_end(stream: &mut Response) -> Result<()> {
    let ends = async {
        while stream.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    tokio::time::timeout(TOLD_WITHIN, ends).await.context("the stream does not end")?
}

#[test]
fn who_looks_at_something_is_told_that_it_has_changed_and_not_what() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let here = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let mut stream = here.listen("queue:LEEDS").await?;
        ensure!(stream.headers()["content-type"] == "text/event-stream" && stream.headers().get("etag").is_none(), "{stream:?}");
        heard(&mut stream, "event: beat").await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        let told = heard(&mut stream, "data: queue:LEEDS").await?;
        ensure!(!told.contains(&order.heading.order_id), "no more is told than that it has changed: {told}");

        let support = Visitor::with(shop, &["support"]).await?;
        let mut stream = support.listen(&format!("order:{},inbox", order.heading.order_id)).await?;
        heard(&mut stream, "event: beat").await?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "accept", serde_json::json!({})).await?;
        heard(&mut stream, &format!("data: order:{}", order.heading.order_id)).await?;
        Ok(())
    })
}

#[test]
fn nobody_listens_to_what_they_may_not_know_of() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let elsewhere = Visitor::of(shop, &person(shop, &["associate"], &[YORK]).await?).await?;
        let order_topic = format!("order:{}", order.heading.order_id);
        let part_topic = format!("fulfillment_order:{part}");
        for (topics, status) in
            [("queue:LEEDS", 404), (part_topic.as_str(), 404), (order_topic.as_str(), 403), ("inbox", 403), ("people", 422), ("", 422)]
        {
            ensure!(elsewhere.listen(topics).await?.status() == status, "{topics}");
        }
        let mut own = elsewhere.listen("queue:YORK").await?;
        heard(&mut own, "event: beat").await?;
        shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        // Of what happens elsewhere nothing is said but that nothing has happened here.
        let said = heard(&mut own, "event: beat").await?;
        ensure!(!said.contains("changed"), "{said}");
        ensure!(Visitor::stranger(shop)?.listen("queue:LEEDS").await?.status() == 401);
        Ok(())
    })
}

#[test]
fn a_stream_ends_with_its_session_and_nobody_has_too_many() -> Result<()> {
    in_shop(async |shop| {
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let mut streams = Vec::new();
        for _ in 0..STREAMS_MAX {
            streams.push(associate.listen("queue:LEEDS").await?);
        }
        ensure!(streams.iter().all(|stream| stream.status() == 200), "{streams:?}");
        ensure!(associate.listen("queue:LEEDS").await?.status() == 429);
        let mut last = streams.pop().context("a stream")?;
        associate.send("/console/logout", &[]).await?;
        heard(&mut last, "event: over").await?;
        until_its_end(&mut last).await
    })
}

#[test]
fn a_stream_holds_no_server_that_is_to_stop() -> Result<()> {
    run(async {
        let shop = Shop::open(system::shared().await?, Policy::default()).await?;
        let mut stream = Visitor::with(&shop, &["ops"]).await?.listen("inbox").await?;
        heard(&mut stream, "event: beat").await?;
        let began = Instant::now();
        shop.shut().await?;
        until_its_end(&mut stream).await?;
        ensure!(began.elapsed() < STOPPED_WITHIN, "{:?}", began.elapsed());
        Ok(())
    })
}
