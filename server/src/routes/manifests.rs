//! Handing over to carriers: what waits, scanning it onto manifests, and the manifests themselves.

use axum::{Json, extract::State};
use oms_api::{
    manifest::{HandoverScanBody, HandoverScanView, HandoverView, ManifestView, WaitingParcelView},
    page::Page,
    reader::{Fields, parsed, text},
};
use oms_domain::{barcode, error::ErrorCode, ids::FacilityId};
use oms_store::Manifest;
use uuid::Uuid;

use super::paging::limit;
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
};

/// Parcels that are shown to wait: a van takes fewer.
const WAITING_MAX: u32 = 500;
/// Longest id that can be one of ours.
const ID_MAX_CHARS: usize = 64;

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/handover", tag = "fulfillment", operation_id = "get_handover",
    params(("facility_id" = String, Path)),
    responses((status = 200, description = "Parcels with a label that are on no closed manifest, by carrier", body = HandoverView))
)]
pub(crate) async fn waiting(State(state): State<AppState>, InPath(facility_id): InPath<FacilityId>) -> Result<Json<HandoverView>, Failure> {
    let mut parcels = state.store.waiting_parcels(&facility_id, WAITING_MAX + 1).await?;
    let has_more = parcels.len() > WAITING_MAX as usize;
    parcels.truncate(WAITING_MAX as usize);
    let view = |parcel: oms_store::WaitingParcel| WaitingParcelView {
        parcel_id: parcel.parcel_id.to_string(),
        carrier: parcel.carrier,
        tracking_number: parcel.tracking_number,
        manifest_id: parcel.manifest_id,
    };
    Ok(Json(HandoverView { facility_id: facility_id.to_string(), parcels: parcels.into_iter().map(view).collect(), has_more }))
}

#[utoipa::path(
    post, path = "/v1/facilities/{facility_id}/handover/scans", tag = "fulfillment", operation_id = "scan_at_handover",
    params(("facility_id" = String, Path)), request_body = HandoverScanBody,
    responses((status = 200, description = "What came of it. Scanned twice, a parcel is on its manifest once", body = HandoverScanView))
)]
pub(crate) async fn scan(
    Acting(state): Acting,
    InPath(facility_id): InPath<FacilityId>,
    body: JsonBody,
) -> Result<Json<HandoverScanView>, Failure> {
    let HandoverScanBody { code } = body.read(HandoverScanBody::read)?;
    let new_id = Uuid::now_v7().to_string();
    let scan = state.store.scan_to_manifest(&facility_id, &barcode::normalised(&code), &new_id).await?;
    let parcel_id = scan.parcel_id.map(|id| id.to_string());
    Ok(Json(HandoverScanView { result: scan.result, parcel_id, carrier: scan.carrier, manifest_id: scan.manifest_id }))
}

#[utoipa::path(
    post, path = "/v1/manifests/{manifest_id}/close", tag = "fulfillment", operation_id = "close_manifest",
    params(("manifest_id" = String, Path)),
    responses((status = 200, description = "Nothing is scanned onto it any more. One that is closed stays as it was closed", body = ManifestView))
)]
pub(crate) async fn close(Acting(state): Acting, caller: Caller, InPath(id): InPath<String>) -> Result<Json<ManifestView>, Failure> {
    seen(&state, &caller, &id).await?;
    Ok(Json(convert::manifest(state.store.close_manifest(&id).await?.ok_or(ErrorCode::NotFound)?)))
}

#[utoipa::path(
    get, path = "/v1/manifests/{manifest_id}", tag = "fulfillment", operation_id = "get_manifest", params(("manifest_id" = String, Path)),
    responses((status = 200, description = "The manifest; until 90 days after it was begun", body = ManifestView))
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<ManifestView>, Failure> {
    Ok(Json(convert::manifest(seen(&state, &caller, &id).await?)))
}

/// A manifest elsewhere is none.
async fn seen(state: &AppState, caller: &Caller, id: &str) -> Result<Manifest, Failure> {
    let found = state.store.manifest(id).await?.filter(|found| caller.sees_facility(&found.facility_id));
    found.ok_or_else(|| ErrorCode::NotFound.into())
}

#[utoipa::path(
    get, path = "/v1/manifests", tag = "fulfillment", operation_id = "list_manifests",
    params(
        ("facility_id" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first", body = Page<ManifestView>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<ManifestView>>, Failure> {
    let (facility_id, before, limit) = params.read(|node| node.object(list_params))?;
    let page = state.store.manifests_page(facility_id.as_ref(), &caller.scope, before.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::manifest).collect(), page.next_cursor)))
}

fn list_params(fields: &Fields<'_>) -> Option<(Option<FacilityId>, Option<String>, u32)> {
    let (facility_id, before) = (fields.optional("facility_id", parsed), fields.optional("cursor", text(ID_MAX_CHARS)));
    Some((facility_id?, before?, limit(fields)?))
}
