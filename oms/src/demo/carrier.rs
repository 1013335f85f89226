//! The carrier: scans parcels on their way, and reports in batches.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use oms_activities::adapters::{Credential, easypost_signature};
use oms_api::{
    carrier::{CarrierEventBody, CarrierEventsBody, CarrierEventsView},
    provider::WebhookView,
};
use oms_domain::ids::ProviderId;
use serde_json::json;

use super::{mishaps, world::World};

/// When a parcel is scanned after it was collected, and as what: standard and express.
const STANDARD: [(&str, SignedDuration); 2] =
    [("in_transit", SignedDuration::from_hours(12)), ("delivered", SignedDuration::from_hours(50))];
const EXPRESS: [(&str, SignedDuration); 2] = [("in_transit", SignedDuration::from_hours(4)), ("delivered", SignedDuration::from_hours(20))];
/// Scans of one report, and how often there is one.
const REPORT_MAX: usize = 500;
/// Of those that come one by one, so many on their way.
const TOLD_AT_ONCE: usize = 8;
const LOST: &str = "lost";
const REPORT_EVERY: Duration = Duration::from_millis(300);

/// The carrier's book of what is on its way. Cheap to clone.
#[derive(Clone, Default)]
pub struct Carrier {
    scans: Arc<Mutex<BinaryHeap<Reverse<Scan>>>>,
}

/// A scan to come; the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Scan {
    occurred_at: Timestamp,
    tracking_number: String,
    carrier: String,
    status: &'static str,
}

impl Carrier {
    /// Takes a parcel along. The same one again changes nothing: its scans have the same ids.
    pub fn collect(&self, carrier: &str, tracking_number: &str, at: Timestamp, express: bool) {
        let lost = mishaps::is_lost(tracking_number);
        for (status, after) in if express { EXPRESS } else { STANDARD } {
            let status = if lost && status == "delivered" { LOST } else { status };
            let (carrier, tracking_number) = (carrier.to_owned(), tracking_number.to_owned());
            self.scans().push(Reverse(Scan { occurred_at: at + after, tracking_number, carrier, status }));
        }
    }

    /// Nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.scans().is_empty()
    }

    /// Reports scans as they happen, until the future is dropped; `easypost`: the adapter whose signed webhooks they come by, and its secret.
    ///
    /// # Errors
    /// When the API refuses a report, or cannot be reached for long.
    pub async fn travel(self, world: Arc<World>, easypost: Option<(ProviderId, Credential)>) -> Result<()> {
        loop {
            let mut due = self.due(world.now());
            if due.is_empty() {
                tokio::time::sleep(REPORT_EVERY).await;
                continue;
            }
            if let Some((provider_id, secret)) = &easypost {
                // It has no word for what is lost: that somebody says by hand.
                let told = due.extract_if(.., |scan| scan.status != LOST).collect::<Vec<_>>();
                let told = told.iter().map(|scan| tell(&world, provider_id, secret, scan));
                stream::iter(told).buffer_unordered(TOLD_AT_ONCE).try_collect::<()>().await?;
            }
            if due.is_empty() {
                continue;
            }
            let body = json!(CarrierEventsBody { events: due.iter().map(event).collect() });
            let answer = world.persistently(|| world.api.post(&["v1", "carrier-events"], &body)).await?;
            let taken: CarrierEventsView = serde_json::from_value(answer)?;
            let mut tally = world.tally();
            tally.carrier_events += taken.results.len();
            let parked = taken.results.iter().filter(|result| result.result == "parked").count();
            if parked > 0 {
                tally.refused.push(format!("{parked} carrier events name parcels that the house does not know"));
            }
        }
    }

    fn scans(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Scan>>> {
        self.scans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self, now: Timestamp) -> Vec<Scan> {
        let (mut scans, mut due) = (self.scans(), Vec::new());
        while due.len() < REPORT_MAX && scans.peek().is_some_and(|Reverse(scan)| scan.occurred_at <= now) {
            due.extend(scans.pop().map(|Reverse(scan)| scan));
        }
        due
    }
}

/// One scan as EasyPost tells it: a tracker with all that is known of its parcel, here the last of it.
async fn tell(world: &World, provider_id: &ProviderId, secret: &Credential, scan: &Scan) -> Result<()> {
    let details = json!([{"object": "TrackingDetail", "status": scan.status, "datetime": scan.occurred_at}]);
    let tracker = json!({
        "id": format!("trk_{}", scan.tracking_number), "object": "Tracker", "tracking_code": scan.tracking_number, "carrier": scan.carrier,
        "status": scan.status, "tracking_details": details,
    });
    let event_id = format!("evt_{}-{}", scan.tracking_number, scan.status);
    let event = json!({"id": event_id, "object": "Event", "description": "tracker.updated", "result": tracker}).to_string().into_bytes();
    let signature = easypost_signature(secret, &event)?;
    let path = ["v1", "webhooks", provider_id.as_str()];
    let answer = world.persistently(|| world.api.post_signed(&path, signature.clone(), event.clone())).await?;
    let taken: WebhookView = serde_json::from_value(answer)?;
    world.tally().carrier_events += usize::try_from(taken.accepted)?;
    Ok(())
}

fn event(scan: &Scan) -> CarrierEventBody {
    CarrierEventBody {
        event_id: format!("{}-{}", scan.tracking_number, scan.status),
        carrier: scan.carrier.clone(),
        tracking_number: scan.tracking_number.clone(),
        status: scan.status.to_owned(),
        occurred_at: scan.occurred_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_come_when_they_are_due_and_in_order() {
        let (carrier, at) = (Carrier::default(), Timestamp::UNIX_EPOCH);
        carrier.collect("C", "1", at, false);
        carrier.collect("C", "2", at, true);
        assert!(carrier.due(at).is_empty());
        let due = carrier.due(at + SignedDuration::from_hours(20));
        let seen: Vec<_> = due.iter().map(|scan| (scan.tracking_number.as_str(), scan.status)).collect();
        assert_eq!(seen, [("2", "in_transit"), ("1", "in_transit"), ("2", "delivered")]);
        assert!(!carrier.is_idle());
        assert_eq!(carrier.due(at + SignedDuration::from_hours(50)).len(), 1);
        assert!(carrier.is_idle());
    }
}
