//! A worker is killed in the middle of a hundred orders while another goes on.

use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_api::{feed::FeedView, order::OrderView};
use oms_domain::{payment::OperationKind, policy::Policy};
use reqwest::Method;

use super::process::WorkerProcess;
use crate::support::{Answer, Basket, Setup, Shop, System, basket::unique, data, run, sound};

const ORDERS: usize = 100;
/// Lines of each that are placed: a real order has thirty.
const LINES: usize = 3;
/// Customers and associates at work at a time.
const AT_ONCE: usize = 12;
/// So many orders are done when the worker is killed.
const KILLED_AFTER: usize = 25;

async fn import(shop: &Shop, feed: &str, csv: &[u8]) -> Result<()> {
    let request = shop.request(Method::POST, &format!("/v1/feeds/{feed}")).header("content-type", "text/csv").body(csv.to_vec());
    let run: FeedView = Answer::to(request).await?.view(200)?;
    ensure!(run.status == "finished" && run.accepted > 0 && run.rejected == 0, "{run:?}");
    Ok(())
}

/// An order of the data as one of today: what cannot be had is not waited for, so that every order ends.
fn today(order: &serde_json::Value) -> Basket {
    let mut body = order.clone();
    if let Some(lines) = body["lines"].as_array_mut() {
        lines.truncate(LINES);
    }
    body.as_object_mut().map(|fields| fields.remove("requested_delivery_date"));
    let basket = Basket { body };
    basket.with("/order_id", unique("D")).with("/placed_at", jiff::Timestamp::now().to_string()).with("/allow_backorder", false)
}

/// From entry to the end.
async fn live(shop: &Shop, basket: &Basket) -> Result<OrderView> {
    let id = shop.place(basket).await?;
    let decided = |order: &OrderView| {
        let released = order.fulfillment_orders.iter().any(|part| part.status == "released");
        order.status == "cancelled" || order.status == "processing" && released
    };
    let order = shop.until(&id, "be decided", decided).await?;
    for part in order.fulfillment_orders.iter().filter(|part| part.status == "released") {
        shop.insist(&part.fulfillment_order_id, "ship").await?;
        shop.insist(&part.fulfillment_order_id, "deliver").await?;
    }
    shop.until(&id, "end", |order| ["completed", "cancelled"].contains(&order.status.as_str())).await
}

#[test]
fn a_worker_killed_in_the_middle_of_a_hundred_orders_loses_none_and_ends_none_twice() -> Result<()> {
    run(async {
        let system = System::own(Setup { without_worker: true, ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), Policy::default()).await?;
        let data = data::load(ORDERS)?;
        for (feed, csv) in [("facilities", &data.facilities_csv), ("products", &data.products_csv), ("stock", &data.inventory_csv)] {
            import(&shop, feed, csv).await?;
        }
        let baskets: Vec<Basket> = data.orders.iter().map(today).collect();
        let mut doomed = Some(WorkerProcess::start(&system.addresses)?);
        system.start_worker().await?;
        let mut ended = Vec::new();
        let mut lives = stream::iter(&baskets).map(|basket| live(&shop, basket)).buffer_unordered(AT_ONCE);
        while let Some(order) = lives.try_next().await? {
            ended.push(order);
            if ended.len() == KILLED_AFTER {
                doomed.take().map(WorkerProcess::kill).transpose()?;
            }
        }
        let completed = ended.iter().filter(|order| order.status == "completed").count();
        println!("{completed} of {ORDERS} completed, the others had nothing in stock");
        ensure!(ended.len() == ORDERS && completed > ORDERS / 2);
        for order in &ended {
            let books = shop.books(&order.heading.order_id.parse()?).await?;
            let shipped = i64::from(order.totals.captured_minor > 0);
            ensure!(books.amounts(OperationKind::Authorize).len() as i64 <= 1.max(shipped), "authorized twice: {books:?}");
        }
        drop(lives);
        shop.close().await?;
        sound::no_figure_is_off(&system.store).await?;
        system.stop().await
    })
}
