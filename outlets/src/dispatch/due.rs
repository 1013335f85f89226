//! What has failed before and is due again, with what waits behind it.

use std::{collections::BTreeMap, time::Duration};

use oms_domain::endpoint::retry_after;
use oms_store::{HeldBack, StoreError, Work};
use tokio::time::Instant;

use super::{
    deliver::{Group, Reached, Sent},
    notes::{dead, dice, note_failure, retry},
    runner::Runner,
};

/// Subjects that are tried again at a time.
const DUE_AT_ONCE: u32 = 32;
/// Events of a held subject that are read at a time.
const HELD_AT_ONCE: usize = 50;
/// How often somebody looks for what is due again.
const LOOK_FOR_DUE: Duration = Duration::from_secs(1);

impl Runner {
    /// Tries again what is due.
    pub(super) async fn due_again(&mut self) -> Result<bool, StoreError> {
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
