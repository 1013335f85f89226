//! The page that `oms insights report` and the demo write: it opens without a server, and is as sound as those that have one.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use oms::client::{Api, insights_report::report};
use oms_domain::policy::Policy;

use super::browser::in_browser;
use crate::support::{Basket, http::key, in_own_shop, runtime::until_within, system::LEEDS};

#[test]
fn the_page_of_figures_opens_from_a_file_and_is_sound() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        for units in 1..4 {
            let order = shop.place_released(&Basket::of(&sku, units, 1_250)).await?;
            shop.fulfill(&order).await?;
            shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        }
        let cancelled = shop.place_released(&Basket::of(&sku, 1, 1_250)).await?.heading.order_id.parse()?;
        shop.cancel(&cancelled, "c-1", &[]).await?;
        shop.until_status(&cancelled, "cancelled").await?;
        until_within(Duration::from_secs(30), "everything to be counted", async || {
            let fresh = shop.system.store.insights_freshness().await?;
            Ok((fresh.counted_until.is_some() && fresh.lag_ms == 0).then_some(()))
        })
        .await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("insights.html");
        let api = Api::new(&shop.url(""))?.showing(Some(key().into()));
        fs::write(&file, report(&api, &[], "day").await?)?;
        in_browser(shop, "figures-of-a-file", async |browser| {
            browser.driver.goto(&format!("file://{}", file.to_str().context("a path in UTF-8")?)).await?;
            browser.sound().await?;
            let said = browser.text().await?;
            ensure!(said.contains("Figures on orders") && said.contains("Unit fill rate") && said.contains("100.0 %"), "{said}");
            browser.keep("insights-report").await?;
            browser.resize(360, 900).await?;
            browser.sound().await?;
            browser.keep("insights-report-small").await.map(drop)
        })
        .await
    })
}
