//! What associates do: their queue, a wave, the bench, the counter, the shelf.

use anyhow::{Context, Result, ensure};
use oms_api::fulfillment::ScanView;
use serde_json::{Value, json};

use crate::support::{
    Basket, Shop,
    basket::unique,
    in_own_shop, in_shop,
    people::{Visitor, person},
    runtime::until,
    system::{LEEDS, YORK},
};
use oms_domain::policy::Policy;

async fn scan(shop: &Shop, part: &str, scan_id: &str, code: &str) -> Result<ScanView> {
    shop.post(&format!("/v1/fulfillment-orders/{part}/scans"), &json!({"scan_id": scan_id, "code": code})).await?.view(200)
}

#[test]
fn the_last_scan_packs_and_ships_and_costs_the_order_no_more_than_that() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let barcodes = json!({"barcodes": [{"code": "5901234123457"}, {"code": format!("BOX-{sku}"), "units": 6}]});
        shop.put(&format!("/v1/products/{sku}/barcodes"), &barcodes).await?.view::<Value>(200)?;
        let [scanned, plain] = [20, 20].map(|units| Basket::of(&sku, units, 100));
        let (scanned, plain) = (shop.place_released(&scanned).await?, shop.place_released(&plain).await?);
        let (part, other) = (&scanned.fulfillment_orders[0].fulfillment_order_id, &plain.fulfillment_orders[0].fulfillment_order_id);

        ensure!(scan(shop, part, "s1", "NO-SUCH-CODE").await?.result == "unknown_code");
        let wrong = shop.stocked(&[]).await?;
        ensure!(scan(shop, part, "s2", wrong.as_str()).await?.result == "wrong_item");
        // Sent twice, it counts once.
        for _ in 0..2 {
            let counted = scan(shop, part, "s3", "]E05901234123457").await?;
            ensure!((counted.result.as_str(), counted.bench.lines[0].counted) == ("counted", 1), "{counted:?}");
        }
        for n in 0..3 {
            scan(shop, part, &format!("box-{n}"), &format!("BOX-{sku}")).await?;
        }
        ensure!(scan(shop, part, "box-4", &format!("BOX-{sku}")).await?.result == "too_many");
        ensure!(scan(shop, part, "u1", "CMD-UNDO").await?.result == "undo_asked");
        ensure!(scan(shop, part, "u2", "CMD-UNDO").await?.result == "undone");
        scan(shop, part, "box-5", &format!("BOX-{sku}")).await?;
        let last = scan(shop, part, "last", sku.as_str()).await?;
        ensure!(last.result == "complete" && last.problem.is_none() && last.bench.is_complete, "{last:?}");
        ensure!(scan(shop, part, "last", sku.as_str()).await?.result == "complete", "the last scan sent again is the last scan");
        ensure!(scan(shop, part, "more", sku.as_str()).await?.result == "not_now");
        shop.until_part(&scanned.heading.order_id.parse()?, 1, "shipped").await?;

        shop.acts(other, "start-picking", json!({"picker": "kim"})).await?;
        shop.acts(other, "pack", json!({})).await?;
        shop.acts(other, "ship", json!({})).await?;
        shop.until_part(&plain.heading.order_id.parse()?, 1, "shipped").await?;
        let kinds = async |id: &str| -> Result<Vec<String>> {
            let all = shop.timeline(&id.parse()?).await?;
            Ok(all.into_iter().skip_while(|kind| kind != "picking_started").take_while(|kind| kind != "fulfillment_shipped").collect())
        };
        let (by_scanner, by_hand) = (kinds(&scanned.heading.order_id).await?, kinds(&plain.heading.order_id).await?);
        ensure!(by_scanner == by_hand, "{by_scanner:?} {by_hand:?}");
        Ok(())
    })
}

#[test]
fn two_benches_one_order_count_together() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 12, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        let all = (0..18).map(|n| scan(shop, &part, Box::leak(format!("two-{n}").into_boxed_str()), sku.as_str()));
        let results: Vec<String> = futures_util::future::try_join_all(all).await?.into_iter().map(|scan| scan.result).collect();
        let of = |result: &str| results.iter().filter(|known| *known == result).count();
        ensure!((of("counted"), of("complete")) == (11, 1), "{results:?}");
        ensure!(of("too_many") + of("not_now") == 6, "{results:?}");
        shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
        Ok(())
    })
}

