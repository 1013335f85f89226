//! One search over everything that has a name.

use axum::{Json, extract::State};
use oms_api::{find::FoundView, page::Page, reader::text};
use oms_domain::{access::Permission, barcode};

use crate::{caller::Caller, extract::Params, failure::Failure, state::AppState};

/// Kinds of things, each with what whoever sees it may.
const KINDS: [(&str, Permission); 7] = [
    ("order", Permission::FindOrders),
    ("fulfillment_order", Permission::ReadFulfillment),
    ("return", Permission::ReadReturns),
    ("picklist", Permission::WorkFulfillment),
    ("manifest", Permission::WorkFulfillment),
    ("product", Permission::ReadCatalog),
    ("facility", Permission::ReadCatalog),
];
const TEXT_MAX_CHARS: usize = 200;

#[utoipa::path(
    get, path = "/v1/find", tag = "orders", operation_id = "find",
    params(("q" = String, Query, description = "An order by its id, number or another system's id, a fulfillment order, parcel, tracking number, return, \
        picklist, manifest, SKU, barcode, the beginning of a product's title, a facility, a customer's id, e-mail address, phone number, postal \
        code, or whole words of their name")),
    responses((status = 200, description = "What is called so, of the kinds that the caller may read: orders first; 50 at most", body = Page<FoundView>))
)]
pub(crate) async fn find(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<FoundView>>, Failure> {
    let wanted = params.read(|node| node.object(|fields| fields.required("q", text(TEXT_MAX_CHARS))))?;
    let kinds: Vec<&str> = KINDS.iter().filter(|(_, permission)| caller.may(*permission)).map(|(kind, _)| *kind).collect();
    let found = state.store.find(&wanted, &barcode::normalised(&wanted), &kinds, &caller.scope).await?;
    let view = |found: oms_store::Found| FoundView {
        kind: found.kind,
        id: found.id,
        order_id: found.order_id.map(|id| id.to_string()),
        facility_id: found.facility_id,
        status: found.status,
        title: found.title,
    };
    Ok(Json(Page::whole(found.into_iter().map(view).collect())))
}
