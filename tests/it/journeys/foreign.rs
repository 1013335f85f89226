//! Orders from entry to refund in the shapes of Stripe and EasyPost.

use anyhow::{Result, ensure};
use oms_api::refund::RefundView;
use oms_domain::{ids::OrderId, label::LabelFormat, payment::OperationKind, policy::Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Basket, Setup, Shop, in_shop_of, replay, system::LEEDS};

fn in_foreign_shop(in_parts: bool, test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    let policy = Policy { captures_in_parts: in_parts, ..Policy::default() };
    in_shop_of(Setup { foreign: Some(in_parts), ..Setup::default() }, policy, test)
}

/// Five units go out in two shipments, each under the carrier's label; one is paid back in part.
async fn whole(shop: &Shop) -> Result<OrderId> {
    let address = json!({"name": "Acme Despatch", "line1": "1 Dock Road", "city": "Leeds", "postal_code": "LS1 4AP", "country": "GB"});
    shop.put(&format!("/v1/facilities/{LEEDS}/address"), &address).await?.view::<Value>(200)?;
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 5, 255)).await?;
    let (id, part): (OrderId, _) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
    shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
    let parcel = |units: u32| json!({"lines": [{"line_id": "1", "quantity": units}], "weight_g": 400 * units});
    shop.acts(part, "pack", json!({"parcels": [parcel(2), parcel(3)]})).await?;
    shop.acts(part, "ship", json!({"parcels": [format!("{part}-P1")]})).await?;
    shop.until_part(&id, 1, "shipped").await?;
    shop.until(&id, "have been charged for it", |order| order.totals.captured_minor == 510).await?;
    let rest = shop.until_part(&id, 2, "packed").await?.fulfillment_order_id;
    shop.acts(&rest, "ship", json!({})).await?;
    let shipped = shop.until_part(&id, 2, "shipped").await?;
    let label = format!("/v1/parcels/{}/label?format=zpl", shipped.parcels[0].parcel_id);
    let zpl = shop.request(Method::GET, &label).send().await?.bytes().await?;
    LabelFormat::Zpl.check(&zpl)?;
    for part in [part.as_str(), rest.as_str()] {
        shop.acts(part, "deliver", json!({})).await?;
    }
    shop.until_status(&id, "completed").await?;
    let refund = json!({"refund_id": "r1", "amount_minor": 100, "reason": "a scratch"});
    shop.post(&format!("/v1/orders/{id}/refunds"), &refund).await?.view::<RefundView>(201)?;
    shop.until(&id, "have given it back", |order| order.totals.refunded_minor == 100).await?;
    Ok(id)
}

#[test]
fn an_order_in_two_shipments_is_captured_in_parts_and_refunded() -> Result<()> {
    in_foreign_shop(true, async |shop| {
        let id = whole(shop).await?;
        let books = shop.books(&id).await?;
        assert_eq!(books.amounts(OperationKind::Authorize), [1_275]);
        assert_eq!(books.amounts(OperationKind::Capture), [510, 765]);
        assert_eq!(books.amounts(OperationKind::Refund), [100]);
        Ok(())
    })
}

#[test]
fn where_nothing_is_captured_in_parts_the_rest_is_authorized_anew() -> Result<()> {
    in_foreign_shop(false, async |shop| {
        let id = whole(shop).await?;
        let books = shop.books(&id).await?;
        assert_eq!(books.amounts(OperationKind::Authorize), [1_275, 765]);
        assert_eq!(books.amounts(OperationKind::Capture), [510, 765]);
        assert_eq!(books.amounts(OperationKind::Refund), [100]);
        replay::keep(&shop.system, &id, "captured-once").await
    })
}

#[test]
fn a_decline_and_a_lost_answer_end_as_they_do_elsewhere() -> Result<()> {
    in_foreign_shop(true, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let declined = shop.place(&Basket::of(&sku, 1, 255).token("tok_decline_soft")).await?;
        shop.until(&declined, "be held", |order| !order.holds.is_empty()).await?;
        // Done, and never answered: found by its key.
        let lost = shop.place_released(&Basket::of(&sku, 1, 255).token("tok_timeout")).await?;
        let id: OrderId = lost.heading.order_id.parse()?;
        ensure!(shop.books(&id).await?.amounts(OperationKind::Authorize) == [255]);
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        ensure!(shop.books(&id).await?.amounts(OperationKind::Void) == [255]);
        shop.cancel(&declined, "c2", &[]).await?;
        shop.until_status(&declined, "cancelled").await.map(drop)
    })
}
