//! Servers that deliver come and go in the middle of it, several at a time, and the receiver with them.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use oms_domain::policy::Policy;
use oms_outlets::{Dispatcher, DispatcherOptions, Guard, WebhookSender};
use serde_json::json;

use super::{
    endpoint, order,
    receiver::{Mood, Receiver},
    skip_waits,
};
use crate::support::{in_own_shop, runtime::until, system::LEEDS};

#[test]
fn every_order_s_events_arrive_in_order_whoever_is_killed_meanwhile() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let receiver = Receiver::listen().await?;
        endpoint(shop, &receiver, json!({})).await?;
        let another = || {
            let options = DispatcherOptions { lease: Duration::from_secs(2), ..DispatcherOptions::default() };
            let sender = WebhookSender::new(Guard::default().of_development())?;
            anyhow::Ok(Dispatcher::start(shop.system.store.clone(), sender, options))
        };
        let mut killed = 0;
        let orders = async { try_join_all((0..24).map(|_| order(shop, &sku))).await };
        let upset = async {
            loop {
                // Dropped, not stopped: it lets go of nothing.
                let short_lived = another()?;
                receiver.is(if killed % 3 == 1 { Mood::Refuses(500) } else { Mood::Takes });
                tokio::time::sleep(Duration::from_millis(700)).await;
                drop(short_lived);
                killed += 1;
            }
        };
        let subjects = tokio::select! {
            subjects = orders => subjects?,
            ended = upset => return ended,
        };
        receiver.is(Mood::Takes);
        until("everything to arrive", async || {
            skip_waits(shop).await?;
            shop.system.execute("UPDATE endpoints SET left_alone_until = NULL").await?;
            let taken = receiver.taken();
            let has_all =
                |subject: &String| taken.get(subject).is_some_and(|all| all.iter().any(|event| event["type"] == "order.completed"));
            Ok(subjects.iter().all(has_all).then_some(()))
        })
        .await?;
        println!("{killed} servers were killed, {} deliveries of {} subjects", receiver.sent().len(), receiver.taken().len());
        receiver.is_whole()
    })
}
