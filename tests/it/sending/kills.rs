//! Servers that deliver come and go in the middle of it, several at a time, and the receiver with them.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use oms_domain::policy::Policy;
use oms_outlets::{Cloud, Dispatcher, DispatcherOptions, Guard, Ways};
use serde_json::json;

use super::{
    endpoint, order,
    process::SenderProcess,
    receiver::{Mood, Receiver},
    skip_waits,
};
use crate::support::{Shop, in_own_shop, runtime::until, system::LEEDS};

#[test]
fn every_order_s_events_arrive_in_order_whoever_is_killed_meanwhile() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let receiver = Receiver::listen().await?;
        endpoint(shop, &receiver, json!({})).await?;
        let another = || {
            let options = DispatcherOptions { lease: Duration::from_secs(2), ..DispatcherOptions::default() };
            let ways = Ways::new(Guard::default().of_development(), Cloud::default())?;
            anyhow::Ok(Dispatcher::start(shop.system.store.clone(), ways, options))
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

/// What happens to so many things, so often; `OMS_TESTS_KILL_SUBJECTS` has it more.
const SUBJECTS: u32 = 1_500;
const EVENTS_EACH: u32 = 3;
/// Servers that deliver at a time, and how often all of them are killed.
const SERVERS: usize = 2;
const KILLS: usize = 5;

fn subjects() -> Result<u32> {
    Ok(std::env::var("OMS_TESTS_KILL_SUBJECTS").map_or(Ok(SUBJECTS), |many| many.parse())?)
}

/// One thing more happens to each.
async fn happens(shop: &Shop, subjects: u32, number: u32) -> Result<()> {
    let data = json!({"on_hand": number, "reserved": 0, "unavailable": 0, "safety_stock": 0, "available": number});
    let happen = format!(
        "INSERT INTO order_events (order_id, subject, seq, sequence, kind, at, data)
        SELECT '', 'stock/KILLS/' || n, {number}, {number}, 'stock.changed', clock_timestamp(), '{data}' FROM generate_series(1, {subjects}) AS n"
    );
    shop.system.execute(happen).await
}

#[test]
fn nothing_is_lost_or_overtaken_though_every_server_is_killed_again_and_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (subjects, receiver) = (subjects()?, Receiver::listen().await?);
        endpoint(shop, &receiver, json!({"types": ["stock.changed"], "facilities": ["KILLS"]})).await?;
        shop.system.stop_messengers().await;
        for number in 1..=EVENTS_EACH {
            happens(shop, subjects, number).await?;
        }
        let all = (subjects * EVENTS_EACH) as usize;
        let arrived = || receiver.taken().values().map(Vec::len).sum::<usize>();
        let start = || (0..SERVERS).map(|_| SenderProcess::start(&shop.system.addresses)).collect::<Result<Vec<_>>>();
        for round in 1..=KILLS {
            let (servers, enough) = (start()?, all * round / (KILLS + 1));
            until("some more to arrive", async || Ok((arrived() >= enough).then_some(()))).await?;
            // It is away, too, while they are killed.
            receiver.is(Mood::Refuses(503));
            let sent = receiver.sent().len();
            until("something to fail", async || Ok((receiver.sent().len() > sent).then_some(()))).await?;
            servers.into_iter().try_for_each(SenderProcess::kill)?;
            receiver.is(Mood::Takes);
        }
        let servers = start()?;
        until("everything to arrive", async || {
            skip_waits(shop).await?;
            shop.system.execute("UPDATE endpoints SET left_alone_until = NULL").await?;
            let taken = receiver.taken();
            let is_there = |all: &Vec<serde_json::Value>| all.iter().any(|event| event["sequence"] == EVENTS_EACH);
            Ok((taken.len() == subjects as usize && taken.values().all(is_there)).then_some(()))
        })
        .await?;
        servers.into_iter().try_for_each(SenderProcess::kill)?;
        println!("{} servers were killed; {} deliveries of {all} events", SERVERS * (KILLS + 1), arrived());
        receiver.is_whole_of("stock/")
    })
}
