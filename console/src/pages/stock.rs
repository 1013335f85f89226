//! Stock: a product everywhere, and one position with what moved it.

use askama::Template;
use axum::{extract::Path, http::Method};
use oms_api::{
    barcode::{BarcodeView, BinBody},
    page::Page,
    product::ProductBody,
    stock::{PositionView, StockMovementView, StockView},
};
use serde_json::{Value, json};

use crate::{
    api::{Told, at, encoded, with_query},
    form::{Fields, number, object},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// Why a position is corrected by hand.
const REASONS: [&str; 4] = ["correction", "damage", "theft", "receipt"];

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage<'a> {
    f: &'a Frame,
    product: ProductBody,
    currency: String,
    stock: Option<StockView>,
    barcodes: Vec<BarcodeView>,
}

pub(crate) async fn product(visitor: Visitor, Path(sku): Path<String>) -> Shown {
    let product: ProductBody = visitor.need(at(&["products", &sku])).await?;
    let stock = visitor.see("read_stock", at(&["skus", &sku, "availability"])).await?;
    let barcodes: Page<BarcodeView> = visitor.need(at(&["products", &sku, "barcodes"])).await?;
    let currency = product.currency.to_string();
    visitor::page(&visitor, &ProductPage { f: &visitor.frame, product, currency, stock, barcodes: barcodes.items })
}

#[derive(Template)]
#[template(path = "position.html")]
struct PositionPage<'a> {
    f: &'a Frame,
    facility_id: String,
    sku: String,
    position: Option<PositionView>,
    bin: Option<BinBody>,
    movements: Vec<StockMovementView>,
    reasons: [&'static str; 4],
}

pub(crate) async fn position(visitor: Visitor, Path((facility_id, sku)): Path<(String, String)>) -> Shown {
    shown(visitor, facility_id, sku).await
}

async fn shown(mut visitor: Visitor, facility_id: String, sku: String) -> Shown {
    visitor.in_zone_of(&facility_id).await?;
    let position = visitor.see("read_stock", at(&["stock", &facility_id, &sku])).await?;
    let bin = visitor.see("read_stock", at(&["stock", &facility_id, &sku, "bin"])).await?;
    let movements: Page<StockMovementView> =
        visitor.need(with_query(&at(&["stock", &facility_id, &sku, "movements"]), &[("limit", "50")])).await?;
    let movements = movements.items;
    visitor::page(&visitor, &PositionPage { f: &visitor.frame, facility_id, sku, position, bin, movements, reasons: REASONS })
}

/// The position again.
async fn back(mut visitor: Visitor, told: Told<Value>, done: &str, facility_id: String, sku: String) -> Shown {
    match visitor.then(told, done, &format!("/console/stock/{}/{}", encoded(&facility_id), encoded(&sku)))? {
        Some(response) => Ok(response),
        None => shown(visitor, facility_id, sku).await,
    }
}

/// What somebody has counted on the shelf.
pub(crate) async fn count(visitor: Visitor, Path((facility_id, sku)): Path<(String, String)>, form: Fields) -> Shown {
    let body = json!({"on_hand": number(form.get("on_hand"))});
    let told = visitor.api.write(Method::PUT, &at(&["stock", &facility_id, &sku]), &[], &body).await;
    back(visitor, told, "counted", facility_id, sku).await
}

/// So many more, or fewer, for a reason.
pub(crate) async fn adjust(visitor: Visitor, Path((facility_id, sku)): Path<(String, String)>, form: Fields) -> Shown {
    let adjustment =
        json!({"facility_id": facility_id, "sku": sku, "quantity": number(form.get("quantity")), "reason": form.get("reason")});
    let told = visitor.api.post(at(&["stock", "adjustments"]), form.key(), &json!({"adjustments": [adjustment]})).await;
    back(visitor, told, "adjusted", facility_id, sku).await
}

/// Where it lies.
pub(crate) async fn bin(visitor: Visitor, Path((facility_id, sku)): Path<(String, String)>, form: Fields) -> Shown {
    let body = object(&[("bin", form.get("bin").into()), ("walk", number(form.get("walk")))]);
    let told = visitor.api.write(Method::PUT, &at(&["stock", &facility_id, &sku, "bin"]), &[], &body).await;
    back(visitor, told, "bin-kept", facility_id, sku).await
}
