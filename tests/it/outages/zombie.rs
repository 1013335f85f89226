//! A worker that sleeps in the middle of a record, and wakes up when others have long gone on.

use anyhow::Result;
use oms_domain::policy::Policy;

use super::process::WorkerProcess;
use crate::support::{Basket, Setup, Shop, System, run, runtime::until, sound, system::LEEDS};

#[test]
fn a_worker_that_wakes_up_with_an_old_record_changes_nothing() -> Result<()> {
    run(async {
        let system = System::own(Setup { without_worker: true, ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), Policy::default()).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let zombie = WorkerProcess::start_to_freeze_before(&system.addresses, "record")?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        zombie.frozen().await?;
        assert!(system.store.events(&id, 0, 100).await?.is_empty(), "it has not recorded yet");
        // Temporal takes its task for lost, and gives it to somebody else, who goes on to the end.
        system.start_worker().await?;
        let part = shop.until_part(&id, 1, "released").await?.fulfillment_order_id;
        shop.ship(&part).await?;
        shop.acts(&part, "deliver", serde_json::json!({})).await?;
        shop.until_status(&id, "completed").await?;
        let closed = async || Ok(shop.document(&id).await?.filter(oms_domain::order::Order::is_closed));
        let before = until("the order to be closed", closed).await?;
        let timeline = system.store.events(&id, 0, 100).await?;

        // It wakes up, records what it had in hand, and dies.
        zombie.thaw().await?;
        assert_eq!(system.store.events(&id, 0, 100).await?, timeline);
        assert_eq!(shop.document(&id).await?, Some(before));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        shop.close().await?;
        sound::no_figure_is_off(&system.store).await?;
        system.stop().await
    })
}
