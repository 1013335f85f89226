//! What support does: finds an order, sees what is where, and does what the order allows.

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use crate::support::{
    Basket, in_own_shop, in_shop,
    people::{Visitor, person},
    system::{LEEDS, YORK},
};

#[test]
fn an_order_is_found_by_whatever_it_is_called() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let codes = json!({"barcodes": [{"code": "4006381333931"}]});
        shop.put(&format!("/v1/products/{sku}/barcodes"), &codes).await?.view::<Value>(200)?;
        let basket = Basket::of(&sku, 1, 500).with("/order_number", format!("#{sku}-1"));
        let order = shop.place_released(&basket).await?;
        let id = order.heading.order_id;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        let shipped = shop.ship(&part).await?;
        let number = shipped.parcels[0].tracking_number.clone().context("a number")?;
        let mut support = Visitor::with(shop, &["support"]).await?;
        let encoded = |text: &str| text.replace('#', "%23").replace('@', "%40");
        for (q, page) in [
            (id.as_str(), format!("/console/orders/{id}")),
            (&format!("#{sku}-1"), format!("/console/orders/{id}")),
            (&part, format!("/console/orders/{id}#{part}")),
            (sku.as_str(), format!("/console/stock/{sku}")),
            ("]E04006381333931", format!("/console/stock/{sku}")),
            (LEEDS, format!("/console/facilities/{LEEDS}")),
            (&number, format!("/console/orders/{id}")),
        ] {
            let found = support.open(&format!("/console/find?q={}", encoded(q))).await?;
            ensure!(found.to.as_deref() == Some(&page), "{q}: {found:?}");
        }
        ensure!(support.opens("/console/find?q=nothing-of-the-kind").await?.html.contains("Nothing is called exactly so"));
        Ok(())
    })
}

#[test]
fn support_holds_cancels_notes_and_is_told_why_not() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place_released(&Basket::of(&sku, 3, 500)).await?.heading.order_id;
        let mut support = Visitor::with(shop, &["support"]).await?;
        let (page, path) = (support.opens(&format!("/console/orders/{id}")).await?, format!("/console/orders/{id}"));
        ensure!(page.html.contains("Ada Example") && page.html.contains("Places to ship from chosen"), "{}", page.html);
        ensure!(page.html.contains("Not now:") && page.html.contains("nothing was shipped"), "why no refund: {}", page.html);

        let key = page.key(&format!("{path}/hold"))?;
        let held = support.does(&format!("{path}/hold"), &[("key", &key), ("reason", "incorrect_address")]).await?;
        ensure!(held.html.contains("Held.") && held.html.contains("incorrect address"), "{}", held.html);
        // A double click is one command.
        support.does(&format!("{path}/hold"), &[("key", &key), ("reason", "incorrect_address")]).await?;
        let order: Value = shop.get(&format!("/v1/orders/{id}")).await?.view(200)?;
        ensure!(order["holds"].as_array().is_some_and(|holds| holds.len() == 1), "{order}");
        let release = format!("{path}/holds/{}/release", order["holds"][0]["hold_id"].as_str().context("an id")?);
        let key = held.key(&release)?;
        ensure!(support.does(&release, &[("key", &key)]).await?.html.contains("Hold released"));

        let page = support.opens(&path).await?;
        let note = [("key", page.key(&format!("{path}/notes"))?), ("text", "Called. <b>Wants it on Friday.</b>".to_owned())];
        let note: Vec<(&str, &str)> = note.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let noted = support.does(&format!("{path}/notes"), &note).await?;
        ensure!(noted.html.contains("&#60;b&#62;Wants it on Friday") && noted.html.contains("Kim Example"), "{}", noted.html);

        let some = [("key", "cancel-some"), ("which", "some"), ("units-1", "1"), ("reason", "changed their mind")];
        ensure!(support.does(&format!("{path}/cancel"), &some).await?.html.contains("Cancelled."));
        let wrong = [("key", "cancel-wrong"), ("which", "some"), ("units-1", "many"), ("reason", "x")];
        let wrong = support.send(&format!("{path}/cancel"), &wrong).await?;
        ensure!(wrong.status == 422 && wrong.html.contains("/lines/0/quantity"), "{wrong:?}");
        let all = [("key", "cancel-all"), ("which", "all"), ("reason", "changed their mind")];
        ensure!(support.does(&format!("{path}/cancel"), &all).await?.html.contains("Cancelled."));
        let order: Value = shop.get(&format!("/v1/orders/{id}")).await?.view(200)?;
        ensure!(order["status"] == "cancelled" && order["lines"][0]["units"]["cancelled"] == 3, "{order}");
        Ok(())
    })
}

