//! Money: giving it back, another instrument, and what became of an operation of which the gateway does not speak.

use axum::{Json, http::StatusCode};
use oms_api::{
    order::{PaymentView, body::NewInstrumentBody, read_payment},
    problem::Problem,
    refund::{RefundBody, RefundView, read_refund},
    resolve_payment::{ResolvePaymentBody, read_resolve_payment},
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, PaymentId},
    order::{CorePayment, Request},
    placed::Instrument,
};
use oms_store::InstrumentSecrets;

use crate::{
    acting::Acting,
    caller::Caller,
    commands,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    state::AppState,
};

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/refunds", tag = "orders", operation_id = "refund_order", params(("order_id" = String, Path)), request_body = RefundBody,
    responses((status = 201, description = "It is owed back from now on, also after the order's end; the same id again is the same refund", body = RefundView))
)]
pub(crate) async fn refund(
    Acting(state): Acting,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, Json<RefundView>), Failure> {
    let (refund_id, request) = body.read(|node| read_refund(node, &id.made_up().to_string()))?;
    let order = commands::run(&state, &order_id, id, request).await?.order(&state).await?;
    let refund = order.refund(&refund_id).ok_or(ErrorCode::Internal)?;
    Ok((StatusCode::CREATED, Json(RefundView::of(&order, refund))))
}

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/payments", tag = "orders", operation_id = "add_payment", params(("order_id" = String, Path)), request_body = NewInstrumentBody,
    responses((status = 201, description = "The instrument pays what is missing; the same one again is tried again", body = PaymentView))
)]
pub(crate) async fn add_payment(
    Acting(state): Acting,
    caller: Caller,
    InPath(order_id): InPath<OrderId>,
    id: CommandId,
    body: JsonBody,
) -> Result<(StatusCode, Json<PaymentView>), Failure> {
    let instrument = body.read(|node| read_payment(node, &id.made_up().to_string()))?;
    caller.refuse_method(instrument.method)?;
    keep_secrets(&state, &order_id, &instrument).await?;
    let done = commands::run(&state, &order_id, id, Request::AddPayment { payment: CorePayment::of(&instrument) }).await?;
    let order = done.order(&state).await?;
    let payment = order.payments.iter().find(|known| known.payment_id == instrument.payment_id).ok_or(ErrorCode::Internal)?;
    Ok((StatusCode::CREATED, Json(PaymentView::from(payment))))
}

#[utoipa::path(
    post, path = "/v1/orders/{order_id}/payments/{payment_id}/operations/{number}/resolve", tag = "orders", operation_id = "resolve_payment",
    params(("order_id" = String, Path), ("payment_id" = String, Path), ("number" = u32, Path)), request_body = ResolvePaymentBody,
    responses((status = 200, description = "What became of it is known: it is not asked of the gateway any more. The same again is the same", body = PaymentView))
)]
pub(crate) async fn resolve_payment(
    Acting(state): Acting,
    InPath((order_id, payment_id, number)): InPath<(OrderId, PaymentId, u32)>,
    id: CommandId,
    body: JsonBody,
) -> Result<Json<PaymentView>, Failure> {
    let request = body.read(read_resolve_payment(payment_id.clone(), number))?;
    let order = commands::run(&state, &order_id, id, request).await?.order(&state).await?;
    Ok(Json(PaymentView::from(order.payment(&payment_id).ok_or(ErrorCode::Internal)?)))
}

/// What it is charged with goes to the store, and never through a workflow. An instrument keeps what it came with.
async fn keep_secrets(state: &AppState, order_id: &OrderId, instrument: &Instrument) -> Result<(), Failure> {
    let Some(token) = &instrument.token else { return Ok(()) };
    let placed = state.store.intake(order_id).await?.ok_or(ErrorCode::OrderNotFound)?.order;
    let same = match placed.payments.iter().find(|known| known.payment_id == instrument.payment_id) {
        Some(known) => known.token.as_ref() == Some(token) && known.three_d_secure == instrument.three_d_secure,
        None => {
            let secrets = InstrumentSecrets { token: token.clone().into(), three_d_secure: instrument.three_d_secure.clone() };
            state.store.put_instrument(order_id, &instrument.payment_id, &secrets).await? != oms_store::Instrument::Other
        }
    };
    let other =
        "this payment_id belongs to an instrument with another token, or another proof of 3-D Secure: give the new one an id of its own";
    if same { Ok(()) } else { Err(Problem::new(ErrorCode::RefusedByRule).detail(other).into()) }
}
