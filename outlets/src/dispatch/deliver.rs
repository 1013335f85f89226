//! Sends events of some subjects, each subject's one after the other, and tells how far each has come.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use oms_store::{DeliveryAttempt as Attempt, PlacedEvent};

use super::breaker::Breaker;
use crate::{
    body::body,
    outlet::{Delivery, Failed, Outcome, Outlet},
};

/// What is to be sent of one subject, in order; or one event by itself.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) held: String,
    pub(super) lane: u8,
    pub(super) events: Vec<PlacedEvent>,
    /// Tries at the first one before.
    pub(super) attempts: u32,
    /// Given up just before the first one.
    pub(super) gap: Vec<String>,
}

/// How far a group has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reached {
    /// All of it has arrived.
    End,
    /// So many have; the next one failed, after so many tries at it.
    Failed { arrived: usize, attempts: u32, failed: Failed },
    /// So many have; the next one was not tried.
    Stopped { arrived: usize },
    /// The receiver wants nothing more.
    Gone { arrived: usize },
}

/// A group with how far it has come.
pub(super) struct Sent {
    pub(super) group: Group,
    pub(super) reached: Reached,
    pub(super) attempts: Vec<Attempt>,
}

impl Sent {
    /// How many have arrived.
    pub(super) fn arrived(&self) -> usize {
        match &self.reached {
            Reached::End => self.group.events.len(),
            Reached::Failed { arrived, .. } | Reached::Stopped { arrived } | Reached::Gone { arrived } => *arrived,
        }
    }
}

/// Sends all groups, so many at a time. Nothing more is sent once the breaker closes, or `may_send` says no for a lane.
pub(super) async fn deliver(
    outlet: &dyn Outlet,
    breaker: &Breaker,
    groups: Vec<Group>,
    at_once: usize,
    may_send: &(dyn Fn(u8) -> bool + Sync),
) -> Vec<Sent> {
    let mut bundles: Vec<Vec<Group>> = Vec::new();
    for group in groups {
        match bundles.last_mut().filter(|bundle| bundle.len() < outlet.batch_max()) {
            Some(bundle) => bundle.push(group),
            None => bundles.push(vec![group]),
        }
    }
    let send = |bundle| send_bundle(outlet, breaker, bundle, may_send);
    stream::iter(bundles).map(send).buffer_unordered(at_once).concat().await
}

/// The first event of each, then the second of each, ...
async fn send_bundle(outlet: &dyn Outlet, breaker: &Breaker, groups: Vec<Group>, may_send: &(dyn Fn(u8) -> bool + Sync)) -> Vec<Sent> {
    let begin = |group| Sent { group, reached: Reached::Stopped { arrived: 0 }, attempts: Vec::new() };
    let mut all: Vec<Sent> = groups.into_iter().map(begin).collect();
    loop {
        let mut batch = Vec::new();
        let mut whose = Vec::new();
        for (n, sent) in all.iter_mut().enumerate() {
            let Reached::Stopped { arrived } = sent.reached else { continue };
            match sent.group.events.get(arrived) {
                None => sent.reached = Reached::End,
                Some(_) if breaker.pause().is_some() || !may_send(sent.group.lane) => {}
                Some(placed) => {
                    let gap = if arrived == 0 { &sent.group.gap[..] } else { &[] };
                    batch.push(Delivery { event: placed.event.clone(), body: body(&placed.event, gap) });
                    whose.push(n);
                }
            }
        }
        if batch.is_empty() {
            return all;
        }
        let outcomes = outlet.send(&batch).await;
        for (n, outcome) in whose.into_iter().zip(outcomes) {
            note(&mut all[n], breaker, outcome);
        }
    }
}

fn note(sent: &mut Sent, breaker: &Breaker, outcome: Outcome) {
    let arrived = sent.arrived();
    let attempt = 1 + if arrived == 0 { sent.group.attempts } else { 0 };
    let row = |delivered: bool, status: Option<u16>, took: Duration, answer: Option<String>| {
        let event = &sent.group.events[arrived].event;
        Attempt {
            event_id: event.id.clone(),
            subject: event.subject.to_string(),
            kind: event.kind.name().to_owned(),
            attempt,
            delivered,
            status,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            answer,
        }
    };
    let (row, reached) = match outcome {
        Outcome::Delivered { status, took } => {
            breaker.arrived();
            (row(true, status, took, None), Reached::Stopped { arrived: arrived + 1 })
        }
        Outcome::Gone { took } => {
            // Nothing more of anybody's.
            breaker.failed(Some(Duration::from_secs(60)));
            (row(false, Some(410), took, None), Reached::Gone { arrived })
        }
        Outcome::Failed(failed) => {
            breaker.failed(failed.leave_alone);
            let answer = failed.answer.clone().filter(|answer| !answer.is_empty()).unwrap_or_else(|| failed.why.clone());
            (row(false, failed.status, failed.took, Some(answer)), Reached::Failed { arrived, attempts: attempt, failed })
        }
    };
    sent.attempts.push(row);
    sent.reached = reached;
}
