//! Journeys, as people make them.

use anyhow::{Result, ensure};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use super::{
    browser::in_browser,
    webdriver::{ENTER, TAB},
};
use crate::support::{Basket, in_own_shop, in_shop, runtime::until, system::LEEDS};

#[test]
fn an_order_is_packed_by_scanner_alone_and_the_next_one_opens_by_itself() -> Result<()> {
    in_shop(async |shop| {
        let (sku, other) = (shop.stocked(&[(LEEDS, 50)]).await?, shop.stocked(&[(LEEDS, 50)]).await?);
        let codes = json!({"barcodes": [{"code": format!("C-{sku}")}]});
        shop.put(&format!("/v1/products/{sku}/barcodes"), &codes).await?.view::<Value>(200)?;
        let first = shop.place_released(&Basket::of(&sku, 20, 100)).await?;
        let second = shop.place_released(&Basket::of(&other, 1, 100)).await?;
        in_browser(shop, "by-scanner", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page("/console/pack").await?;
            browser.scan(&format!("C-{sku}")).await?;
            let part = &first.fulfillment_orders[0].fulfillment_order_id;
            browser.until_at(&format!("/console/pack/{part}")).await?;
            browser.sound().await?;
            browser.scan(other.as_str()).await?;
            browser.until_says("Wrong item").await?;
            browser.sound().await?;
            browser.keep("bench-wrong").await?;
            // As fast as keys come, while others wait for their answer. Of the same code within 300 ms one counts, so that they take turns.
            for n in 0..20 {
                let code = if n % 2 == 0 { format!("C-{sku}") } else { sku.to_string() };
                browser.scan(&code).await?;
            }
            browser.until_says("All there: packed").await?;
            browser.sound().await?;
            browser.keep("bench-complete").await?;
            shop.until_part(&first.heading.order_id.parse()?, 1, "shipped").await?;
            browser.scan(other.as_str()).await?;
            browser.until_at(&format!("/console/pack/{}", second.fulfillment_orders[0].fulfillment_order_id)).await?;
            browser.scan(other.as_str()).await?;
            browser.until_says("All there: packed").await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn scans_wait_while_the_line_is_down_and_go_out_by_themselves() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        in_browser(shop, "line-down", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page(&format!("/console/pack/{part}")).await?;
            browser.offline(true).await?;
            for code in [sku.to_string(), sku.as_str().to_lowercase(), sku.to_string()] {
                browser.scan(&code).await?;
            }
            browser.until_says("3 waiting").await?;
            browser.keep("bench-waiting").await?;
            browser.offline(false).await?;
            until("three to be counted", async || {
                let bench: Value = shop.get(&format!("/v1/fulfillment-orders/{part}/bench")).await?.view(200)?;
                Ok((bench["lines"][0]["counted"] == 3).then_some(()))
            })
            .await?;
            browser.until_says("Counted").await?;
            // What failed while the line was down is on the browser's console.
            browser.driver.console().await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn support_finds_an_order_and_cancels_it_by_keyboard_alone() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        let id = order.heading.order_id.clone();
        in_browser(shop, "by-keyboard", async |browser| {
            browser.come_in(&["support"], &[]).await?;
            browser.type_keys("/").await?;
            browser.scan(&id).await?;
            browser.until_at(&format!("/console/orders/{id}")).await?;
            browser.sound().await?;
            browser.type_keys("a").await?;
            // Open it; past which units, and how many of the one line; the reason.
            browser.type_keys(&format!("{ENTER}{TAB}{TAB}{TAB}wants another{ENTER}")).await?;
            browser.until_says("Cancelled.").await?;
            browser.sound().await?;
            let order: Value = shop.get(&format!("/v1/orders/{id}")).await?.view(200)?;
            ensure!(order["status"] == "cancelled", "{order}");
            browser.type_keys("?").await?;
            browser.until_says("Keys of this screen").await?;
            browser.sound().await?;
            Ok(())
        })
        .await
    })
}

#[test]
fn new_work_shows_itself_to_whoever_looks_at_the_queue() -> Result<()> {
    // Elsewhere the queue is as long as the tests are many, and new work stands on its last page.
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        in_browser(shop, "new-work", async |browser| {
            browser.come_in(&["associate"], &[LEEDS]).await?;
            browser.open_page("/console/work/LEEDS").await?;
            let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
            browser.until_says(&order.fulfillment_orders[0].fulfillment_order_id).await?;
            browser.sound().await
        })
        .await
    })
}
