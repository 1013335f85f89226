//! Every page, as it looks: wide and narrow, light and dark, from left to right and from right to left.

use anyhow::Result;

use super::browser::in_browser;
use crate::support::{Basket, in_shop, system::LEEDS};

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
                ("found", "/console/find?q=C-17850".to_owned()),
                ("not-found", "/console/nowhere".to_owned()),
                ("inbox", "/console/inbox".to_owned()),
                ("approvals", "/console/approvals".to_owned()),
            ];
            for (look, cookie, width) in [
                ("", "", 1_280),
                ("-dark", "oms_theme=dark", 1_280),
                ("-rtl", "oms_language=ar-XB", 1_280),
                ("-small", "oms_theme=light", 360),
            ] {
                browser.resize(width, 900).await?;
                for name in ["oms_theme", "oms_language"] {
                    browser.driver.run(&format!("document.cookie = '{name}=; Path=/console; Max-Age=0'")).await?;
                }
                browser.driver.run(&format!("if ('{cookie}') document.cookie = '{cookie}; Path=/console'")).await?;
                for (name, path) in &pages {
                    browser.open_page(path).await?;
                    browser.keep(&format!("{name}{look}")).await?;
                }
            }
            Ok(())
        })
        .await
    })
}
