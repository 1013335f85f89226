//! Companies outside.

use oms_api::{
    actor::ActorView,
    provider::{ProviderView, ProviderWaitView},
};

pub(crate) fn provider(found: oms_store::Provider) -> ProviderView {
    let (actor, _) = ActorView::of(found.by);
    ProviderView {
        provider_id: found.provider_id.to_string(),
        port: found.port.name().to_owned(),
        standing: found.standing.name().to_owned(),
        why: found.why,
        changed_at: found.changed_at,
        actor,
        circuit: found.circuit.map(|circuit| circuit.name().to_owned()),
        circuit_since: found.circuit_since,
        workers: found.workers,
        in_flight: found.in_flight,
        waits: found.waits,
        waits_since: found.waits_since,
    }
}

pub(crate) fn provider_wait(wait: oms_store::ProviderWait) -> ProviderWaitView {
    ProviderWaitView {
        key: wait.key,
        reference: wait.reference,
        operation: wait.operation,
        why: wait.why,
        since: wait.since,
        tried_at: wait.tried_at,
        tries: wait.tries,
    }
}
