//! One endpoint: what is due again first, then what is new, and each piece of work is noted as a whole.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use oms_domain::{
    endpoint::{EndpointOrdering, retry_after},
    public_event::PublicType,
};
use oms_store::{ClaimedEndpoint, ClaimedLane, Dead, HeldBack, MovedLane, PlacedEvent, Retry, StoreError, Work, position_key};
use tokio::{sync::watch, time::Instant};

use super::{
    Claim, Shared,
    breaker::Breaker,
    deliver::{Group, Reached, Sent, deliver},
};
use crate::{outlet::Outlet, signature::Secret};

/// Subjects that are tried again at a time.
const DUE_AT_ONCE: u32 = 32;
/// Events of a held subject that are read at a time.
const HELD_AT_ONCE: usize = 50;
/// How often somebody looks for what is due again.
const LOOK_FOR_DUE: Duration = Duration::from_secs(1);
/// A lane at which nothing happens says so this often.
const SAY_IDLE: Duration = Duration::from_secs(10);
/// After an error of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Where a lane stands that is this server's own.
struct Lane {
    position: String,
    replay: Option<(String, BTreeSet<PublicType>)>,
}

pub(super) struct Runner {
    shared: Arc<Shared>,
    claims: watch::Receiver<Claim>,
    claimed: ClaimedEndpoint,
    outlet: Box<dyn Outlet>,
    lanes: BTreeMap<u8, Lane>,
    breaker: Breaker,
    /// Have arrived, and lie beyond the cursor.
    ahead: HashSet<String>,
    looked_for_due: Option<Instant>,
    said_idle: Instant,
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

    /// Tries again what is due.
    async fn due_again(&mut self) -> Result<bool, StoreError> {
        if self.looked_for_due.is_some_and(|looked| looked.elapsed() < LOOK_FOR_DUE) {
            return Ok(false);
        }
        let lanes: Vec<u8> = self.lanes.keys().copied().collect();
        let limit = if self.breaker.is_probing() { 1 } else { DUE_AT_ONCE };
        let due = self.shared.store.due_retries(&self.claimed.endpoint.endpoint_id, &lanes, limit).await?;
        if due.is_empty() {
            self.looked_for_due = Some(Instant::now());
            return Ok(false);
        }
        let mut groups = Vec::new();
        let mut rest = BTreeMap::new();
        for row in due {
            let (group, after) = self.held(row).await?;
            if let Some(after) = after {
                rest.insert(group.held.clone(), after);
            }
            groups.push(group);
        }
        let sent = self.deliver(groups).await;
        let mut work = self.work();
        for sent in sent {
            let after = rest.remove(&sent.group.held);
            note_again(&mut work, sent, after);
        }
        self.note(work).await
    }

    /// What is held back, as far as it is read at once; and the position of what comes after.
    async fn held(&self, row: HeldBack) -> Result<(Group, Option<String>), StoreError> {
        let through = self.lanes.get(&row.lane).map_or("0-0-0", |lane| &lane.position);
        let limit = u32::try_from(HELD_AT_ONCE).unwrap_or(u32::MAX) + 1;
        let mut events = self.shared.store.events_held(&row.held, &row.position, through, limit).await?;
        let after = (events.len() > HELD_AT_ONCE).then(|| events.pop()).flatten().map(|event| event.position);
        if !row.held.starts_with("event/") {
            events.retain(|placed| self.claimed.endpoint.filter.wants(&placed.event));
        }
        Ok((Group { held: row.held, lane: row.lane, events, attempts: row.attempts, gap: row.gap }, after))
    }

    /// Sends what has come since.
    async fn new_events(&mut self) -> Result<bool, StoreError> {
        let Some(from) = self.lanes.values().map(|lane| &lane.position).min_by_key(|position| position_key(position)).cloned() else {
            return Ok(false);
        };
        let page = self.shared.pages.after(&from).await?;
        if page.events.is_empty() {
            return self.nothing_new(&page.next, page.has_more).await;
        }
        let (mut groups, given_up) = self.groups(&page.events).await?;
        let untried = if self.breaker.is_probing() { groups.split_off(groups.len().min(1)) } else { Vec::new() };
        let sent = self.deliver(groups).await;
        let first_untried = untried.iter().filter_map(|group| group.events.first()).chain(sent.iter().filter_map(Sent::next_untried));
        let first_untried = first_untried.filter_map(|placed| position_key(&placed.position)).min();
        // The cursor goes as far as everything was tried.
        let is_behind = |placed: &PlacedEvent| first_untried.is_none_or(|first| position_key(&placed.position) < Some(first));
        let through = page.events.iter().take_while(|placed| is_behind(placed)).last();
        let mut work = self.work();
        for sent in sent {
            self.ahead.extend(sent.arrived_events().filter(|placed| !is_behind(placed)).map(|placed| placed.event.id.clone()));
            note_new(&mut work, sent, &is_behind, &given_up);
        }
        if let Some(through) = through {
            let is_all = first_untried.is_none() && !page.has_more;
            work.moved = self.moved(&through.position, if is_all { Timestamp::now() } else { through.recorded_at });
        }
        let is_noted = self.note(work).await?;
        if is_noted && first_untried.is_none() {
            self.ahead.clear();
            self.said_idle = Instant::now();
        }
        Ok(is_noted && first_untried.is_none())
    }

