//! What companies outside say unasked. They show no key: what they say is signed, and is kept before they have the answer.

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use oms_api::{problem::Problem, provider::WebhookView};
use oms_domain::{
    access::By,
    error::ErrorCode,
    ids::ProviderId,
    webhook::{WebhookFact, WebhookFlaw},
};
use oms_store::CarrierEvent;

use crate::{extract::InPath, failure::Failure, state::AppState};

/// No webhook is anywhere near as large.
const BODY_MAX_BYTES: usize = 256 * 1024;

#[utoipa::path(
    post, path = "/v1/webhooks/{provider_id}", tag = "adapters", operation_id = "receive_webhook",
    params(("provider_id" = String, Path, description = "The adapter, as the configuration names it")),
    request_body(content = serde_json::Value, description = "As the provider sends it, with its signature in its own header"),
    responses(
        (status = 200, description = "How much of it counts: it is kept, and what was said before is the same", body = WebhookView),
        (status = 401, description = "It is not signed with the secret of this webhook, or was too long ago", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "What it is about cannot be looked up now: it is to be sent again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn receive(
    State(state): State<AppState>,
    InPath(provider_id): InPath<ProviderId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<WebhookView>, Failure> {
    let read = state.webhooks.of(&provider_id).ok_or(ErrorCode::NotFound)?.clone();
    if body.len() > BODY_MAX_BYTES {
        return Err(ErrorCode::BodyTooLarge.into());
    }
    let facts = read(headers, body).await.map_err(refused)?;
    let said = facts.len();
    let (scans, reports): (Vec<_>, Vec<_>) = facts.into_iter().partition(|fact| matches!(fact, WebhookFact::Scan { .. }));
    let scans: Vec<CarrierEvent> = scans.into_iter().filter_map(|scan| carrier_event(&provider_id, scan)).collect();
    if !scans.is_empty() {
        state.relay.accept(&scans).await?;
    }
    for report in reports {
        if let WebhookFact::Gateway(report) = report {
            state.store.accept_gateway_event(&provider_id, &report).await?;
            state.relay.nudge();
        }
    }
    Ok(Json(WebhookView { accepted: u32::try_from(said).unwrap_or(u32::MAX) }))
}

fn refused(flaw: WebhookFlaw) -> Failure {
    let code = match flaw {
        WebhookFlaw::Unsigned | WebhookFlaw::Forged | WebhookFlaw::Old => ErrorCode::Unauthenticated,
        WebhookFlaw::NoSecret | WebhookFlaw::Later => ErrorCode::Unavailable,
        WebhookFlaw::Unreadable => ErrorCode::MalformedBody,
    };
    Problem::new(code).detail(flaw.to_string()).into()
}

/// Told by the provider, which is no account.
fn carrier_event(provider_id: &ProviderId, scan: WebhookFact) -> Option<CarrierEvent> {
    let WebhookFact::Scan { event_id, carrier, tracking_number, action, occurred_at } = scan else { return None };
    let by = By::provider(provider_id);
    Some(CarrierEvent { event_id, carrier, tracking_number, status: action.name().to_owned(), occurred_at, by: Some(by) })
}
