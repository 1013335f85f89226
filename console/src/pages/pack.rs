//! The pack bench, by scanner alone: what is scanned is counted on the server, and nothing is shown as done before it says so.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use oms_api::{
    barcode::BarcodeView,
    facility::FacilityBody,
    find::FoundView,
    fulfillment::{BenchView, FulfillmentOrderSummary, ScanView},
    page::Page,
};
use oms_domain::{barcode, bench::UNDO};
use serde::Deserialize;
use serde_json::json;

use super::find::all_facilities;
use crate::{
    api::{at, encoded, with_query},
    form::Fields,
    frame::{Frame, Shown, Stop},
    visitor::{self, Visitor},
};

/// What can still be packed.
const PACKABLE: &str = "released,accepted,picking";

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Place {
    facility: String,
}

#[derive(Template)]
#[template(path = "pack.html")]
struct Start<'a> {
    f: &'a Frame,
    facilities: Vec<FacilityBody>,
    facility: String,
    /// What was scanned and leads nowhere.
    nothing: Option<String>,
}

/// A bench that waits for something to pack.
pub(crate) async fn start(visitor: Visitor, Query(Place { facility }): Query<Place>) -> Shown {
    waiting(&visitor, facility, None).await
}

async fn waiting(visitor: &Visitor, facility: String, nothing: Option<String>) -> Shown {
    let facilities = all_facilities(visitor).await?;
    let facility = match (facility.is_empty(), facilities.as_slice()) {
        (true, [only]) => only.facility_id.to_string(),
        _ => facility,
    };
    visitor::page(visitor, &Start { f: &visitor.frame, facilities, facility, nothing })
}

/// Opens what was scanned: an order, a part of one, a tote's paper, or a product, for the soonest order that needs it.
pub(crate) async fn open(visitor: Visitor, form: Fields) -> Shown {
    let (code, facility) = (form.get("code"), form.get("facility"));
    if !code.is_empty()
        && let Some(part) = meant(&visitor, code, facility).await?
    {
        return Ok(Redirect::to(&with_query(&format!("/console/pack/{}", encoded(&part)), &[("facility", facility)])).into_response());
    }
    waiting(&visitor, facility.to_owned(), Some(code.to_owned()).filter(|code| !code.is_empty())).await
}

async fn meant(visitor: &Visitor, code: &str, facility: &str) -> Result<Option<String>, Stop> {
    let found: Page<FoundView> = visitor.need(with_query(&at(&["find"]), &[("q", code)])).await?;
    let is_here = |hit: &FoundView| facility.is_empty() || hit.facility_id.as_deref() == Some(facility);
    let is_open = |hit: &FoundView| hit.status.as_deref().is_some_and(|status| PACKABLE.split(',').any(|known| known == status));
    let parts: Vec<&FoundView> = found.items.iter().filter(|hit| hit.kind == "fulfillment_order" && is_here(hit)).collect();
    if let Some(part) = parts.iter().find(|hit| is_open(hit)).or_else(|| parts.iter().find(|hit| hit.id == code)) {
        return Ok(Some(part.id.clone()));
    }
    let code = barcode::normalised(code);
    let product = match found.items.iter().find(|hit| hit.kind == "product") {
        Some(product) => Some(product.id.clone()),
        None => visitor.see::<BarcodeView>("read_catalog", at(&["barcodes", &code])).await?.map(|known| known.sku.to_string()),
    };
    let Some(sku) = product else { return Ok(None) };
    let query = [("facility_id", facility), ("status", PACKABLE), ("sku", &sku), ("expand", "fulfillment_order"), ("limit", "20")];
    let queue: Page<FulfillmentOrderSummary> = visitor.need(with_query(&at(&["fulfillment-orders"]), &query)).await?;
    let has_it =
        |row: &&FulfillmentOrderSummary| row.fulfillment_order.as_ref().is_some_and(|part| part.lines.iter().any(|line| line.sku == sku));
    Ok(queue.items.iter().find(has_it).map(|row| row.fulfillment_order_id.clone()))
}

#[derive(Template)]
#[template(path = "bench.html")]
struct Bench<'a> {
    f: &'a Frame,
    b: BenchView,
    facility: String,
    scan: Option<ScanView>,
    undo: &'static str,
}

#[derive(Template)]
#[template(path = "bench_part.html")]
struct BenchPart<'a> {
    f: &'a Frame,
    b: BenchView,
    facility: String,
    scan: Option<ScanView>,
}

pub(crate) async fn bench(mut visitor: Visitor, Path(id): Path<String>, Query(Place { facility }): Query<Place>) -> Shown {
    let b: BenchView = visitor.need(at(&["fulfillment-orders", &id, "bench"])).await?;
    if let Some(facility) = b.fulfillment_order.facility_id.clone() {
        visitor.in_zone_of(&facility).await?;
    }
    visitor::page(&visitor, &Bench { f: &visitor.frame, b, facility, scan: None, undo: UNDO })
}

/// A scan: a script gets the part of the page that has changed, a form the whole page.
pub(crate) async fn scan(mut visitor: Visitor, Path(id): Path<String>, headers: HeaderMap, form: Fields) -> Shown {
    let body = json!({"scan_id": form.get("scan_id"), "code": form.get("code")});
    let facility = form.get("facility").to_owned();
    let told = visitor.api.post::<ScanView>(at(&["fulfillment-orders", &id, "scans"]), form.get("scan_id"), &body).await;
    let is_script = headers.contains_key("x-scan");
    if !facility.is_empty() {
        visitor.in_zone_of(&facility).await?;
    }
    let scan = match told {
        Ok(scan) => scan,
        // It goes on waiting, and is sent again.
        Err(problem) if is_script && (problem.retryable || problem.status >= 500) => {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, problem.title.clone()).into_response());
        }
        Err(problem) => {
            let b: BenchView = visitor.need(at(&["fulfillment-orders", &id, "bench"])).await?;
            visitor.frame.problem = Some(problem);
            return shown(&visitor, b, facility, None, is_script);
        }
    };
    shown(&visitor, scan.bench.clone(), facility, Some(scan), is_script)
}

fn shown(visitor: &Visitor, b: BenchView, facility: String, scan: Option<ScanView>, is_script: bool) -> Shown {
    let f = &visitor.frame;
    let response: Response = match is_script {
        true => visitor::page(visitor, &BenchPart { f, b, facility, scan })?,
        false => visitor::page(visitor, &Bench { f, b, facility, scan, undo: UNDO })?,
    };
    Ok(response)
}
