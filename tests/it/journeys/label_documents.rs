//! What labels are printed from: kept with the order, fetched by whoever may, and counted.

use anyhow::{Context, Result, ensure};
use oms_api::{fulfillment::LabelPrintView, page::Page, returns::ReturnView};
use oms_domain::{ids::OrderId, label::LabelFormat};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_shop, system::LEEDS};

/// The document at a path, and which print it was.
async fn print(shop: &Shop, path: &str) -> Result<(Vec<u8>, String)> {
    let response = shop.request(Method::GET, path).send().await?;
    let status = response.status();
    ensure!(status == 200, "{path}: {status} {}", response.text().await?);
    let number = response.headers().get("label-print-number").context("the print's number")?.to_str()?.to_owned();
    Ok((response.bytes().await?.to_vec(), number))
}

/// An order with the carrier's label.
async fn shipped(shop: &Shop) -> Result<(OrderId, String)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 2, 255).with("/ship_to/name", "Zoë Quux")).await?;
    let id = order.heading.order_id.parse()?;
    shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", json!({})).await?;
    let part = shop.until_part(&id, 1, "shipped").await?;
    let parcel = &part.parcels[0];
    let url = parcel.tracking_url.as_deref().context("where people follow it")?;
    ensure!(url.ends_with(parcel.tracking_number.as_deref().unwrap_or("?")), "{url}");
    Ok((id, parcel.parcel_id.clone()))
}

#[test]
fn a_parcels_label_is_printed_from_its_document_and_every_print_counts() -> Result<()> {
    in_shop(async |shop| {
        let address = json!({"name": "Acme Despatch", "line1": "1 Dock Road", "city": "Leeds", "postal_code": "LS1 4AP", "country": "GB"});
        shop.put(&format!("/v1/facilities/{LEEDS}/address"), &address).await?.view::<Value>(200)?;
        let (_, parcel) = shipped(shop).await?;
        let path = format!("/v1/parcels/{parcel}/label");
        let (pdf, first) = print(shop, &path).await?;
        LabelFormat::Pdf.check(&pdf)?;
        let (zpl, second) = print(shop, &format!("{path}?format=zpl")).await?;
        LabelFormat::Zpl.check(&zpl)?;
        let text = String::from_utf8(zpl)?;
        ensure!(text.contains("Zoë Quux") && text.contains("Acme Despatch") && text.contains("1 Dock Road"), "{text}");
        assert_eq!((first.as_str(), second.as_str()), ("1", "2"));
        let prints: Page<LabelPrintView> = shop.get(&format!("{path}/prints")).await?.view(200)?;
        let seen: Vec<_> = prints.items.iter().map(|print| (print.number, print.format.as_str(), print.actor.is_some())).collect();
        assert_eq!(seen, [(2, "zpl", true), (1, "pdf", true)]);
        shop.get(&format!("{path}?format=png")).await?.problem(404, "not_found")?;
        shop.get(&format!("{path}?format=gif")).await?.problem(422, "validation_failed")?;
        Ok(())
    })
}

#[test]
fn a_label_of_ones_own_and_a_parcel_without_one_have_no_document() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let path = format!("/v1/parcels/{part}-P1/label");
        shop.get(&path).await?.problem(404, "not_found")?;
        shop.ship(part).await?;
        shop.get(&path).await?.problem(404, "not_found")?;
        shop.get(&format!("/v1/facilities/{}/address", crate::support::system::BATH)).await?.problem(404, "not_found")?;
        Ok(())
    })
}

#[test]
fn a_return_has_a_label_to_print_from_the_customer_to_the_facility() -> Result<()> {
    in_shop(async |shop| {
        let (id, parcel) = shipped(shop).await?;
        let part = parcel.trim_end_matches("-P1");
        shop.acts(part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        let lines = json!([{"line_id": "1", "quantity": 1, "reason": "too small"}]);
        let opened: ReturnView = shop.post("/v1/returns", &json!({"order_id": id, "lines": lines})).await?.view(201)?;
        let path = format!("/v1/returns/{}", opened.return_id);
        let labelled = async || {
            let view: ReturnView = shop.get(&path).await?.view(200)?;
            Ok(view.label)
        };
        let label = crate::support::runtime::until("the return to have a label", labelled).await?;
        ensure!(label.tracking_url.is_some(), "{label:?}");
        let (zpl, number) = print(shop, &format!("{path}/label?format=zpl")).await?;
        let text = String::from_utf8(zpl)?;
        let (from, to) = (text.find("Zoë Quux").context("the sender")?, text.find("^FDTo^FS").context("the recipient")?);
        ensure!(from < to && number == "1", "{number}: {text}");
        Ok(())
    })
}
