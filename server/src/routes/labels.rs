//! Labels: to be printed, and those of which the carrier does not speak.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use oms_api::{
    fulfillment::{FulfillmentOrderView, LabelPrintView},
    page::Page,
    problem::Problem,
    reader::{Fields, choice},
    resolve_label::{ResolveLabelBody, read_resolve_label},
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, ParcelId, ReturnId},
    label::LabelFormat,
    order::Request,
    parcel::ParcelStatus,
};

use crate::{
    acting::Acting,
    commands, convert,
    extract::{CommandId, InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
    views::{self, Shown},
};

/// How often the label was fetched by now.
const PRINT_NUMBER: HeaderName = HeaderName::from_static("label-print-number");

#[utoipa::path(
    post, path = "/v1/parcels/{parcel_id}/label/resolve", tag = "fulfillment", operation_id = "resolve_label", request_body = ResolveLabelBody,
    params(("parcel_id" = String, Path)),
    responses((status = 200, description = "What became of it is known: the carrier is not asked to void it any more. The same again is the same", body = FulfillmentOrderView))
)]
pub(crate) async fn resolve(
    Acting(state): Acting,
    InPath(parcel_id): InPath<ParcelId>,
    id: CommandId,
    body: JsonBody,
) -> Result<Response, Failure> {
    let (outcome, reason) = body.read(read_resolve_label)?;
    let found = parcel_id.fulfillment_order_id().ok_or(ErrorCode::NotFound)?;
    let order_id = found.order_id().ok_or(ErrorCode::NotFound)?;
    commands::run(&state, &order_id, id, Request::ResolveLabel { parcel_id, outcome, reason }).await?;
    views::show(&state, &Shown::FulfillmentOrder(found)).await
}

#[utoipa::path(
    get, path = "/v1/parcels/{parcel_id}/label", tag = "fulfillment", operation_id = "print_label",
    params(("parcel_id" = String, Path), ("format" = Option<String>, Query, description = "`pdf` (unless said), `png` or `zpl`")),
    responses(
        (status = 200, description = "The document that the parcel's label is printed from. Each time counts as a print: `Label-Print-Number` says which",
            content((String = "application/pdf"), (String = "image/png"), (String = "application/zpl"))),
        (status = 404, description = "The parcel has no label of the carrier's, or none in this format", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn print(Acting(state): Acting, InPath(parcel_id): InPath<ParcelId>, params: Params) -> Result<Response, Failure> {
    let format = params.read(|node| node.object(format))?;
    let found = parcel_id.fulfillment_order_id().ok_or(ErrorCode::NotFound)?;
    let order_id = found.order_id().ok_or(ErrorCode::NotFound)?;
    let order = views::existing(&state, &order_id).await?;
    let parcels = order.iter().flat_map(|order| &order.fulfillment_orders).flat_map(|part| &part.parcels);
    let parcel = parcels.into_iter().find(|parcel| parcel.parcel_id == parcel_id);
    let labelled = parcel.filter(|parcel| parcel.tracking_number.is_some() && parcel.status != ParcelStatus::Voided);
    labelled.ok_or_else(|| missing("the parcel has no label"))?;
    printed(&state, &order_id, parcel_id.as_str(), format).await
}

#[utoipa::path(
    get, path = "/v1/parcels/{parcel_id}/label/prints", tag = "fulfillment", operation_id = "list_label_prints",
    params(("parcel_id" = String, Path)),
    responses((status = 200, description = "Who fetched the label to print it: the last hundred times, the latest first", body = Page<LabelPrintView>))
)]
pub(crate) async fn prints(
    State(state): State<AppState>,
    InPath(parcel_id): InPath<ParcelId>,
) -> Result<Json<Page<LabelPrintView>>, Failure> {
    let prints = state.store.label_prints(parcel_id.as_str()).await?;
    Ok(Json(Page::whole(prints.into_iter().map(convert::label_print).collect())))
}

#[utoipa::path(
    get, path = "/v1/returns/{return_id}/label", tag = "returns", operation_id = "print_return_label",
    params(("return_id" = String, Path), ("format" = Option<String>, Query, description = "`pdf` (unless said), `png` or `zpl`")),
    responses(
        (status = 200, description = "The document that the customer's label is printed from. Each time counts as a print: `Label-Print-Number` says which",
            content((String = "application/pdf"), (String = "image/png"), (String = "application/zpl"))),
        (status = 404, description = "The return has no label, or none in this format", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn print_of_return(
    Acting(state): Acting,
    InPath(return_id): InPath<ReturnId>,
    params: Params,
) -> Result<Response, Failure> {
    let format = params.read(|node| node.object(format))?;
    let found = state.starter.return_of(&return_id).await?.ok_or(ErrorCode::ReturnNotFound)?;
    let label = found.label.as_ref().filter(|label| !label.voided);
    label.ok_or_else(|| missing("the return has no label"))?;
    printed(&state, &found.core.order_id, return_id.as_str(), format).await
}

fn format(fields: &Fields<'_>) -> Option<LabelFormat> {
    Some(fields.optional("format", choice(LabelFormat::NAMED))?.unwrap_or(LabelFormat::Pdf))
}

fn missing(what: &str) -> Failure {
    Problem::new(ErrorCode::NotFound).detail(what).into()
}

/// The document, once it is noted who has it.
async fn printed(state: &AppState, order_id: &OrderId, label_of: &str, format: LabelFormat) -> Result<Response, Failure> {
    let document = state.store.label(order_id, label_of, format).await?;
    let none = || missing("there is no such document: the label is of one's own, or the carrier gives none in this format");
    let document = document.ok_or_else(none)?;
    let number = state.store.note_print(label_of, format).await?;
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{label_of}.{}\"", format.name())),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (PRINT_NUMBER, number.to_string()),
    ];
    Ok((headers, document.bytes).into_response())
}
