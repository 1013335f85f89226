//! Figures as people read them: each tile says what the API says, and opens the very orders that it counts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oms_api::insights::{CountedOrdersView, InsightsSummary};
use oms_domain::policy::Policy;

use crate::support::{
    Basket, Shop, in_own_shop, in_shop,
    people::{Visitor, person},
    runtime::until_within,
    system::{LEEDS, YORK},
};

const THEMES: [&str; 5] = ["orders", "speed", "promises", "stock", "money"];

/// Three orders: over, cancelled, and at their facility.
async fn three_orders(shop: &Shop) -> Result<()> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let shipped = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
    shop.place_released(&Basket::of(&sku, 3, 255)).await?;
    shop.fulfill(&shipped).await?;
    shop.until_status(&shipped.heading.order_id.parse()?, "completed").await?;
    let cancelled = shop.place_released(&Basket::of(&sku, 1, 255)).await?.heading.order_id.parse()?;
    shop.cancel(&cancelled, "c-1", &[]).await?;
    shop.until_status(&cancelled, "cancelled").await?;
    until_within(Duration::from_secs(30), "everything to be counted", async || {
        let fresh = shop.system.store.insights_freshness().await?;
        Ok((fresh.counted_until.is_some() && fresh.lag_ms == 0).then_some(()))
    })
    .await
}

#[test]
fn every_tile_opens_the_list_of_the_orders_that_it_counts_and_the_list_has_that_many() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        three_orders(shop).await?;
        let mut analyst = Visitor::with(shop, &["analyst"]).await?;
        let mut opened = 0;
        for theme in THEMES {
            let page = analyst.opens(&format!("/console/insights?theme={theme}")).await?.html;
            ensure!(page.contains("Counted until"), "{page}");
            let told: InsightsSummary = shop.get(&format!("/v1/insights/summary?theme={theme}")).await?.view(200)?;
            for one in told.items {
                let figure = &one.figure.figure;
                ensure!(page.contains(&format!("tile-{figure}")) && page.contains(&one.figure.title), "{figure}: {page}");
                let link = page.split("href=\"").filter_map(|rest| rest.split('"').next());
                let link = link.filter(|to| to.contains(&format!("/{figure}/orders?"))).last().context("a link to its orders")?;
                let list = analyst.opens(&link.replace("&amp;", "&").replace("&#38;", "&")).await?.html;
                let found: CountedOrdersView = shop.get(&format!("/v1/insights/{figure}/orders?limit=500")).await?.view(200)?;
                ensure!(list.contains(&format!("{} counts of {} orders", found.n, found.orders)), "{figure}: {list}");
                let rows = list.matches("<tr><th scope=\"row\">").count();
                ensure!(rows == found.items.len(), "{figure}: {rows} of {found:?}");
                let counted: i64 = one.total.iter().map(|value| value.counted).sum();
                ensure!(found.n == counted || found.sum == Some(counted), "{figure}: {counted} and {found:?}");
                opened += rows;
            }
        }
        ensure!(opened > 60, "{opened}");
        Ok(())
    })
}

#[test]
fn a_figure_is_drawn_over_time_and_by_its_reasons_with_the_table_behind() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        three_orders(shop).await?;
        let mut analyst = Visitor::with(shop, &["analyst"]).await?;
        let trend = analyst.opens("/console/insights/orders?zone=Asia/Kathmandu&by=day").await?.html;
        ensure!(trend.contains("<path class=\"line\" d=\"M") && trend.contains("As a table") && trend.contains("+0545"), "{trend}");
        let pareto = analyst.opens("/console/insights/cancellation_rate?by=reason").await?.html;
        ensure!(pareto.contains("released.request") && pareto.contains("100 % so far"), "{pareto}");
        let stages = analyst.opens("/console/insights?theme=orders").await?.html;
        ensure!(stages.contains("How far orders have come") && stages.contains(">Delivered</text>"), "{stages}");
        let wrong = analyst.open("/console/insights?zone=Mars/Olympus").await?;
        ensure!(wrong.status == 422 && wrong.html.contains("must be the name of a time zone"), "{wrong:?}");
        ensure!(analyst.open("/console/insights/no_such_figure").await?.status == 404, "a figure that is none");
        Ok(())
    })
}

#[test]
fn who_knows_of_one_facility_sees_its_figures_alone_and_others_none() -> Result<()> {
    in_shop(async |shop| {
        let mut manager = Visitor::of(shop, &person(shop, &["facility_manager"], &[YORK]).await?).await?;
        let page = manager.opens("/console/insights?theme=promises").await?.html;
        ensure!(page.contains("tile-on_time_ship_rate") && !page.contains("tile-split_rate"), "{page}");
        let mut associate = Visitor::with(shop, &["associate"]).await?;
        ensure!(associate.open("/console/insights").await?.status == 403, "figures are not for everybody");
        Ok(())
    })
}