#[test]
fn a_refund_above_the_limit_goes_to_an_approver_and_is_given_once() -> Result<()> {
    // Limits are everybody's who works in the same system.
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 30_000)).await?;
        let id = order.heading.order_id.clone();
        shop.fulfill(&order).await?;
        shop.until(&id.parse()?, "be captured", |order| order.totals.captured_minor == 60_000).await?;
        shop.put("/v1/limits/GBP", &json!({"per_order_minor": 1_000})).await?;
        let (mut support, mut approver) = (Visitor::with(shop, &["support"]).await?, Visitor::with(shop, &["approver"]).await?);
        let refund = format!("/console/orders/{id}/refund");
        let fields = [("key", "refund-once"), ("currency", "GBP"), ("amount", "500.00"), ("reason", "arrived broken")];
        let asked = support.send(&refund, &fields).await?;
        ensure!(asked.status == 403 && asked.html.contains("Waits for approval:"), "{asked:?}");
        let approval =
            asked.html.split("/console/approvals/").nth(1).and_then(|rest| rest.split('"').next()).context("an approval")?.to_owned();
        let page = approver.opens(&format!("/console/approvals/{approval}")).await?;
        ensure!(page.html.contains("GBP 500.00"), "{}", page.html);
        let key = page.key(&format!("/console/approvals/{approval}/approve"))?;
        ensure!(approver.does(&format!("/console/approvals/{approval}/approve"), &[("key", &key)]).await?.html.contains("Approved."));
        for _ in 0..2 {
            ensure!(support.does(&refund, &fields).await?.html.contains("The refund is on its way."));
        }
        shop.until(&id.parse()?, "be refunded once", |order| order.totals.refunded_minor == 50_000).await?;
        Ok(())
    })
}

#[test]
fn who_works_at_one_facility_sees_nothing_of_another() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(YORK, 5)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 500)).await?;
        let email = person(shop, &["associate"], &[LEEDS]).await?;
        let mut associate = Visitor::of(shop, &email).await?;
        ensure!(associate.open(&format!("/console/orders/{}", order.heading.order_id)).await?.status == 403);
        let found = associate.opens(&format!("/console/find?q={}", order.heading.order_id)).await?;
        ensure!(found.html.contains("Nothing is called exactly so"), "{}", found.html);
        ensure!(!associate.opens("/console").await?.html.contains("/console/orders\""), "no link to what they may not");
        Ok(())
    })
}

#[test]
fn an_order_by_telephone_is_looked_at_placed_once_and_changed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let mut support = Visitor::with(shop, &["support"]).await?;
        let page = support.opens("/console/orders/new").await?;
        let key = page.key("/console/orders/new")?;
        let said = [
            ("key", key.as_str()),
            ("placed_at", "2026-01-05T10:00:00Z"),
            ("currency", "GBP"),
            ("sku-1", sku.as_str()),
            ("quantity-1", "2"),
            ("name", "Ada Example"),
            ("line1", "94 High Street"),
            ("city", "Leeds"),
            ("postal_code", "LS1 1AA"),
            ("country", "GB"),
            ("shipping", "standard"),
        ];
        let preview = support.send("/console/orders/new", &[&said[..], &[("step", "preview")]].concat()).await?;
        ensure!(preview.status == 200 && preview.html.contains("A thing") && preview.html.contains("GBP 51.00"), "{preview:?}");
        ensure!(preview.html.contains("When it would come") && preview.html.contains(LEEDS), "{preview:?}");
        let wrong =
            [("key", "wrong-phone"), ("currency", "GBP"), ("sku-1", "NO-SUCH"), ("quantity-1", "x"), ("country", "XX"), ("step", "place")];
        ensure!(support.send("/console/orders/new", &wrong).await?.html.contains("/lines/0/quantity"));
        let place = [&said[..], &[("step", "place")]].concat();
        let (first, second) = (support.send("/console/orders/new", &place).await?, support.send("/console/orders/new", &place).await?);
        ensure!(first.status == 303 && first.to == second.to, "{first:?} {second:?}");
        let to = first.to.context("where it is")?;
        let id = to.trim_start_matches("/console/orders/").split('?').next().unwrap_or_default().to_owned();
        shop.note(id.parse()?);
        shop.until_part(&id.parse()?, 1, "released").await?;

        let path = format!("/console/orders/{id}/change");
        let key = support.opens(&path).await?.key(&path)?;
        let more = [("key", key.as_str()), ("units-1", "3"), ("reason", "one more")];
        let preview = support.send(&path, &[&more[..], &[("step", "preview")]].concat()).await?;
        ensure!(preview.html.contains("What it would do") && preview.html.contains("GBP 25.50"), "{preview:?}");
        let version =
            preview.html.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("a version")?;
        let stale = support.send(&path, &[&more[..], &[("step", "confirm"), ("version", "1")]].concat()).await?;
        ensure!(stale.status == 412 || stale.status == 409, "an order that has gone on is looked at again: {stale:?}");
        let changed = support.does(&path, &[&more[..], &[("step", "confirm"), ("version", version)]].concat()).await?;
        ensure!(changed.html.contains("Changed."), "{changed:?}");
        let order: Value = shop.get(&format!("/v1/orders/{id}")).await?.view(200)?;
        ensure!(order["lines"][0]["units"]["ordered"] == 3, "{order}");
        Ok(())
    })
}
