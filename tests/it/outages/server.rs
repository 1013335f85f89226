//! The HTTP server stops while orders come in, and another takes its place.

use anyhow::Result;
use futures_util::future::{join, join_all};
use oms_domain::policy::Policy;

use crate::support::{Basket, Shop, run, system, system::LEEDS};

#[test]
fn a_server_that_is_restarted_loses_no_order_and_makes_none_twice() -> Result<()> {
    run(async {
        let system = system::shared().await?;
        let first = Shop::open(system.clone(), Policy::default()).await?;
        let sku = first.stocked(&[(LEEDS, 1_000)]).await?;
        let baskets: Vec<Basket> = (0..30).map(|_| Basket::of(&sku, 2, 255)).collect();
        let requests: Vec<_> = baskets.iter().map(|basket| first.request(reqwest::Method::POST, "/v1/orders").json(&basket.body)).collect();
        // Some are answered, some are cut off, some never arrive: their senders cannot tell the last two apart.
        let sent = join_all(requests.into_iter().map(crate::support::Answer::to));
        let (answers, shut) = join(sent, first.shut()).await;
        shut?;
        println!("{} of 30 were answered", answers.iter().filter(|answer| answer.is_ok()).count());
        let second = Shop::open(system, Policy::default()).await?;
        for (basket, before) in baskets.iter().zip(answers) {
            let again = second.send(basket).await?;
            let expected = if before.is_ok_and(|answer| answer.status == 201) { &[200][..] } else { &[200, 201] };
            assert!(expected.contains(&again.status), "{again:?}");
            second.note(basket.id());
        }
        for basket in &baskets {
            second.until_part(&basket.id(), 1, "released").await?;
        }
        assert_eq!(second.stock(&sku, LEEDS).await?, (1_000, 60));
        second.close().await
    })
}
