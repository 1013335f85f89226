//! What has come since: by subject, as far as nothing holds it back.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use oms_domain::{
    endpoint::{EndpointOrdering, retry_after},
    public_event::PublicType,
};
use oms_store::{PlacedEvent, StoreError, Work, position_key};
use tokio::time::Instant;

use super::{
    deliver::{Group, Reached, Sent},
    notes::{dice, note_failure, retry},
    runner::Runner,
};

/// A lane at which nothing happens says so this often.
const SAY_IDLE: Duration = Duration::from_secs(10);

impl Runner {
    /// Sends what has come since.
    pub(super) async fn new_events(&mut self) -> Result<bool, StoreError> {
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
