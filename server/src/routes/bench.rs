//! The pack bench: scans are counted in the database; the last one packs, and has it shipped or wait for its customer.

use axum::{Json, extract::State};
use oms_api::fulfillment::{BenchLineView, BenchView, FulfillmentOrderView, ScanBody, ScanView};
use oms_domain::{
    barcode,
    bench::{BenchLine, KEEP, LET_GO, PACK, ScanResult, Scanned, UNDO, counted, take},
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, Sku},
};
use oms_store::PackSession;

use crate::{
    acting::Acting,
    caller::Caller,
    extract::{InPath, JsonBody},
    failure::Failure,
    packing::Packing,
    state::AppState,
    views,
};

/// What can be packed. What was only just released is begun by its first scan.
const PACKABLE: [FulfillmentStatus; 3] = [FulfillmentStatus::Released, FulfillmentStatus::Accepted, FulfillmentStatus::Picking];

#[utoipa::path(
    get, path = "/v1/fulfillment-orders/{fulfillment_order_id}/bench", tag = "fulfillment", operation_id = "get_bench",
    params(("fulfillment_order_id" = String, Path)),
    responses((status = 200, description = "What is packed, and how much of it was scanned so far, at whichever bench", body = BenchView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<FulfillmentOrderId>) -> Result<Json<BenchView>, Failure> {
    Ok(Json(bench(&state, &id).await?))
}

/// The bench as it is now.
async fn bench(state: &AppState, id: &FulfillmentOrderId) -> Result<BenchView, Failure> {
    let found = views::fulfillment_order(state, id).await?;
    Ok(view(found, &state.store.pack_session(id).await?))
}

fn view(found: FulfillmentOrderView, session: &PackSession) -> BenchView {
    let counts = counted(&session.scans);
    let is_packable = is_packable(&found);
    let count = |line_id: &str| counts.iter().find(|(known, _)| known.as_str() == line_id).map_or(0, |(_, units)| *units);
    let line = |line: &oms_api::fulfillment::FulfillmentLineView| BenchLineView {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
        // What is past counting is all there.
        counted: if is_packable { count(&line.line_id).min(line.quantity) } else { line.quantity },
        surplus: if is_packable { count(&line.line_id).saturating_sub(line.quantity) } else { 0 },
    };
    let lines: Vec<BenchLineView> = found.lines.iter().map(line).collect();
    let is_complete = lines.iter().all(|line| line.counted == line.quantity);
    BenchView { fulfillment_order: found, lines, is_complete, is_packable }
}

fn is_packable(found: &FulfillmentOrderView) -> bool {
    PACKABLE.iter().any(|status| status.name() == found.status)
}

/// Whether the customer wants it otherwise, and nobody here has answered.
fn is_stopped(found: &FulfillmentOrderView) -> bool {
    !found.cancellation_requested.is_empty() || found.change_requested.as_ref().is_some_and(|asked| !asked.agreed)
}

#[utoipa::path(
    post, path = "/v1/fulfillment-orders/{fulfillment_order_id}/scans", tag = "fulfillment", operation_id = "scan",
    params(("fulfillment_order_id" = String, Path)), request_body = ScanBody,
    responses((status = 200, description = "What came of it: counted, and with the last unit packed and on its way; or not what is packed here, \
        which changes nothing", body = ScanView))
)]
pub(crate) async fn scan(
    Acting(state): Acting,
    caller: Caller,
    InPath(id): InPath<FulfillmentOrderId>,
    body: JsonBody,
) -> Result<Json<ScanView>, Failure> {
    let ScanBody { scan_id, code } = body.read(ScanBody::read)?;
    let found = views::fulfillment_order(&state, &id).await?;
    let code = barcode::normalised(&code);
    let packing = Packing::of(&state, &found, &id)?;
    if code == LET_GO || code == KEEP {
        packing.answer(&scan_id, code == LET_GO).await?;
        let result = if code == LET_GO { ScanResult::LetGo } else { ScanResult::Kept };
        return Ok(Json(told(result, bench(&state, &id).await?)));
    }
    // What was taken before is answered as it was, whatever has become of the order meanwhile.
    if let Some(refused) = refused(&found)
        && !state.store.has_scan(&id, &scan_id).await?
    {
        return Ok(Json(told(refused, bench(&state, &id).await?)));
    }
    let scanned = what(&state, &found, &code).await?;
    let sku = if let Scanned::Item { sku, .. } = &scanned { Some(sku.to_string()) } else { None };
    let lines = lines(&found)?;
    let (taken, session) = state.store.take_scan(&id, &scan_id, |before| take(&lines, before, &scanned)).await?;
    if taken.result != ScanResult::Complete {
        return Ok(Json(ScanView { sku, ..told(taken.result, view(found.clone(), &session)) }));
    }
    let problem = packing.finish(caller.id.as_str(), session.session).await?;
    let problem = problem.map(|failure| *failure.0);
    Ok(Json(ScanView { sku, problem, ..told(taken.result, bench(&state, &id).await?) }))
}

fn told(result: ScanResult, bench: BenchView) -> ScanView {
    ScanView { result: result.name().to_owned(), sku: None, problem: None, bench }
}

/// Why nothing can be counted now.
fn refused(found: &FulfillmentOrderView) -> Option<ScanResult> {
    if found.status == FulfillmentStatus::Cancelled.name() {
        return Some(ScanResult::Cancelled);
    }
    if !is_packable(found) {
        return Some(ScanResult::NotNow);
    }
    is_stopped(found).then_some(ScanResult::Stopped)
}

fn lines(found: &FulfillmentOrderView) -> Result<Vec<BenchLine>, Failure> {
    let line = |line: &oms_api::fulfillment::FulfillmentLineView| {
        Some(BenchLine { line_id: line.line_id.parse().ok()?, sku: line.sku.parse().ok()?, quantity: line.quantity })
    };
    found.lines.iter().map(|known| line(known).ok_or_else(|| ErrorCode::Internal.into())).collect()
}

/// What a code stands for: a barcode, or a SKU as it is or as a scanner in capitals sends it.
async fn what(state: &AppState, found: &FulfillmentOrderView, code: &str) -> Result<Scanned, Failure> {
    match code {
        UNDO => return Ok(Scanned::Undo),
        PACK => return Ok(Scanned::Pack),
        _ => {}
    }
    if let Some(known) = state.store.barcode(code).await? {
        return Ok(Scanned::Item { sku: known.sku, units: known.units });
    }
    let here = found.lines.iter().find(|line| line.sku.eq_ignore_ascii_case(code)).and_then(|line| line.sku.parse().ok());
    let sku: Option<Sku> = match here {
        Some(sku) => Some(sku),
        None => match code.parse::<Sku>() {
            Ok(sku) => state.store.catalog().product(&sku).await?.map(|product| product.sku),
            Err(_) => None,
        },
    };
    Ok(sku.map_or(Scanned::Unknown, |sku| Scanned::Item { sku, units: 1 }))
}
