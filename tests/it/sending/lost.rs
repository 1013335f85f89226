//! What is lost in the middle is told once: each event has one id, and none is ever corrected.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use super::{endpoint, receiver::Receiver, until_taken};
use crate::{
    outages::process::WorkerProcess,
    support::{Basket, Setup, Shop, System, in_own_shop, run, runtime::until, shop::cancellation, system::LEEDS},
};

#[test]
fn through_lost_tasks_each_event_is_sent_under_one_id_and_never_corrected() -> Result<()> {
    run(async {
        let system = System::own(Setup { without_worker: true, ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), Policy::default()).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        endpoint(&shop, &receiver, json!({})).await?;
        // What is recorded is told at once, and the worker that knew of it dies.
        let dying = WorkerProcess::start_to_die_after(&system.addresses, "record")?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        dying.ended().await?;
        let subject = format!("order/{id}");
        let told = until_taken(&receiver, &subject, "order.placed").await?;
        let cancelled = async { until("the cancellation to be answered", async || Ok(shop.cancel(&id, "c1", &[]).await.ok())).await };
        tokio::try_join!(cancelled, system.start_worker())?;
        shop.until_status(&id, "cancelled").await?;
        let all = until_taken(&receiver, &subject, "order.cancelled").await?;
        assert_eq!(all[..told.len()], told, "what was told stands");
        let mut said = BTreeMap::<String, Value>::new();
        for one in receiver.sent() {
            let before = said.insert(one.id.clone(), one.event.clone());
            ensure!(before.is_none_or(|before| before == one.event), "{} was corrected", one.id);
        }
        receiver.is_whole()?;
        shop.close().await?;
        system.stop().await
    })
}

#[test]
fn a_bench_that_lives_on_webhooks_hears_of_a_cancellation_before_it_packs() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let bench = Receiver::listen().await?;
        let told = ["fulfillment.released", "fulfillment.cancellation_requested", "fulfillment.cancelled"];
        endpoint(shop, &bench, json!({"facilities": [LEEDS], "types": told})).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id = &order.heading.order_id;
        let subject = format!("order/{id}");
        let released = until_taken(&bench, &subject, "fulfillment.released").await?;
        let part = released[0]["data"]["fulfillment_order_id"].as_str().context("what to work on")?.to_owned();
        for (action, body) in [("accept", json!({})), ("start-picking", json!({"picker": "P-7"}))] {
            shop.act(&part, action, body).await?.view::<Value>(200)?;
        }
        shop.post(&format!("/v1/orders/{id}/cancellations"), &cancellation("c1", &[])).await?.view::<Value>(200)?;
        let asked = until_taken(&bench, &subject, "fulfillment.cancellation_requested").await?;
        let asked = asked.last().context("the question")?;
        assert_eq!(
            (&asked["data"]["fulfillment_order_id"], &asked["data"]["lines"]),
            (&json!(part), &json!([{"line_id": "1", "quantity": 2}]))
        );
        // It does not pack, and lets go: what it is told next is that nothing is to be done.
        shop.act(&part, "accept-cancellation", json!({})).await?.view::<Value>(200)?;
        until_taken(&bench, &subject, "fulfillment.cancelled").await?;
        shop.until_status(&id.parse()?, "cancelled").await?;
        let steps: Vec<&str> =
            bench.taken_of(&subject).iter().filter_map(|event| told.iter().find(|kind| event["type"] == **kind).copied()).collect();
        assert_eq!(steps, told);
        Ok(())
    })
}