#[test]
fn a_wave_is_walked_by_its_bins_and_what_is_missing_looks_for_another_place() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (far, near) = (shop.stocked(&[(LEEDS, 9), (YORK, 9)]).await?, shop.stocked(&[(LEEDS, 9)]).await?);
        for (sku, bin, walk) in [(&far, "Z-9", 90), (&near, "A-1", 10)] {
            shop.put(&format!("/v1/stock/{LEEDS}/{sku}/bin"), &json!({"bin": bin, "walk": walk})).await?.view::<Value>(200)?;
        }
        let first = shop.place_released(&Basket::of(&far, 2, 10_000).and(&near, 1, 10_000)).await?;
        let second = shop.place_released(&Basket::of(&near, 3, 100)).await?;
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let work = associate.open("/console/work").await?;
        ensure!(work.to.as_deref() == Some("/console/work/LEEDS"), "who works at one facility is led there: {work:?}");
        let queue = associate.opens("/console/work/LEEDS").await?;
        for order in [&first, &second] {
            ensure!(queue.html.contains(&order.fulfillment_orders[0].fulfillment_order_id), "{}", queue.html);
        }
        let key = queue.key("/console/work/LEEDS/wave")?;
        let walk = associate.does("/console/work/LEEDS/wave", &[("key", &key), ("at_most", "10")]).await?;
        let at = |text: &str| walk.html.find(text).with_context(|| format!("{text} in {}", walk.html));
        ensure!(at("A-1")? < at("Z-9")?, "the walk comes by A-1 first");
        ensure!(walk.html.contains("Tote 1") && walk.html.contains("Tote 2") && walk.html.contains("<svg"), "{}", walk.html);

        let short =
            walk.html.split("action=\"/console/pick/").nth(1).and_then(|rest| rest.split("/short").next()).context("a short pick")?;
        let path = format!("/console/pick/{short}/short");
        let part = first.fulfillment_orders[0].fulfillment_order_id.as_str();
        let key = unique("short");
        let place = format!("{part}/1");
        let missing = [("key", key.as_str()), ("where", place.as_str()), ("quantity_short", "2"), ("reason", "not_in_stock")];
        ensure!(associate.does(&path, &missing).await?.html.contains("The rest looks for another facility."));
        shop.until(&first.heading.order_id.parse()?, "find another facility", |order| {
            order.fulfillment_orders.iter().any(|part| part.facility_id.as_deref() == Some(YORK))
        })
        .await?;
        Ok(())
    })
}

#[test]
fn a_bench_works_without_script_and_opens_the_soonest_order_by_a_product() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        ensure!(associate.opens("/console/pack").await?.html.contains("name=\"facility\" value=\"LEEDS\""));
        let opened = associate.send("/console/pack", &[("code", sku.as_str()), ("facility", LEEDS)]).await?;
        ensure!(opened.to.as_deref() == Some(&format!("/console/pack/{part}?facility=LEEDS")), "{opened:?}");
        let nothing = associate.send("/console/pack", &[("code", "nothing"), ("facility", LEEDS)]).await?;
        ensure!(nothing.html.contains("Nothing to pack is called nothing."), "{nothing:?}");
        let scan = format!("/console/pack/{part}/scan");
        let first = associate.send(&scan, &[("scan_id", "w1"), ("code", sku.as_str()), ("facility", LEEDS)]).await?;
        ensure!(first.html.contains("data-result=\"counted\"") && first.html.contains("<h1>"), "{first:?}");
        let last = associate.send(&scan, &[("scan_id", "w2"), ("code", sku.as_str()), ("facility", LEEDS)]).await?;
        ensure!(last.html.contains("All there: packed"), "{last:?}");
        let shipped = shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
        let number = shipped.parcels[0].tracking_number.clone().context("a number")?;
        let handover = associate.opens("/console/handover/LEEDS").await?;
        ensure!(handover.html.contains(&number), "{}", handover.html);
        Ok(())
    })
}