    /// What this server has to send of a page, by subject; and the subjects of which the next event is to say what was given up.
    async fn groups(&self, events: &[PlacedEvent]) -> Result<(Vec<Group>, HashSet<String>), StoreError> {
        let wanted: Vec<(String, &PlacedEvent)> =
            events.iter().filter(|placed| self.is_wanted(placed)).map(|placed| (self.held_by(placed), placed)).collect();
        let held: BTreeSet<&String> = wanted.iter().map(|(held, _)| held).collect();
        let held: Vec<String> = held.into_iter().cloned().collect();
        let mut standing = if held.is_empty() {
            BTreeMap::new()
        } else {
            self.shared.store.standing_of(&self.claimed.endpoint.endpoint_id, &held).await?
        };
        let given_up = standing.iter().filter(|(_, of_it)| !of_it.is_held).map(|(held, _)| held.clone()).collect();
        let (mut groups, mut known) = (Vec::<Group>::new(), BTreeMap::<String, usize>::new());
        for (held, placed) in wanted {
            // It waits behind one that has failed, and is found there.
            if standing.get(&held).is_some_and(|of_it| of_it.is_held) {
                continue;
            }
            match known.get(&held) {
                Some(n) => groups[*n].events.push(placed.clone()),
                None => {
                    let gap = standing.remove(&held).map(|of_it| of_it.gap).unwrap_or_default();
                    known.insert(held.clone(), groups.len());
                    groups.push(Group { held, lane: placed.lane, events: vec![placed.clone()], attempts: 0, gap });
                }
            }
        }
        Ok((groups, given_up))
    }

    /// It is of a lane that is this server's own, lies beyond its cursor, and the endpoint is told of it.
    fn is_wanted(&self, placed: &PlacedEvent) -> bool {
        let Some(lane) = self.lanes.get(&placed.lane) else { return false };
        let at = position_key(&placed.position);
        let is_told_again = |(until, types): &(String, BTreeSet<PublicType>)| {
            at > position_key(until) || types.is_empty() || types.contains(&placed.event.kind)
        };
        at > position_key(&lane.position)
            && !self.ahead.contains(&placed.event.id)
            && self.claimed.endpoint.filter.wants(&placed.event)
            && lane.replay.as_ref().is_none_or(is_told_again)
    }

    fn held_by(&self, placed: &PlacedEvent) -> String {
        match self.claimed.endpoint.ordering {
            EndpointOrdering::Order => placed.event.subject.to_string(),
            EndpointOrdering::Nothing => format!("event/{}", placed.event.id),
        }
    }

    /// Lanes move on also where there is nothing for anybody, so that nobody looks at the same rows again and again.
    async fn nothing_new(&mut self, next: &str, has_more: bool) -> Result<bool, StoreError> {
        if !has_more && self.said_idle.elapsed() < SAY_IDLE {
            return Ok(false);
        }
        let mut work = self.work();
        work.moved = self.moved(next, Timestamp::now());
        self.said_idle = Instant::now();
        Ok(self.note(work).await? && has_more)
    }

    /// Where its lanes come to; those that are further stay.
    fn moved(&self, position: &str, told_through: Timestamp) -> Vec<MovedLane> {
        let further = |lane: &Lane| position_key(&lane.position) >= position_key(position);
        let moved = |(number, lane): (&u8, &Lane)| {
            let position = if further(lane) { lane.position.clone() } else { position.to_owned() };
            let is_replaying = lane.replay.as_ref().is_some_and(|(until, _)| position_key(&position) < position_key(until));
            MovedLane { lane: *number, position, told_through: Some(told_through), is_replaying }
        };
        self.lanes.iter().map(moved).collect()
    }

    async fn deliver(&self, groups: Vec<Group>) -> Vec<Sent> {
        let may_send = |lane: u8| self.claims.borrow().lease_of(lane).is_some_and(|until| until > Instant::now());
        let at_once = if self.breaker.is_probing() { 1 } else { self.shared.options.at_once };
        deliver(&*self.outlet, &self.breaker, groups, at_once, &may_send).await
    }

    fn work(&self) -> Work {
        Work {
            endpoint_id: self.claimed.endpoint.endpoint_id.to_string(),
            version: self.claimed.endpoint.version,
            server_id: self.shared.server_id,
            lanes: self.lanes.keys().copied().collect(),
            ..Work::default()
        }
    }

