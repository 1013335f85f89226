//! A worker that dies after a local activity has run: the database has what Temporal never heard of.

use anyhow::Result;
use oms_domain::policy::Policy;
use serde_json::json;

use super::process::WorkerProcess;
use crate::support::{Basket, Setup, Shop, System, run, runtime::until, sound, system::LEEDS};

/// Places an order with a worker that dies after `activity`; then it is cancelled before the next worker goes on. What was recorded by
/// then stays.
async fn die_after(activity: &str) -> Result<()> {
    let system = System::own(Setup { without_worker: true, ..Setup::default() }).await?;
    let shop = Shop::open(system.clone(), Policy::default()).await?;
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let dying = WorkerProcess::start_to_die_after(&system.addresses, activity)?;
    let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
    dying.ended().await?;
    assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 4), "{activity}: the units are reserved, and no workflow knows");
    let recorded = system.store.events(&id, 0, 100).await?;
    assert_eq!(recorded.is_empty(), activity == "source", "{activity}: {recorded:?}");
    // The cancellation is with Temporal before any worker is back; when one is, it comes first.
    let cancelled = async {
        let what = "the cancellation to be answered";
        until(what, async || Ok(shop.cancel(&id, "c1", &[]).await.ok())).await
    };
    let (cancelled, ()) = tokio::try_join!(cancelled, system.start_worker())?;
    assert_eq!(cancelled.cancelled[0].quantity, 4);
    shop.until_status(&id, "cancelled").await?;
    assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0), "{activity}: a reservation outlived its order");
    let timeline = system.store.events(&id, 0, 100).await?;
    assert_eq!(timeline[..recorded.len()], recorded, "{activity}: what was recorded was taken back");
    shop.close().await?;
    sound::no_figure_is_off(&system.store).await?;
    system.stop().await
}

#[test]
fn a_reservation_nobody_heard_of_is_given_back_when_its_order_is_cancelled() -> Result<()> {
    run(die_after("source"))
}

#[test]
fn a_record_nobody_heard_of_stands_and_its_order_goes_on_from_there() -> Result<()> {
    run(die_after("record"))
}

#[test]
fn what_was_seen_of_an_order_is_not_denied_while_it_catches_up() -> Result<()> {
    run(async {
        let system = System::own(Setup { without_worker: true, ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), Policy::default()).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let dying = WorkerProcess::start_to_die_after(&system.addresses, "record")?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        dying.ended().await?;
        let seen = shop.order(&id).await?;
        let part = &seen.fulfillment_orders[0].fulfillment_order_id;
        // With Temporal before any worker is back: the run is asked as soon as it has read the order in, and knows of no part yet.
        // To deliver is refused in every state it passes through; only that there is no such part must never be said.
        let path = format!("/v1/fulfillment-orders/{part}/deliver");
        let delivered = async {
            // The lost task is given up by Temporal after its timeout, which may be longer than a caller is kept waiting.
            let answered = async || Ok(Some(shop.post(&path, &json!({})).await?).filter(|answer| answer.status < 500));
            until("an answer", answered).await
        };
        let (answer, ()) = tokio::try_join!(delivered, system.start_worker())?;
        answer.problem(409, "illegal_transition")?;
        shop.until_part(&id, 1, "released").await?;
        shop.close().await?;
        system.stop().await
    })
}
