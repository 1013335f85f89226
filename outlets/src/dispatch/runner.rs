//! One endpoint: what is due again first, then what is new, and each piece of work is noted as a whole.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use oms_domain::public_event::PublicType;
use oms_store::{ClaimedEndpoint, ClaimedLane, MovedLane, StoreError, Work, position_key};
use tokio::{sync::watch, time::Instant};

use super::{
    Claim, Shared,
    breaker::Breaker,
    deliver::{Group, Sent, deliver},
};
use crate::{outlet::Outlet, signature::Secret};

/// After an error of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a lane stands that is this server's own.
pub(super) struct Lane {
    pub(super) position: String,
    pub(super) replay: Option<(String, BTreeSet<PublicType>)>,
}

pub(super) struct Runner {
    pub(super) shared: Arc<Shared>,
    claims: watch::Receiver<Claim>,
    pub(super) claimed: ClaimedEndpoint,
    outlet: Box<dyn Outlet>,
    pub(super) lanes: BTreeMap<u8, Lane>,
    pub(super) breaker: Breaker,
    /// Have arrived, and lie beyond the cursor.
    pub(super) ahead: HashSet<String>,
    pub(super) looked_for_due: Option<Instant>,
    pub(super) said_idle: Instant,
    /// What was claimed before is not believed.
    not_before: Instant,
}

impl Runner {
    pub(super) fn new(shared: Arc<Shared>, claims: watch::Receiver<Claim>) -> Self {
        let Claim { asked_at: claimed_at, claimed } = claims.borrow().clone();
        let outlet = outlet(&shared, &claimed);
        let mut runner = Self {
            shared,
            claims,
            claimed,
            outlet,
            lanes: BTreeMap::new(),
            breaker: Breaker::default(),
            ahead: HashSet::new(),
            looked_for_due: None,
            said_idle: Instant::now(),
            not_before: claimed_at,
        };
        runner.begin_anew();
        runner
    }

    /// Until nobody tells it of its lanes any more.
    pub(super) async fn run(mut self) {
        loop {
            if self.claims.has_changed().is_err() {
                return;
            }
            self.take_claim();
            let pause = match self.round().await {
                Ok(true) => continue,
                Ok(false) => self.breaker.pause().unwrap_or(self.shared.options.look_every),
                Err(error) => {
                    tracing::warn!(endpoint.id = %self.claimed.endpoint.endpoint_id, store.error = %error, "a delivery was not noted; it is made again");
                    PAUSE
                }
            };
            let is_told = tokio::select! {
                () = tokio::time::sleep(pause) => true,
                changed = self.claims.changed() => changed.is_ok(),
            };
            if !is_told {
                return;
            }
        }
    }

    /// Lanes that were its own all the time stay where they are; the others begin where the books say.
    fn take_claim(&mut self) {
        let claim = self.claims.borrow_and_update().clone();
        if claim.asked_at < self.not_before {
            return;
        }
        if claim.claimed.endpoint.version != self.claimed.endpoint.version || claim.claimed.secret_ids != self.claimed.secret_ids {
            self.claimed = claim.claimed;
            self.outlet = outlet(&self.shared, &self.claimed);
            self.begin_anew();
            return;
        }
        let kept = |lane: &ClaimedLane| self.lanes.contains_key(&lane.lane);
        let fresh: Vec<(u8, Lane)> =
            claim.claimed.lanes.iter().filter(|lane| !kept(lane)).map(|lane| (lane.lane, Lane::of(lane))).collect();
        let is_own: BTreeSet<u8> = claim.claimed.lanes.iter().map(|lane| lane.lane).collect();
        self.lanes.retain(|lane, _| is_own.contains(lane));
        self.lanes.extend(fresh);
        self.claimed = claim.claimed;
    }

    fn begin_anew(&mut self) {
        self.lanes = self.claimed.lanes.iter().map(|lane| (lane.lane, Lane::of(lane))).collect();
        self.breaker = Breaker::default();
        self.ahead.clear();
        self.looked_for_due = None;
    }

    /// Whether there may be more to do at once.
    async fn round(&mut self) -> Result<bool, StoreError> {
        // A lane whose lease has run out may be another's by now: what is known of it is worth nothing.
        let claim = self.claims.borrow().clone();
        self.lanes.retain(|lane, _| claim.lease_of(*lane).is_some_and(|until| until > Instant::now()));
        let is_left_alone = self.claimed.endpoint.left_alone_until.is_some_and(|until| until > Timestamp::now());
        if self.lanes.is_empty() || self.breaker.pause().is_some() || is_left_alone {
            return Ok(false);
        }
        let has_worked = self.due_again().await?;
        if self.breaker.pause().is_some() {
            return Ok(false);
        }
        Ok(self.new_events().await? || has_worked)
    }

    /// Where its lanes come to; those that are further stay.
    pub(super) fn moved(&self, position: &str, told_through: Timestamp) -> Vec<MovedLane> {
        let further = |lane: &Lane| position_key(&lane.position) >= position_key(position);
        let moved = |(number, lane): (&u8, &Lane)| {
            let position = if further(lane) { lane.position.clone() } else { position.to_owned() };
            let is_replaying = lane.replay.as_ref().is_some_and(|(until, _)| position_key(&position) < position_key(until));
            MovedLane { lane: *number, position, told_through: Some(told_through), is_replaying }
        };
        self.lanes.iter().map(moved).collect()
    }

    pub(super) async fn deliver(&self, groups: Vec<Group>) -> Vec<Sent> {
        let may_send = |lane: u8| self.claims.borrow().lease_of(lane).is_some_and(|until| until > Instant::now());
        let at_once = if self.breaker.is_probing() { 1 } else { self.shared.options.at_once };
        deliver(&*self.outlet, &self.breaker, groups, at_once, &may_send).await
    }

    pub(super) fn work(&self) -> Work {
        Work {
            endpoint_id: self.claimed.endpoint.endpoint_id.to_string(),
            version: self.claimed.endpoint.version,
            server_id: self.shared.server_id,
            lanes: self.lanes.keys().copied().collect(),
            ..Work::default()
        }
    }

    /// Notes it, or forgets what it thought to know.
    pub(super) async fn note(&mut self, work: Work) -> Result<bool, StoreError> {
        if work.is_empty() {
            return Ok(true);
        }
        if !self.shared.store.note_deliveries(&work).await? {
            self.lanes.clear();
            self.not_before = Instant::now();
            self.shared.claim_again.notify_one();
            return Ok(false);
        }
        for moved in work.moved {
            if let Some(lane) = self.lanes.get_mut(&moved.lane) {
                lane.position = moved.position;
                lane.replay = lane.replay.take().filter(|_| moved.is_replaying);
            }
        }
        if work.gone {
            self.lanes.clear();
        }
        Ok(true)
    }
}

impl Lane {
    fn of(claimed: &ClaimedLane) -> Self {
        let types = || claimed.replay_types.iter().flatten().copied().collect();
        Self { position: claimed.position.clone(), replay: claimed.replay_until.clone().map(|until| (until, types())) }
    }
}

fn outlet(shared: &Shared, claimed: &ClaimedEndpoint) -> Box<dyn Outlet> {
    let id = &claimed.endpoint.endpoint_id;
    let secrets = claimed.secret_ids.iter().map(|secret_id| Secret::new(shared.store.endpoint_secret(id, secret_id))).collect();
    shared.ways.to(&claimed.endpoint.url, secrets)
}
