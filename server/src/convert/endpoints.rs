//! Endpoints, and what became of what was sent there.

use jiff::SignedDuration;
use oms_api::{
    endpoint::{DeadEventView, DeliveryView, EndpointSecretView, EndpointView},
    inlet::{InletMessageView, InletView},
};
use oms_domain::endpoint::DISABLED_AFTER;

use super::feed_kind;

pub(crate) fn endpoint(found: oms_store::EndpointState) -> EndpointView {
    let endpoint = found.endpoint;
    let types: Vec<String> = endpoint.filter.types.iter().map(|kind| kind.name().to_owned()).collect();
    let disabled_after = SignedDuration::try_from(DISABLED_AFTER).unwrap_or_default();
    EndpointView {
        endpoint_id: endpoint.endpoint_id.to_string(),
        name: endpoint.name,
        url: endpoint.url,
        types: Some(types).filter(|types| !types.is_empty()),
        facilities: endpoint.filter.facilities.map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: endpoint.filter.channels.map(|channels| channels.into_iter().collect()),
        ordering: endpoint.ordering.name().to_owned(),
        status: endpoint.status.name().to_owned(),
        disabled_because: endpoint.disabled_because,
        created_at: endpoint.created_at,
        lag_s: found.lag_s,
        held_back: found.held_back,
        dead_letters: found.dead_letters,
        delivered: endpoint.delivered,
        failed: endpoint.failed,
        last_delivered_at: endpoint.last_delivered_at,
        last_failed_at: endpoint.last_failed_at,
        last_failure: endpoint.last_failure,
        disabled_at: endpoint.failing_since.and_then(|since| since.checked_add(disabled_after).ok()),
        secrets: found.secrets.into_iter().map(endpoint_secret).collect(),
    }
}

/// Without what it is.
pub(crate) fn endpoint_secret(found: oms_store::EndpointSecret) -> EndpointSecretView {
    EndpointSecretView { secret_id: found.secret_id, secret: None, created_at: found.created_at, expires_at: found.expires_at }
}

pub(crate) fn delivery(found: oms_store::DeliveryRow) -> DeliveryView {
    DeliveryView {
        delivery_id: found.delivery_id,
        at: found.at,
        event_id: found.event_id,
        subject: found.subject,
        kind: found.kind,
        attempt: found.attempt,
        delivered: found.delivered,
        status: found.status,
        took_ms: found.took_ms,
        answer: found.answer,
    }
}

pub(crate) fn dead_event(found: oms_store::DeadEvent) -> DeadEventView {
    DeadEventView {
        event_id: found.event_id,
        subject: found.subject,
        kind: found.kind,
        attempts: found.attempts,
        why: found.failure,
        dead_at: found.dead_at,
    }
}

pub(crate) fn inlet(found: oms_store::Inlet) -> InletView {
    InletView {
        path: format!("/v1/inlets/{}/messages", found.inlet_id),
        inlet_id: found.inlet_id.to_string(),
        name: found.name,
        kind: feed_kind(found.kind).to_owned(),
        mapping: found.mapping,
        mapping_version: found.mapping_version,
        created_at: found.created_at,
        source: found.source,
        fetched_at: found.fetched_at,
        failing_since: found.failing_since,
        last_failure: found.last_failure,
        behind_since: found.behind_since,
        refused: found.refused,
        open: found.open,
        secrets: found.secrets.into_iter().map(inlet_secret).collect(),
    }
}

/// Without what it is.
pub(crate) fn inlet_secret(found: oms_store::InletSecret) -> EndpointSecretView {
    EndpointSecretView { secret_id: found.secret_id, secret: None, created_at: found.created_at, expires_at: found.expires_at }
}

pub(crate) fn inlet_message(found: oms_store::InletMessage) -> InletMessageView {
    let status = match found.status {
        oms_store::MessageStatus::Taken => "taken",
        oms_store::MessageStatus::Applied => "applied",
        oms_store::MessageStatus::Refused => "refused",
    };
    InletMessageView {
        message_id: found.message_id,
        received_at: found.received_at,
        sent_at: found.sent_at,
        object: found.object,
        status: status.to_owned(),
        attempts: found.attempts,
        mapping_version: found.mapping_version,
        feed_id: found.feed_id.map(|id| id.to_string()),
        why: found.why,
    }
}