#[test]
fn a_pickup_is_handed_over_and_a_shelf_is_counted() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": LEEDS});
        let order = shop.place_released(&Basket::of(&sku, 1, 100).with("/shipping", pickup)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        let packed = scan(shop, &part, "pick-1", sku.as_str()).await?;
        ensure!(packed.bench.fulfillment_order.status == "ready_for_pickup", "{packed:?}");
        let mut manager = Visitor::of(shop, &person(shop, &["facility_manager"], &[LEEDS]).await?).await?;
        let counter = manager.opens("/console/pickup/LEEDS").await?;
        let hand_over = format!("/console/pickup/LEEDS/parts/{part}/handover");
        let key = counter.key(&hand_over)?;
        ensure!(manager.does(&hand_over, &[("key", &key)]).await?.html.contains("The customer has it."));

        let position = format!("/console/stock/LEEDS/{sku}");
        ensure!(manager.opens(&position).await?.html.contains(&order.heading.order_id));
        ensure!(manager.does(&format!("{position}/count"), &[("on_hand", "30")]).await?.html.contains("Counted."));
        let adjust = [("key", "adjust-shelf"), ("quantity", "-2"), ("reason", "damage")];
        ensure!(manager.does(&format!("{position}/adjust"), &adjust).await?.html.contains("damage"));
        let (on_hand, _) = shop.stock(&sku, LEEDS).await?;
        ensure!(on_hand == 28, "{on_hand}");
        ensure!(manager.does(&format!("{position}/bin"), &[("bin", "B-2"), ("walk", "7")]).await?.html.contains("B-2"));
        Ok(())
    })
}

/// The day on which a plan has the order leave.
async fn leaves_on(shop: &Shop, sku: &oms_domain::ids::Sku) -> Result<String> {
    let id = shop.place_released(&Basket::of(sku, 1, 100)).await?.heading.order_id;
    let decisions: Value = shop.get(&format!("/v1/orders/{id}/allocation")).await?.view(200)?;
    let day = decisions
        .pointer("/items/0/decision/packages/0/outlook/ship_date")
        .or(decisions.pointer("/items/0/decision/0/packages/0/outlook/ship_date"));
    Ok(day.and_then(Value::as_str).with_context(|| format!("a day in {decisions:#}"))?.to_owned())
}

#[test]
fn a_facility_that_takes_no_more_today_ships_what_comes_on_its_next_day() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 500)]).await?;
        let day = leaves_on(shop, &sku).await?;
        let mut manager = Visitor::of(shop, &person(shop, &["facility_manager"], &[LEEDS]).await?).await?;
        let close = format!("/console/facilities/{LEEDS}/days/close");
        ensure!(manager.opens(&format!("/console/facilities/{LEEDS}")).await?.html.contains("No more today"));
        ensure!(manager.does(&close, &[("date", &day)]).await?.html.contains(&format!("Open {day} again")));
        ensure!(manager.send(&close, &[("date", "tomorrow")]).await?.status == 422);
        // Places are read every few seconds.
        until("plans to leave the day out", async || Ok((leaves_on(shop, &sku).await? > day).then_some(()))).await?;
        let open = format!("/console/facilities/{LEEDS}/days/open");
        ensure!(!manager.does(&open, &[("date", &day)]).await?.html.contains("Open again"));
        until("plans to count with it again", async || Ok((leaves_on(shop, &sku).await? == day).then_some(()))).await?;
        ensure!(manager.send("/console/facilities/YORK/days/close", &[("date", &day)]).await?.status == 404);
        Ok(())
    })
}

#[test]
fn a_facility_is_paused_by_who_has_seen_how_it_is() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let mut manager = Visitor::of(shop, &person(shop, &["facility_manager"], &[YORK]).await?).await?;
        let page = manager.opens("/console/facilities/YORK").await?;
        let seen = page.html.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("what was seen")?;
        let seen = seen.replace("&#34;", "\"");
        let pause = [("seen", seen.as_str()), ("daily_order_capacity", "40"), ("cutoff_local_time", "16:30")];
        ensure!(manager.does("/console/facilities/YORK", &pause).await?.html.contains("paused"));
        let facility: Value = shop.get("/v1/facilities/YORK").await?.view(200)?;
        ensure!((&facility["ship_enabled"], &facility["daily_order_capacity"]) == (&json!(false), &json!(40)), "{facility}");
        let again = manager.send("/console/facilities/YORK", &pause).await?;
        ensure!(again.status == 412, "what somebody else has changed is not undone: {again:?}");
        Ok(())
    })
}
