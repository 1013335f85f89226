//! Shipping in parts, and taking back what the carrier does not have yet.

use anyhow::{Context, Result};
use oms_api::order::OrderView;
use oms_domain::payment::OperationKind;
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, http::client, in_shop, replay, system::LEEDS};

#[test]
fn some_parcels_ship_and_the_others_follow_each_with_its_share_of_the_money() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 5, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        let parcel = |units: u32| json!({"lines": [{"line_id": "1", "quantity": units}], "weight_g": 400 * units});
        let packed = shop.acts(part, "pack", json!({"parcels": [parcel(2), parcel(3)]})).await?;
        shop.act(part, "ship", json!({"parcels": ["nobodys-F1-P1"]})).await?.problem(409, "refused_by_rule")?;
        let shipped = shop.acts(part, "ship", json!({"parcels": [packed.parcels[0].parcel_id]})).await?;
        assert_eq!((shipped.status.as_str(), shipped.lines[0].quantity), ("shipped", 2));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 3));
        let order = shop.order(&id).await?;
        let rest = order.fulfillment_orders.iter().find(|part| part.status == "packed").context("the rest, packed")?;
        assert_eq!((rest.lines[0].quantity, rest.parcels.len()), (3, 1));
        shop.acts(&rest.fulfillment_order_id, "ship", json!({})).await?;
        for part in [part, &rest.fulfillment_order_id] {
            shop.acts(part, "deliver", json!({})).await?;
        }
        shop.until_status(&id, "completed").await?;
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Capture), [510, 765]);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (5, 0));
        replay::keep(&shop.system, &id, "shipped-in-parts").await
    })
}

/// Whether the carrier's books have the first label of a parcel as void.
async fn is_void(shop: &Shop, parcel_id: &str) -> Result<bool> {
    let request = client().get(format!("{}/v1/labels/{parcel_id}:1", shop.system.addresses.carrier_url));
    Ok(Answer::to(request).await?.view::<Value>(200)?["voided"] == true)
}

#[test]
fn what_is_unshipped_comes_back_with_its_label_void_and_its_money_refunded() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        let shipped = shop.acts(part, "ship", json!({})).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        shop.until(&id, "be charged", |order| order.totals.captured_minor == 510).await?;
        let back = shop.acts(part, "unship", json!({})).await?;
        assert_eq!(back.status, "packed");
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 2));
        shop.until(&id, "be refunded", |order| order.totals.refunded_minor == 510).await?;
        let voided = async || Ok(is_void(shop, &shipped.parcels[0].parcel_id).await?.then_some(()));
        crate::support::runtime::until("the label to be void", voided).await?;
        // It ships after all, once a payment answers for it, under another label, and is paid once.
        let authorizations = |order: &OrderView| {
            let operations = order.payments.iter().flat_map(|payment| &payment.operations);
            operations.filter(|operation| operation.kind == "authorize" && operation.status == "succeeded").count()
        };
        shop.until(&id, "be authorized anew", |order| authorizations(order) == 2).await?;
        let again = shop.acts(part, "ship", json!({})).await?;
        assert_eq!(again.status, "shipped");
        shop.acts(part, "deliver", json!({})).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!(order.totals.captured_minor - order.totals.refunded_minor, 510);
        replay::keep(&shop.system, &id, "unshipped").await
    })
}
