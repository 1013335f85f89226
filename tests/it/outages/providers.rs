//! Hours without one of the companies outside, scaled to seconds: its own effects wait, are listed and are done at its pace; all else goes on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use oms_api::{
    order::OrderView,
    page::Page,
    provider::{ProviderView, ProviderWaitView},
};
use oms_domain::{ids::OrderId, ids::Sku, policy::Policy};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Basket, Setup, Shop, books::trouble, in_shop_of, runtime::until, system::LEEDS, worker::GUARDED};

/// Orders that wait: more than are done at once.
const WAITING: u32 = 20;

/// One of the companies outside, as the house and the test know it.
struct Company<'a> {
    shop: &'a Shop,
    name: &'static str,
    url: &'a str,
}

impl Company<'_> {
    async fn goes_away(&self) -> Result<()> {
        trouble(self.url, json!({"down_for_ms": 3_600_000})).await
    }

    async fn seen(&self) -> Result<ProviderView> {
        self.shop.get(&format!("/v1/adapters/{}", self.name)).await?.view(200)
    }

    /// What waits for it is listed, each order with since when; and nothing waits for anybody else.
    async fn holds_up(&self, waiting: &[OrderId]) -> Result<()> {
        let is_away = |seen: &ProviderView| seen.waits >= u64::from(WAITING) && seen.circuit.as_deref() != Some("closed");
        let seen = until("all that waits to be listed", async || Ok(Some(self.seen().await?).filter(is_away))).await;
        let waits: Page<ProviderWaitView> = self.shop.get(&format!("/v1/adapters/{}/waits?limit=500", self.name)).await?.view(200)?;
        let seen = seen.with_context(|| format!("{}: {} of {WAITING}: {waits:#?}", self.name, waits.items.len()))?;
        for id in waiting {
            let of_order = |wait: &&ProviderWaitView| wait.reference == id.as_str() || wait.reference.starts_with(&format!("{id}-"));
            let wait = waits.items.iter().find(of_order);
            ensure!(wait.is_some_and(|wait| seen.waits_since.is_some_and(|since| since <= wait.since)), "{id}: {wait:?} {seen:?}");
        }
        // A call that took too long may be tried once more.
        until("nothing to wait for anybody else", async || {
            let all: Page<ProviderView> = self.shop.get("/v1/adapters").await?.view(200)?;
            let others = all.items.iter().filter(|other| other.provider_id != self.name);
            Ok((others.clone().count() == 2 && others.clone().all(|other| other.waits == 0)).then_some(()))
        })
        .await
    }

    /// It is back, and gets what waited as fast as it wants it.
    async fn comes_back(&self) -> Result<()> {
        trouble(self.url, json!({})).await?;
        let began = Instant::now();
        let is_done = |seen: &ProviderView| seen.waits == 0 && seen.circuit.as_deref() == Some("closed");
        until("all that waited to be done", async || Ok(Some(self.seen().await?).filter(is_done))).await?;
        // A second's worth at once, and the rest at the pace.
        let at_pace = Duration::from_secs(u64::from((WAITING - GUARDED.pace_per_second) / GUARDED.pace_per_second));
        ensure!(began.elapsed() + Duration::from_millis(500) >= at_pace, "{:?}, not {at_pace:?}", began.elapsed());
        Ok(())
    }
}

async fn place(shop: &Shop, sku: &Sku, orders: u32) -> Result<Vec<OrderId>> {
    try_join_all((0..orders).map(|_| async { shop.place(&Basket::of(sku, 1, 255)).await })).await
}

fn part(order: &OrderView) -> &str {
    &order.fulfillment_orders[0].fulfillment_order_id
}

/// Its label is booked first.
async fn ship(shop: &Shop, order: &OrderView) -> Result<()> {
    shop.acts(part(order), "ship", json!({})).await.map(drop)
}

#[test]
fn an_hour_without_one_company_delays_its_own_effects_alone() -> Result<()> {
    let setup = Setup { guarded: true, ..Setup::default() };
    in_shop_of(setup, Policy { fraud_check: true, ..Policy::default() }, async |shop| {
        let addresses = &shop.system.addresses;
        let company = |name, url| Company { shop, name, url };
        let sku = shop.stocked(&[(LEEDS, 200)]).await?;
        let basket = || Basket::of(&sku, 1, 255);

        let gateway = company("payment", &addresses.gateway_url);
        let (before, ships) = (shop.place_released(&basket()).await?, shop.place_released(&basket()).await?);
        gateway.goes_away().await?;
        let waiting = place(shop, &sku, WAITING).await?;
        gateway.holds_up(&waiting).await?;
        // Labels are made all the while.
        ship(shop, &ships).await?;
        shop.until_part(&ships.heading.order_id.parse()?, 1, "shipped").await?;
        gateway.comes_back().await?;
        let mut released = Vec::new();
        for id in &waiting {
            shop.until_part(id, 1, "released").await?;
            released.push(shop.order(id).await?);
        }

        let carrier = company("carrier", &addresses.carrier_url);
        carrier.goes_away().await?;
        try_join_all(released.iter().map(|order| ship(shop, order))).await?;
        carrier.holds_up(&waiting).await?;
        // New orders are screened, paid for and released.
        shop.place_released(&basket()).await?;
        carrier.comes_back().await?;
        for id in &waiting {
            let found = shop.until_part(id, 1, "shipped").await?;
            ensure!(found.parcels[0].tracking_number.is_some(), "{found:?}");
        }

        let fraud = company("fraud", &addresses.fraud_url);
        fraud.goes_away().await?;
        let unscreened = place(shop, &sku, WAITING).await?;
        fraud.holds_up(&unscreened).await?;
        // What was let through before is packed, shipped, charged and delivered.
        shop.fulfill(&before).await?;
        shop.until_status(&before.heading.order_id.parse()?, "completed").await?;
        fraud.comes_back().await?;
        for id in &unscreened {
            shop.until_part(id, 1, "released").await?;
        }
        Ok(())
    })
}
