//! Parcels that leave: scanned onto a manifest, their labels printed again, and found by what people who call say.

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use crate::support::{
    Basket, in_own_shop, in_shop,
    people::{Visitor, person},
    system::{LEEDS, YORK},
};

#[test]
fn what_a_carrier_takes_along_is_scanned_signed_for_and_kept() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let mut parcels = Vec::new();
        for _ in 0..2 {
            let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
            shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", json!({})).await?;
            let part = shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
            let parcel = part.parcels[0].clone();
            parcels.push((parcel.parcel_id, parcel.tracking_number.context("a number")?));
        }
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let handover = format!("/console/handover/{LEEDS}");
        let page = associate.opens(&handover).await?;
        ensure!(parcels.iter().all(|(_, number)| page.html.contains(number)), "{}", page.html);
        let scan = format!("{handover}/scan");
        let (key, number) = (page.key(&scan)?, parcels[0].1.to_lowercase());
        let first = associate.send(&scan, &[("key", &key), ("code", &number)]).await?;
        ensure!(first.html.contains("On the manifest") && first.html.contains("1 of 2 scanned"), "{first:?}");
        ensure!(associate.send(&scan, &[("key", "again"), ("code", &parcels[0].0)]).await?.html.contains("Scanned before"));
        let nothing = associate.send(&scan, &[("key", "nothing"), ("code", "NO-SUCH")]).await?;
        ensure!(nothing.html.contains("No parcel of this place"), "{nothing:?}");

        let close = first.html.split("action=\"").find(|action| action.contains("/manifests/")).and_then(|rest| rest.split('"').next());
        let close = close.context("a manifest to close")?.to_owned();
        let paper = associate.does(&close, &[("key", "close")]).await?;
        ensure!(paper.html.contains(&parcels[0].1) && !paper.html.contains(&parcels[1].1) && paper.html.contains("<svg"), "{}", paper.html);
        let left = associate.opens(&handover).await?;
        ensure!(
            !left.html.contains(&parcels[0].1) && left.html.contains(&parcels[1].1) && left.html.contains("Handed over"),
            "{}",
            left.html
        );
        let id = close.split('/').rev().nth(1).context("an id")?;
        let found = associate.open(&format!("/console/find?q={id}")).await?;
        ensure!(found.to.as_deref() == Some(&format!("/console/print/manifest/{id}")), "{found:?}");

        let mut elsewhere = Visitor::of(shop, &person(shop, &["associate"], &[YORK]).await?).await?;
        ensure!(elsewhere.open(&format!("/console/print/manifest/{id}")).await?.status == 404);
        ensure!(elsewhere.send(&format!("/console/handover/{LEEDS}/scan"), &[("key", "x"), ("code", &parcels[1].1)]).await?.status == 404);
        ensure!(shop.post(&format!("/v1/manifests/{id}/close"), &json!({})).await?.view::<Value>(200)?["closed_by"].is_string());
        Ok(())
    })
}

#[test]
fn a_label_is_printed_from_its_page_and_again_with_its_count() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 100)).await?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", json!({})).await?;
        let part = shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
        let page = format!("/console/print/label/{}", part.parcels[0].parcel_id);
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        ensure!(associate.opens(&page).await?.html.contains("Nobody has fetched it yet."));
        for _ in 0..2 {
            let document = associate.opens(&format!("{page}/document?format=zpl")).await?;
            ensure!(document.html.starts_with("^XA"), "{document:?}");
        }
        let again = associate.opens(&page).await?;
        ensure!(again.html.contains("<small>2</small>") && again.html.contains("you"), "{}", again.html);
        let none = associate.open(&format!("{page}/document?format=gif")).await?;
        ensure!(none.status == 422, "{none:?}");
        Ok(())
    })
}

#[test]
fn who_calls_is_found_by_phone_postal_code_and_name_and_the_database_knows_none_of_them() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let basket = Basket::of(&sku, 1, 100)
            .with("/customer/name", "Xanthippe Quux")
            .with("/ship_to/name", "Xanthippe Quux")
            .with("/ship_to/phone", "+44 7700 900456")
            .with("/ship_to/postal_code", "LS9 8QQ");
        let id = shop.place_released(&basket).await?.heading.order_id;
        let other = shop.place_released(&Basket::of(&sku, 1, 100).with("/ship_to/name", "Xanthippe Other")).await?.heading.order_id;
        let mut support = Visitor::with(shop, &["support"]).await?;
        for q in ["07700%20900456", "ls98qq", "LS9%208QQ", "quux%20xanthippe", "QUUX"] {
            let found = support.open(&format!("/console/find?q={q}")).await?;
            ensure!(found.to.as_deref() == Some(&format!("/console/orders/{id}")), "{q}: {found:?}");
        }
        let both = support.opens("/console/find?q=xanthippe").await?;
        ensure!(both.html.contains(&id) && both.html.contains(&other), "{}", both.html);
        ensure!(support.opens("/console/find?q=xanthippe%20nobody").await?.html.contains("Nothing is called exactly so"));

        let moved = json!({"change_id": "ch", "reason": "moved", "changes": [{"change": "address", "ship_to": {
            "name": "Xanthippe Quux", "line1": "1 New Street", "city": "York", "postal_code": "YO1 7HH", "country": "GB"}}]});
        shop.post(&format!("/v1/orders/{id}/changes"), &moved).await?.view::<Value>(200)?;
        let found = support.open("/console/find?q=YO1%207HH").await?;
        ensure!(found.to.as_deref() == Some(&format!("/console/orders/{id}")), "{found:?}");
        // Associates pack for people whom they do not look up.
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        ensure!(associate.opens("/console/find?q=QUUX").await?.html.contains("Nothing is called exactly so"));
        Ok(())
    })
}

