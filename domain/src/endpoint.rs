//! Endpoints that events are sent to: which events each is told, and what follows when one does not arrive.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    ids::FacilityId,
    kinds::named,
    public_event::{PublicEvent, PublicType},
};

named! {
    /// Whether anything is sent to it.
    EndpointStatus {
        Active = "active",
        /// A person wants nothing sent for now. What happens meanwhile is sent when it goes on.
        Paused = "paused",
        /// It was given up: by its receiver's own word, or because nothing has arrived for days. A person has it go on.
        Disabled = "disabled",
    }
}

named! {
    /// What an event that fails holds back.
    EndpointOrdering {
        /// What comes after it of its subject.
        Order = "order",
        Nothing = "none",
    }
}

/// Which events an endpoint is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointFilter {
    /// Empty: all.
    pub types: BTreeSet<PublicType>,
    /// None: all. Of some: what happens there, and nothing that is of no facility.
    pub facilities: Option<BTreeSet<FacilityId>>,
    /// None: all. Of some: what is of their orders.
    pub channels: Option<BTreeSet<String>>,
}

impl EndpointFilter {
    /// Whether it is told of the event. That the books were restored concerns everybody.
    pub fn wants(&self, event: &PublicEvent) -> bool {
        if event.kind == PublicType::EventsRestored {
            return true;
        }
        let is_there = |only: &BTreeSet<FacilityId>| event.facilities().iter().any(|id| only.iter().any(|known| known.as_str() == *id));
        let is_of = |only: &BTreeSet<String>| event.channel().is_some_and(|channel| only.contains(channel));
        (self.types.is_empty() || self.types.contains(&event.kind))
            && self.facilities.as_ref().is_none_or(is_there)
            && self.channels.as_ref().is_none_or(is_of)
    }

    /// Why it is not told of the event, in words; None: it is.
    pub fn why_not(&self, event: &PublicEvent) -> Option<&'static str> {
        if self.wants(event) {
            return None;
        }
        let types = Self { types: self.types.clone(), ..Self::default() };
        let facilities = Self { facilities: self.facilities.clone(), ..Self::default() };
        Some(if !types.wants(event) {
            "the endpoint does not take this type"
        } else if !facilities.wants(event) {
            "it is of none of the endpoint's facilities"
        } else {
            "it is of none of the endpoint's channels"
        })
    }
}

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;

/// How long after each attempt that failed the next one is made (Standard Webhooks' schedule); after the last one the event is a dead letter.
pub const RETRIES_S: [u64; 9] =
    [5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S];
/// Of a wait, so much more or less, so that what failed together is not tried together.
const JITTER_PERCENT: u64 = 20;
/// However long a receiver wants to be left alone, it is asked again after this.
pub const LEFT_ALONE_MAX: Duration = Duration::from_secs(HOUR_S);
/// An endpoint at which nothing arrives for so long is disabled. See `note_deliveries`.
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * HOUR_S);

/// When to try again after so many attempts, at least as long as the receiver asked for; None: the event is given up. `dice`: anything between
/// 0 and 1.
pub fn retry_after(attempts: u32, asked: Option<Duration>, dice: f64) -> Option<Duration> {
    let wait = usize::try_from(attempts).ok()?.checked_sub(1).and_then(|n| RETRIES_S.get(n))?;
    let spread = (wait * JITTER_PERCENT) as f64 / 100.0;
    let wait = Duration::from_secs_f64(*wait as f64 - spread + 2.0 * spread * dice.clamp(0.0, 1.0));
    Some(wait.max(asked.unwrap_or_default().min(LEFT_ALONE_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_event::{Subject, example};

    #[test]
    fn an_event_is_tried_ten_times_over_more_than_three_days_and_then_given_up() {
        let waits: Vec<Duration> = (1..).map_while(|attempts| retry_after(attempts, None, 0.5)).collect();
        assert_eq!(waits.iter().map(Duration::as_secs).collect::<Vec<_>>(), RETRIES_S);
        assert_eq!(waits.len() + 1, 10);
        assert!((75..76).contains(&(waits.iter().sum::<Duration>().as_secs() / 3_600)));
        let (soon, late) = (retry_after(2, None, 0.0).unwrap(), retry_after(2, None, 1.0).unwrap());
        assert_eq!((soon.as_secs(), late.as_secs()), (240, 360));
    }

    #[test]
    fn a_receiver_that_wants_to_be_left_alone_is_and_not_for_ever() {
        assert_eq!(retry_after(1, Some(Duration::from_secs(90)), 0.5), Some(Duration::from_secs(90)));
        assert_eq!(retry_after(1, Some(Duration::from_secs(1)), 0.5), Some(Duration::from_secs(5)));
        assert_eq!(retry_after(1, Some(Duration::from_secs(1_000_000)), 0.5), Some(LEFT_ALONE_MAX));
    }

    fn event(kind: PublicType) -> PublicEvent {
        let serde_json::Value::Object(data) = example(kind)["data"].clone() else { panic!("data") };
        let at = jiff::Timestamp::UNIX_EPOCH;
        PublicEvent { id: "e".into(), kind, subject: Subject::Events, sequence: 1, version: 1, at, data }
    }

    #[test]
    fn an_endpoint_of_a_facility_hears_what_happens_there_and_one_of_a_channel_what_is_of_its_orders() {
        let [leeds, bath] =
            ["LEEDS", "BATH"].map(|id| EndpointFilter { facilities: Some([id.parse().unwrap()].into()), ..Default::default() });
        let [web, shop] = ["web", "shop"].map(|name| EndpointFilter { channels: Some([name.to_owned()].into()), ..Default::default() });
        let (shipped, placed) = (event(PublicType::FulfillmentShipped), event(PublicType::OrderPlaced));
        assert!(leeds.wants(&shipped) && !bath.wants(&shipped) && !leeds.wants(&placed));
        assert!(web.wants(&placed) && !shop.wants(&placed) && !web.wants(&event(PublicType::StockChanged)));
        let asked = event(PublicType::FulfillmentChangeRequested);
        assert!(leeds.wants(&asked) && bath.why_not(&asked) == Some("it is of none of the endpoint's facilities"));
        let types = EndpointFilter { types: [PublicType::StockLow].into(), ..Default::default() };
        assert!(types.wants(&event(PublicType::StockLow)) && types.why_not(&placed) == Some("the endpoint does not take this type"));
        for filter in [leeds, bath, web, shop, types] {
            assert!(filter.wants(&event(PublicType::EventsRestored)));
        }
    }
}
