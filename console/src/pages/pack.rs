//! The pack bench, by scanner alone: what is scanned is counted on the server, and nothing is shown as done before it says so.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Redirect},
};
use oms_api::{
    barcode::BarcodeView,
    facility::FacilityBody,
    find::FoundView,
    fulfillment::{BenchView, FulfillmentOrderSummary, ScanView},
    page::Page,
};
use oms_domain::{
    barcode,
    bench::{KEEP, LET_GO, PACK, UNDO},
    fulfillment::FulfillmentStatus,
    order::RejectionReason,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::find::all_facilities;
use crate::{
    api::{Told, at, encoded, with_query},
    form::{Fields, number},
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
    stop: &'static str,
    reasons: Vec<&'static str>,
    undo: &'static str,
    pack: &'static str,
    /// Codes that answer a customer.
    answers: [&'static str; 2],
}

impl Bench<'_> {
    fn topics(&self) -> String {
        format!("fulfillment_order:{}", self.b.fulfillment_order.fulfillment_order_id)
    }
}

#[derive(Template)]
#[template(path = "bench_part.html")]
struct BenchPart<'a> {
    f: &'a Frame,
    b: BenchView,
    facility: String,
    scan: Option<ScanView>,
    stop: &'static str,
    reasons: Vec<&'static str>,
    pack: &'static str,
    /// Codes that answer a customer.
    answers: [&'static str; 2],
}

/// What keeps a bench from going on, in a word; nothing does when it is empty.
fn stop(b: &BenchView) -> &'static str {
    let part = &b.fulfillment_order;
    if part.status == FulfillmentStatus::Cancelled.name() {
        return "cancelled";
    }
    let is_change_asked = part.change_requested.as_ref().is_some_and(|asked| !asked.agreed);
    match (b.is_packable, part.cancellation_requested.is_empty(), is_change_asked) {
        (true, false, _) => "cancellation",
        (true, true, true) => "change",
        (false, ..) | (true, true, false) => "",
    }
}

pub(crate) async fn bench(visitor: Visitor, Path(id): Path<String>, Query(Place { facility }): Query<Place>, headers: HeaderMap) -> Shown {
    as_it_is(visitor, &id, facility, is_script(&headers)).await
}

/// A script asks for the part of the page that changes.
fn is_script(headers: &HeaderMap) -> bool {
    headers.contains_key("x-scan")
}

async fn as_it_is(mut visitor: Visitor, id: &str, facility: String, is_script: bool) -> Shown {
    let b: BenchView = visitor.need(at(&["fulfillment-orders", id, "bench"])).await?;
    if let Some(facility) = b.fulfillment_order.facility_id.clone() {
        visitor.in_zone_of(&facility).await?;
    }
    shown(&visitor, b, facility, None, is_script)
}

/// A scan: a script gets the part of the page that has changed, a form the whole page. It has an id of its own, so that it needs no key: one
/// that a server has taken along to its end would have to be waited for.
pub(crate) async fn scan(mut visitor: Visitor, Path(id): Path<String>, headers: HeaderMap, form: Fields) -> Shown {
    let body = json!({"scan_id": form.get("scan_id"), "code": form.get("code")});
    let (facility, is_script) = (form.get("facility").to_owned(), is_script(&headers));
    let told = visitor.api.write::<ScanView>(Method::POST, &at(&["fulfillment-orders", &id, "scans"]), &[], &body).await;
    match told {
        Ok(scan) => {
            if !facility.is_empty() {
                visitor.in_zone_of(&facility).await?;
            }
            shown(&visitor, scan.bench.clone(), facility, Some(scan), is_script)
        }
        // It goes on waiting, and is sent again.
        Err(problem) if is_script && (problem.retryable || problem.status >= 500) => {
            Ok((StatusCode::SERVICE_UNAVAILABLE, problem.title.clone()).into_response())
        }
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            as_it_is(visitor, &id, facility, is_script).await
        }
    }
}

/// Fewer are there: the rest looks for another facility, and the bench goes on with what is there.
pub(crate) async fn short(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let line = json!({"line_id": form.get("line_id"), "quantity_short": number(form.get("quantity_short"))});
    let body = json!({"reason": form.get("reason"), "lines": [line]});
    let told = pick_short(&visitor, &id, form.key(), &body).await;
    let page = with_query(&format!("/console/pack/{}", encoded(&id)), &[("facility", form.get("facility"))]);
    match visitor.then(told, "short-picked", &page)? {
        Some(response) => Ok(response),
        None => as_it_is(visitor, &id, form.get("facility").to_owned(), false).await,
    }
}

/// What nobody has begun is begun first: nobody misses what they have not looked for.
async fn pick_short(visitor: &Visitor, id: &str, key: &str, body: &Value) -> Told<Value> {
    let b: BenchView = visitor.api.get(at(&["fulfillment-orders", id, "bench"])).await?;
    if b.is_packable && b.fulfillment_order.status != FulfillmentStatus::Picking.name() {
        let begin = json!({"picker": visitor.frame.id()});
        visitor.api.post::<Value>(at(&["fulfillment-orders", id, "start-picking"]), &format!("{key}-begin"), &begin).await?;
    }
    visitor.api.post(at(&["fulfillment-orders", id, "short-pick"]), key, body).await
}

fn shown(visitor: &Visitor, b: BenchView, facility: String, scan: Option<ScanView>, is_script: bool) -> Shown {
    let (f, stop) = (&visitor.frame, stop(&b));
    let reasons = RejectionReason::NAMED.iter().map(|(name, _)| *name).collect();
    let (pack, answers) = (PACK, [LET_GO, KEEP]);
    match is_script {
        true => visitor::page(visitor, &BenchPart { f, b, facility, scan, stop, reasons, pack, answers }),
        false => visitor::page(visitor, &Bench { f, b, facility, scan, stop, reasons, undo: UNDO, pack, answers }),
    }
}