#[test]
fn what_needs_somebody_says_whose_it_is_and_is_settled_where_it_stands() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 9)]).await?;
        let id = shop.place_released(&Basket::of(&sku, 1, 100)).await?.heading.order_id;
        let hold: Value = shop.post(&format!("/v1/orders/{id}/holds"), &json!({"reason": "incorrect_address"})).await?.view(201)?;
        let mut support = Visitor::with(shop, &["support"]).await?;
        let inbox = support.opens("/console/inbox").await?;
        ensure!(inbox.html.contains(&id) && inbox.html.contains("incorrect address") && inbox.html.contains("Support"), "{}", inbox.html);
        let release = format!("/console/orders/{id}/holds/{}/release", hold["hold_id"].as_str().context("an id")?);
        let key = inbox.key(&release)?;
        support.does(&release, &[("key", &key)]).await?;
        ensure!(support.opens("/console/inbox").await?.html.contains("Nothing needs anybody."));

        let waiting = Basket::of(&shop.stocked(&[]).await?, 1, 100);
        let id = shop.place(&waiting).await?;
        shop.until(&id, "wait for stock", |order| order.fulfillment_orders.iter().any(|part| part.status == "backordered")).await?;
        let exceptions: Value = shop.get("/v1/exceptions").await?.view(200)?;
        let late = |found: &Value| found["order_id"] == id.as_str() && found["kind"] == "backorder";
        ensure!(!exceptions["items"].as_array().context("items")?.iter().any(late), "it is not late: {exceptions}");
        shop.cancel(&id, "c", &[]).await?;
        Ok(())
    })
}

#[test]
fn a_bench_is_enrolled_once_and_taken_over_by_badge() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let mut manager = Visitor::of(shop, &person(shop, &["facility_manager"], &[LEEDS]).await?).await?;
        let made = manager.send("/console/stations", &[("name", "Pack bench 1"), ("facility_id", LEEDS)]).await?;
        ensure!(made.status == 200 && made.html.contains("Pack bench 1 is enrolled."), "{made:?}");
        let token =
            made.html.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("a token")?.to_owned();
        ensure!(!manager.opens("/console/stations").await?.html.contains(&token), "it is shown once");
        let email = person(shop, &["associate"], &[LEEDS]).await?;
        let people: Value = shop.get("/v1/people?limit=500").await?.view(200)?;
        let people = people["items"].as_array().context("people")?;
        let packer = people.iter().find(|person| person["email"] == email.as_str()).context("the packer")?;
        let packer = packer["person_id"].as_str().context("an id")?;
        let badge = manager.send("/console/stations/badge", &[("person_id", packer), ("pin", "4071")]).await?;
        ensure!(badge.html.contains("<svg"), "{badge:?}");
        let code = badge.html.split("<strong>").find_map(|rest| rest.split('<').next().filter(|code| code.starts_with("BDG-")));
        let code = code.context("a code")?.to_owned();

        manager.send("/console/stations/here", &[("token", &token)]).await?;
        manager.send("/console/logout", &[]).await?;
        ensure!(manager.opens("/console/login").await?.html.contains("Scan your badge"));
        let wrong = manager.send("/console/login/badge", &[("badge", &code), ("pin", "0000")]).await?;
        ensure!(wrong.status == 401 && wrong.html.contains("nobody’s badge and PIN"), "{wrong:?}");
        let came = manager.send("/console/login/badge", &[("badge", &code), ("pin", "4071")]).await?;
        ensure!((came.status, came.to.as_deref()) == (303, Some("/console/pack")), "{came:?}");
        ensure!(manager.opens("/console/pack").await?.html.contains("name=\"facility\" value=\"LEEDS\""));
        ensure!(manager.open("/console/orders").await?.status == 403, "a bench is no place for orders");
        Ok(())
    })
}
