//! Authorizations that a checkout has made and hands over: believed when the gateway says so, and by one order alone.

use anyhow::{Context, Result, ensure};
use oms_domain::{ids::OrderId, payment::OperationKind};
use serde_json::{Value, json};

use crate::support::{
    Answer, Basket, Shop,
    books::{authorize, authorize_for},
    http::client,
    in_shop,
    system::LEEDS,
};

/// A basket of 5.10 that is paid by this authorization.
async fn paid_by(shop: &Shop, authorization: impl FnOnce(&OrderId) -> Result<String>) -> Result<Basket> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 2, 255).without("payment");
    let authorized = json!({"id": authorization(&basket.id())?, "amount_minor": 510});
    Ok(basket.with("/payments", json!([{"payment_id": "card", "method": "card", "amount_minor": 510, "authorization": authorized}])))
}

/// The gateway's id of the order's only authorization.
async fn authorization_of(shop: &Shop, id: &OrderId) -> Result<String> {
    let request = client().get(format!("{}/v1/operations", shop.system.addresses.gateway_url)).query(&[("reference", id.as_str())]);
    let books: Value = Answer::to(request).await?.view(200)?;
    Ok(books["items"][0]["id"].as_str().context("an authorization")?.to_owned())
}

/// It waits for another payment, and says why; nothing of it leaves the house.
async fn is_held(shop: &Shop, basket: &Basket, code: &str) -> Result<()> {
    let id = shop.place(basket).await?;
    let order = shop.until(&id, "be held", |order| !order.holds.is_empty()).await?;
    let hold = &order.holds[0];
    ensure!(hold.why.as_deref().is_some_and(|why| why.contains(code)), "{hold:?}");
    ensure!(order.totals.authorized_minor == 0 && order.status == "created", "{order:?}");
    // With an instrument that is good it goes on.
    let card = json!({"payment_id": "another", "method": "card", "amount_minor": 510, "token": "tok_fine"});
    ensure!(shop.post(&format!("/v1/orders/{id}/payments"), &card).await?.status < 300);
    let released = shop.until(&id, "be released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released"));
    ensure!(released.await?.totals.authorized_minor == 510);
    Ok(())
}

#[test]
fn what_bends_the_gateways_addresses_is_no_authorization() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        let victim: OrderId = order.heading.order_id.parse()?;
        shop.until_status(&victim, "completed").await?;
        let capture = client().get(format!("{}/v1/operations", shop.system.addresses.gateway_url)).query(&[("reference", victim.as_str())]);
        let books: Value = Answer::to(capture).await?.view(200)?;
        let capture = books["items"][1]["id"].as_str().context("a capture")?.to_owned();
        let thief = paid_by(shop, |_| Ok(format!("x/../../captures/{capture}/refunds?"))).await?;
        let problem = shop.send(&thief).await?.problem(422, "validation_failed")?;
        assert_eq!(problem.errors[0].pointer, "/payments/0/authorization/id");
        assert_eq!(shop.books(&victim).await?.sum(OperationKind::Refund), 0);
        Ok(())
    })
}

#[test]
fn an_authorization_that_never_was_ships_nothing() -> Result<()> {
    in_shop(async |shop| is_held(shop, &paid_by(shop, |_| Ok("auth_that_never_was".to_owned())).await?, "authorization_unknown").await)
}

#[test]
fn the_authorization_of_another_order_pays_for_that_one_alone() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let victim: OrderId = order.heading.order_id.parse()?;
        let stolen = authorization_of(shop, &victim).await?;
        is_held(shop, &paid_by(shop, |_| Ok(stolen)).await?, "authorization_of_another_order").await?;
        shop.fulfill(&order).await?;
        shop.until_status(&victim, "completed").await?;
        assert_eq!(shop.books(&victim).await?.amounts(OperationKind::Capture), [510]);
        Ok(())
    })
}

