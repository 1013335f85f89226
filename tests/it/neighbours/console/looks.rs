//! Every page, as it looks: wide and narrow, light and dark, from left to right and from right to left.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::browser::{Browser, in_browser};
use crate::support::{Basket, in_shop, system::LEEDS};

/// Name, what the browser keeps, and width.
const LOOKS: [(&str, &str, u32); 4] =
    [("", "", 1_280), ("-dark", "oms_theme=dark", 1_280), ("-rtl", "oms_language=ar-XB", 1_280), ("-small", "oms_theme=light", 360)];

/// Opens each page in each look; all of them are sound.
async fn look_at(browser: &Browser<'_>, pages: &[(&str, String)]) -> Result<()> {
    for (look, cookie, width) in LOOKS {
        browser.resize(width, 900).await?;
        for name in ["oms_theme", "oms_language"] {
            browser.driver.run(&format!("document.cookie = '{name}=; Path=/console; Max-Age=0'")).await?;
        }
        browser.driver.run(&format!("if ('{cookie}') document.cookie = '{cookie}; Path=/console'")).await?;
        for (name, path) in pages {
            browser.open_page(path).await?;
            browser.keep(&format!("{name}{look}")).await?;
        }
    }
    Ok(())
}

#[test]
fn every_page_of_support_is_sound_at_every_size_and_in_every_direction() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 1_250)).await?;
        in_browser(shop, "support-pages", async |browser| {
            browser.open_page("/console/login").await?;
            browser.keep("login").await?;
            browser.come_in(&["support", "approver"], &[]).await?;
            let id = order.heading.order_id.as_str();
            let pages = [
                ("home", "/console".to_owned()),
                ("orders", "/console/orders".to_owned()),
                ("order", format!("/console/orders/{id}")),
                ("why", format!("/console/orders/{id}/why")),
                ("change", format!("/console/orders/{id}/change")),
                ("new-order", "/console/orders/new".to_owned()),
                ("found", "/console/find?q=C-17850".to_owned()),
                ("not-found", "/console/nowhere".to_owned()),
                ("inbox", "/console/inbox".to_owned()),
                ("approvals", "/console/approvals".to_owned()),
            ];
            look_at(browser, &pages).await
        })
        .await
    })
}

#[test]
fn every_page_of_figures_is_sound_at_every_size_and_in_every_direction() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 1_250)).await?;
        shop.fulfill(&order).await?;
        in_browser(shop, "figures", async |browser| {
            browser.come_in(&["analyst"], &[]).await?;
            let pages = [
                ("figures", "/console/insights".to_owned()),
                ("figures-promises", "/console/insights?theme=promises".to_owned()),
                ("figure", "/console/insights/orders?by=day".to_owned()),
                ("figure-by-reason", "/console/insights/cancellation_rate?by=reason".to_owned()),
                ("figure-orders", "/console/insights/orders/orders".to_owned()),
            ];
            look_at(browser, &pages).await
        })
        .await
    })
}

#[test]
fn every_page_of_a_facility_is_sound_at_every_size_and_in_every_direction() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 90)]).await?;
        let bin = json!({"bin": "A-03-2", "walk": 12});
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}/bin"), &bin).await?.view::<Value>(200)?;
        let codes = json!({"barcodes": [{"code": format!("CODE-{sku}")}]});
        shop.put(&format!("/v1/products/{sku}/barcodes"), &codes).await?.view::<Value>(200)?;
        let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": LEEDS});
        let waiting = shop.place_released(&Basket::of(&sku, 1, 100).with("/shipping", pickup)).await?;
        let part = waiting.fulfillment_orders[0].fulfillment_order_id.clone();
        for (action, body) in [("start-picking", json!({"picker": "kim"})), ("pack", json!({})), ("ready", json!({"code": "4711"}))] {
            shop.acts(&part, action, body).await?;
        }
        let mut parts = Vec::new();
        for units in 1..4 {
            let order = shop.place_released(&Basket::of(&sku, units, 100)).await?;
            parts.push(order.fulfillment_orders[0].fulfillment_order_id.clone());
        }
        let gone = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        shop.acts(&gone.fulfillment_orders[0].fulfillment_order_id, "ship", json!({})).await?;
        let shipped = shop.until_part(&gone.heading.order_id.parse()?, 1, "shipped").await?;
        let list = json!({"facility_id": LEEDS, "at_most": 1});
        let list: Value = shop.post("/v1/picklists", &list).await?.view(200)?;
        let list = list["picklist_id"].as_str().context("a picklist")?;
        let last = parts.last().context("a part")?;
        in_browser(shop, "facility-pages", async |browser| {
            browser.come_in(&["facility_manager"], &[LEEDS]).await?;
            let pages = [
                ("work", "/console/work/LEEDS".to_owned()),
                ("picking", "/console/work/LEEDS?status=picking".to_owned()),
                ("pick", format!("/console/pick/{list}")),
                ("pack", "/console/pack".to_owned()),
                ("bench", format!("/console/pack/{last}")),
                ("handover", "/console/handover/LEEDS".to_owned()),
                ("pickup", "/console/pickup/LEEDS".to_owned()),
                ("product", format!("/console/stock/{sku}")),
                ("position", format!("/console/stock/LEEDS/{sku}")),
                ("facilities", "/console/facilities".to_owned()),
                ("facility", "/console/facilities/LEEDS".to_owned()),
                ("stations", "/console/stations".to_owned()),
                ("print-label", format!("/console/print/label/{}", shipped.parcels[0].parcel_id)),
                ("print-picklist", format!("/console/print/picklist/{list}")),
                ("print-slip", format!("/console/print/slip/{last}")),
                ("print-commands", "/console/print/commands".to_owned()),
            ];
            look_at(browser, &pages).await
        })
        .await
    })
}
