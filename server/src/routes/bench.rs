//! The pack bench: scans are counted in the database; the last one packs, and has it shipped or wait for its customer.

use axum::{Json, extract::State};
use oms_api::fulfillment::{BenchLineView, BenchView, FulfillmentOrderView, ScanBody, ScanView};
use oms_domain::{
    barcode,
    bench::{BenchLine, ScanResult, Scanned, UNDO, counted, take},
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, OrderId, Sku},
    order::{FulfillmentRequest, Request},
    placed::DeliveryMethod,
};
use oms_store::PackSession;

use crate::{
    acting::Acting,
    caller::Caller,
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
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
    let found = views::fulfillment_order(&state, &id).await?;
    Ok(Json(bench(found, &state.store.pack_session(&id).await?)))
}

fn bench(found: FulfillmentOrderView, session: &PackSession) -> BenchView {
    let counts = counted(&session.scans);
    let is_packable = PACKABLE.iter().any(|status| status.name() == found.status);
    let count = |line_id: &str| counts.iter().find(|(known, _)| known.as_str() == line_id).map_or(0, |(_, units)| *units);
    let line = |line: &oms_api::fulfillment::FulfillmentLineView| BenchLineView {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity,
        // What is past counting is all there.
        counted: if is_packable { count(&line.line_id).min(line.quantity) } else { line.quantity },
    };
    let lines: Vec<BenchLineView> = found.lines.iter().map(line).collect();
    let is_complete = lines.iter().all(|line| line.counted == line.quantity);
    BenchView { fulfillment_order: found, lines, is_complete }
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
    let scanned = what(&state, &found, &code).await?;
    let sku = if let Scanned::Item { sku, .. } = &scanned { Some(sku.to_string()) } else { None };
    let is_packable = PACKABLE.iter().any(|status| status.name() == found.status);
    let lines = lines(&found)?;
    let (taken, session) = if is_packable || state.store.has_scan(&id, &scan_id).await? {
        state.store.take_scan(&id, &scan_id, |before| take(&lines, before, &scanned)).await?
    } else {
        let session = state.store.pack_session(&id).await?;
        return Ok(Json(ScanView { result: "not_now".to_owned(), sku, problem: None, bench: bench(found, &session) }));
    };
    let result = taken.result.name().to_owned();
    if taken.result != ScanResult::Complete {
        return Ok(Json(ScanView { result, sku, problem: None, bench: bench(found, &session) }));
    }
    let problem = finish(&state, &caller, &found, &id, session.session).await?;
    let packed = views::fulfillment_order(&state, &id).await?;
    let session = state.store.pack_session(&id).await?;
    Ok(Json(ScanView { result, sku, problem: problem.map(|failure| *failure.0), bench: bench(packed, &session) }))
}

fn lines(found: &FulfillmentOrderView) -> Result<Vec<BenchLine>, Failure> {
    let line = |line: &oms_api::fulfillment::FulfillmentLineView| {
        Some(BenchLine { line_id: line.line_id.parse().ok()?, sku: line.sku.parse().ok()?, quantity: line.quantity })
    };
    found.lines.iter().map(|known| line(known).ok_or_else(|| ErrorCode::Internal.into())).collect()
}

/// What a code stands for: a barcode, or a SKU as it is or as a scanner in capitals sends it.
async fn what(state: &AppState, found: &FulfillmentOrderView, code: &str) -> Result<Scanned, Failure> {
    let code = barcode::normalised(code);
    if code == UNDO {
        return Ok(Scanned::Undo);
    }
    if let Some(known) = state.store.barcode(&code).await? {
        return Ok(Scanned::Item { sku: known.sku, units: known.units });
    }
    let here = found.lines.iter().find(|line| line.sku.eq_ignore_ascii_case(&code)).and_then(|line| line.sku.parse().ok());
    let sku: Option<Sku> = match here {
        Some(sku) => Some(sku),
        None => match code.parse::<Sku>() {
            Ok(sku) => state.store.catalog().product(&sku).await?.map(|product| product.sku),
            Err(_) => None,
        },
    };
    Ok(sku.map_or(Scanned::Unknown, |sku| Scanned::Item { sku, units: 1 }))
}

/// Packs it, and then has it shipped or wait for its customer. Every command has an id that follows from the session, so that the last scan
/// sent twice is one. What is refused after packing leaves it packed.
async fn finish(
    state: &AppState,
    caller: &Caller,
    found: &FulfillmentOrderView,
    id: &FulfillmentOrderId,
    session: u64,
) -> Result<Option<Failure>, Failure> {
    let order_id = id.order_id().ok_or(ErrorCode::FulfillmentOrderNotFound)?;
    let of = Packing { state, order_id: &order_id, id, session };
    if [FulfillmentStatus::Released, FulfillmentStatus::Accepted].iter().any(|status| status.name() == found.status) {
        of.ask("start-picking", FulfillmentRequest::StartPicking { picker: caller.id.to_string() }).await?;
    }
    of.ask("pack", FulfillmentRequest::Pack { parcels: Vec::new() }).await?;
    state.store.end_pack_session(id, session).await?;
    let next = match found.delivery_method == DeliveryMethod::Pickup.as_str() {
        true => of.ask("ready", FulfillmentRequest::Ready { code_hash: None }).await,
        false => of.ask("ship", FulfillmentRequest::Ship { carrier: None, tracking_number: None }).await,
    };
    Ok(next.err())
}

/// What is being packed, and in which session.
struct Packing<'a> {
    state: &'a AppState,
    order_id: &'a OrderId,
    id: &'a FulfillmentOrderId,
    session: u64,
}

impl Packing<'_> {
    async fn ask(&self, word: &str, action: FulfillmentRequest) -> Result<(), Failure> {
        let request = Request::Fulfillment { fulfillment_order_id: self.id.clone(), action };
        let command_id = CommandId::kept(format!("bench:{}:{}:{word}", self.id, self.session));
        commands::run(self.state, self.order_id, command_id, request).await.map(drop)
    }
}