#[test]
fn an_authorization_is_of_the_orders_amount_and_currency() -> Result<()> {
    in_shop(async |shop| {
        let gateway = shop.system.addresses.gateway_url.clone();
        for (amount_minor, currency, code) in [(509, "GBP", "authorization_too_low"), (510, "EUR", "authorization_in_another_currency")] {
            let basket = paid_by(shop, |_| Ok("later".to_owned())).await?;
            let authorization = authorize_for(&gateway, &basket.id(), amount_minor, currency).await?;
            let basket = basket.with("/payments/0/authorization/id", authorization);
            shop.send(&basket).await?.view::<Value>(201)?;
            let order = shop.until(&basket.id(), "be held", |order| !order.holds.is_empty()).await?;
            ensure!(order.holds[0].why.as_deref().is_some_and(|why| why.contains(code)), "{order:?}");
        }
        Ok(())
    })
}

#[test]
fn one_authorization_pays_for_one_payment() -> Result<()> {
    in_shop(async |shop| {
        let basket = paid_by(shop, |_| Ok("later".to_owned())).await?;
        let id = authorize(&shop.system.addresses.gateway_url, &basket.id(), 510).await?;
        let half = |payment_id: &str| json!({"payment_id": payment_id, "method": "card", "amount_minor": 255, "authorization": {"id": id, "amount_minor": 510}});
        let basket = basket.with("/payments", json!([half("one"), half("two")]));
        shop.send(&basket).await?.view::<Value>(201)?;
        let order = shop.until(&basket.id(), "be held", |order| !order.holds.is_empty()).await?;
        ensure!(order.holds[0].why.as_deref().is_some_and(|why| why.contains("authorization_of_another_order")), "{order:?}");
        let order = shop.until(&basket.id(), "have taken it once", |order| order.totals.authorized_minor == 255).await?;
        ensure!(order.status == "created", "{order:?}");
        Ok(())
    })
}

#[test]
fn an_authorization_is_given_back_though_nothing_was_there_to_pay_for() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[]).await?;
        let basket = Basket::of(&sku, 2, 255).without("payment").with("/allow_backorder", false);
        let id = authorize(&shop.system.addresses.gateway_url, &basket.id(), 510).await?;
        let payments =
            json!([{"payment_id": "card", "method": "card", "amount_minor": 510, "authorization": {"id": id, "amount_minor": 510}}]);
        let basket = basket.with("/payments", payments);
        shop.place(&basket).await?;
        shop.until_status(&basket.id(), "cancelled").await?;
        assert_eq!(shop.books(&basket.id()).await?.amounts(OperationKind::Void), [510]);
        Ok(())
    })
}

#[test]
fn events_tell_nobody_what_moves_money_or_opens_a_pickup() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": LEEDS});
        let order = shop.place_released(&Basket::of(&sku, 2, 255).with("/shipping", pickup)).await?;
        let (id, part): (OrderId, _) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        shop.acts(part, "ready", json!({"code": "4711"})).await?;
        shop.acts(part, "handover", json!({"code": "4711"})).await?;
        shop.until_status(&id, "completed").await?;
        let recorded = shop.system.store.events(&id, 0, 1_000).await?;
        let hash = recorded.iter().find_map(|event| event.data["code_hash"].as_str()).context("a hash that is kept")?;
        let published: Value = shop.get(&format!("/v1/orders/{id}/events?limit=500")).await?.view(200)?;
        let (published, authorization) = (published.to_string(), authorization_of(shop, &id).await?);
        assert!(published.contains("fulfillment_ready") && published.contains("payment_answered"), "{published}");
        for secret in [hash, authorization.as_str(), "cap_"] {
            assert!(!published.contains(secret), "{secret} in {published}");
        }
        let (mut after, mut seen) = (String::new(), false);
        while !seen {
            let page: Value = shop.get(&format!("/v1/events?limit=500{after}")).await?.view(200)?;
            let text = page.to_string();
            for secret in ["\"reference\"", "\"acts_on\"", "\"code_hash\"", "\"authorization\""] {
                assert!(!text.contains(secret), "{secret} is published");
            }
            seen = text.contains(id.as_str());
            after = format!("&cursor={}", page["next_cursor"].as_str().context("a position")?);
        }
        Ok(())
    })
}
