//! What a second person lets through, and how much the first one may by themselves.

use axum::{Json, extract::State};
use jiff::Timestamp;
use oms_api::{
    approval::{ApprovalView, LimitBody, LimitView, LimitsView},
    nothing::NothingBody,
    page::Page,
    problem::Problem,
    reader::choice,
};
use oms_domain::{
    access::approval::{ApprovalStatus, refuse_decider},
    error::ErrorCode,
    money::Currency,
};
use oms_store::{Approval, GivingLimit};

use super::{
    actions::{Asked, actions},
    paging::{cursor, limit},
};
use crate::{
    acting::Acting,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/approvals", tag = "approvals", operation_id = "list_approvals",
    params(
        ("status" = Option<String>, Query, description = "`pending`, `approved`, `declined`, `used` or `expired`"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "Newest first", body = Page<ApprovalView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<ApprovalView>>, Failure> {
    let (status, cursor, limit) = params.read(|node| {
        node.object(|fields| {
            let status = fields.optional("status", choice(ApprovalStatus::NAMED));
            let (cursor, limit) = (cursor(fields), limit(fields));
            Some((status?, cursor?, limit?))
        })
    })?;
    let page = state.store.approvals_page(status, cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(view).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/approvals/{approval_id}", tag = "approvals", operation_id = "get_approval", params(("approval_id" = String, Path)),
    responses((status = 200, description = "What is asked, and what has become of it", body = ApprovalView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<String>) -> Result<Json<ApprovalView>, Failure> {
    Ok(Json(view(existing(&state, &id).await?)))
}

actions! {
    decide, "approvals", "/v1/approvals", "approval_id": String => ApprovalView, Refused;
    approve "approve" DecideApprovals NothingBody "Whoever asked may do just this, once, while the order is as it was";
    decline_approval "decline" DecideApprovals NothingBody "Whoever asked is told so";
}

/// The same decision again is the same.
async fn decide(asked: Asked<String>, word: &str) -> Result<Json<ApprovalView>, Failure> {
    let Asked { state, caller, id, body, .. } = asked;
    body.read(NothingBody::read)?;
    let wanted = if word == "approve" { ApprovalStatus::Approved } else { ApprovalStatus::Declined };
    let asked = existing(&state, &id).await?;
    refuse_decider(&caller, &asked.asked_by.actor)?;
    if let Some(decided) = state.store.decide_approval(&id, wanted == ApprovalStatus::Approved).await? {
        return Ok(Json(view(decided)));
    }
    let known = existing(&state, &id).await?;
    let status = known.status(Timestamp::now());
    if status == wanted && known.decided_by.as_ref().is_some_and(|by| by.actor.id == caller.id) {
        return Ok(Json(view(known)));
    }
    let problem = Problem::new(ErrorCode::IllegalTransition).detail("nobody decides about it any more");
    Err(Problem { current_status: Some(status.name().to_owned()), legal_actions: Some(Vec::new()), ..problem }.into())
}

async fn existing(state: &AppState, id: &str) -> Result<Approval, Failure> {
    Ok(state.store.approval(id).await?.ok_or(ErrorCode::ApprovalNotFound)?)
}

fn view(found: Approval) -> ApprovalView {
    ApprovalView {
        status: found.status(Timestamp::now()).name().to_owned(),
        approval_id: found.approval_id,
        kind: found.kind.name().to_owned(),
        order_id: found.order_id.map(String::from),
        order_version: found.order_version,
        what: found.what,
        amount_minor: found.amount_minor,
        currency: found.currency.map(|currency| currency.code().to_owned()),
        orders: found.orders,
        asked_by: found.asked_by.actor.into(),
        asked_at: found.asked_at,
        expires_at: found.expires_at,
        decided_by: found.decided_by.map(|by| by.actor.into()),
        decided_at: found.decided_at,
    }
}

#[utoipa::path(
    get, path = "/v1/limits", tag = "approvals", operation_id = "list_limits",
    responses((status = 200, description = "What each may give away without a second person; a currency that is not there has no limit", body = LimitsView))
)]
pub(crate) async fn limits(State(state): State<AppState>) -> Result<Json<LimitsView>, Failure> {
    let items = state.store.giving_limits().await?.into_iter().map(limit_view).collect();
    Ok(Json(LimitsView { items }))
}

#[utoipa::path(
    put, path = "/v1/limits/{currency}", tag = "approvals", operation_id = "put_limit", params(("currency" = String, Path)),
    request_body = LimitBody, responses((status = 200, description = "It holds from now on; what was given today counts", body = LimitView))
)]
pub(crate) async fn put_limit(Acting(state): Acting, InPath(currency): InPath<String>, body: JsonBody) -> Result<Json<LimitView>, Failure> {
    let currency: Currency = currency.parse().map_err(|error| Failure::path("currency", format!("{error}")))?;
    let LimitBody { per_day_minor, per_order_minor } = body.read(LimitBody::read)?;
    let limit = GivingLimit { currency, per_day_minor, per_order_minor };
    Ok(Json(limit_view(state.store.put_giving_limit(&limit).await?)))
}

fn limit_view(limit: GivingLimit) -> LimitView {
    LimitView { currency: limit.currency, per_day_minor: limit.per_day_minor, per_order_minor: limit.per_order_minor }
}