    /// Notes it, or forgets what it thought to know.
    async fn note(&mut self, work: Work) -> Result<bool, StoreError> {
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

impl Sent {
    fn next_untried(&self) -> Option<&PlacedEvent> {
        match &self.reached {
            Reached::Stopped { arrived } | Reached::Gone { arrived } => self.group.events.get(*arrived),
            Reached::End | Reached::Failed { .. } => None,
        }
    }

    fn arrived_events(&self) -> impl Iterator<Item = &PlacedEvent> {
        self.group.events.iter().take(self.arrived())
    }
}

fn outlet(shared: &Shared, claimed: &ClaimedEndpoint) -> Box<dyn Outlet> {
    let id = &claimed.endpoint.endpoint_id;
    let secrets = claimed.secret_ids.iter().map(|secret_id| Secret::new(shared.store.endpoint_secret(id, secret_id))).collect();
    Box::new(shared.sender.to(&claimed.endpoint.url, secrets))
}

/// What new events have come to. One that has failed holds back what comes after it, as far as the cursor goes.
fn note_new(work: &mut Work, sent: Sent, is_behind: &dyn Fn(&PlacedEvent) -> bool, given_up: &HashSet<String>) {
    let Sent { group, reached, attempts } = sent;
    let has_told = reached != Reached::Stopped { arrived: 0 };
    work.attempts.extend(attempts);
    match reached {
        Reached::Failed { arrived, attempts, failed } => {
            note_failure(work, &failed.why, failed.leave_alone);
            let Some(placed) = group.events.get(arrived).filter(|placed| is_behind(placed)) else { return };
            let gap = if arrived == 0 { group.gap } else { Vec::new() };
            // The first try has failed: there is always another.
            let wait = retry_after(attempts, failed.leave_alone, dice()).unwrap_or_default();
            work.retries.push(retry(group.held, group.lane, &placed.position, attempts, Some(wait), Some(failed.why), gap));
        }
        Reached::Gone { .. } => work.gone = true,
        Reached::End | Reached::Stopped { .. } => {
            if has_told && given_up.contains(&group.held) {
                work.done.push(group.held);
            }
        }
    }
}

/// What was held back and tried again has come to. `after`: where it goes on.
fn note_again(work: &mut Work, sent: Sent, after: Option<String>) {
    let Sent { group, reached, attempts } = sent;
    let by_itself = group.held.starts_with("event/");
    work.attempts.extend(attempts);
    match reached {
        Reached::End => match after {
            Some(after) => work.retries.push(retry(group.held, group.lane, &after, 0, Some(Duration::ZERO), None, Vec::new())),
            None if group.events.is_empty() && !group.gap.is_empty() => {
                work.retries.push(retry(group.held, group.lane, "0-0-0", 0, None, None, group.gap));
            }
            None => work.done.push(group.held),
        },
        Reached::Stopped { arrived } => {
            if let (Some(next), true) = (group.events.get(arrived), arrived > 0) {
                work.retries.push(retry(group.held, group.lane, &next.position, 0, Some(Duration::ZERO), None, Vec::new()));
            }
        }
        Reached::Gone { .. } => work.gone = true,
        Reached::Failed { arrived, attempts, failed } => {
            note_failure(work, &failed.why, failed.leave_alone);
            let placed = &group.events[arrived];
            let gap = if arrived == 0 { group.gap } else { Vec::new() };
            if let Some(wait) = retry_after(attempts, failed.leave_alone, dice()) {
                work.retries.push(retry(group.held, group.lane, &placed.position, attempts, Some(wait), Some(failed.why), gap));
                return;
            }
            work.dead.push(dead(placed, attempts, failed.why));
            if by_itself {
                work.done.push(group.held);
                return;
            }
            // The order goes on behind it, and its next event says so, whenever it comes.
            let gap = [gap, vec![placed.event.id.clone()]].concat();
            let next = group.events.get(arrived + 1).map(|placed| placed.position.clone()).or(after);
            let wait = next.is_some().then_some(Duration::ZERO);
            let position = next.unwrap_or_else(|| placed.position.clone());
            work.retries.push(retry(group.held, group.lane, &position, 0, wait, None, gap));
        }
    }
}

fn note_failure(work: &mut Work, why: &str, leave_alone: Option<Duration>) {
    work.failure = Some(why.to_owned());
    let leave_alone =
        leave_alone.map(|pause| u64::try_from(pause.min(oms_domain::endpoint::LEFT_ALONE_MAX).as_millis()).unwrap_or(u64::MAX));
    work.leave_alone_ms = work.leave_alone_ms.max(leave_alone);
}

fn retry(
    held: String,
    lane: u8,
    position: &str,
    attempts: u32,
    wait: Option<Duration>,
    failure: Option<String>,
    gap: Vec<String>,
) -> Retry {
    let wait_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    Retry { held, lane, position: position.to_owned(), attempts, wait_ms, failure, gap }
}

fn dead(placed: &PlacedEvent, attempts: u32, failure: String) -> Dead {
    let event = &placed.event;
    Dead {
        event_id: event.id.clone(),
        subject: event.subject.to_string(),
        kind: event.kind.name().to_owned(),
        lane: placed.lane,
        position: placed.position.clone(),
        attempts,
        failure,
        dead_at: Timestamp::now(),
    }
}

/// Something between 0 and 1.
fn dice() -> f64 {
    getrandom::u32().map_or(0.5, |dice| f64::from(dice) / f64::from(u32::MAX))
}
