//! What a page looks at.

use std::{fmt, str::FromStr};

use oms_domain::{
    access::{Permission, Principal},
    error::ErrorCode,
    ids::{FacilityId, FulfillmentOrderId, OrderId},
};

use super::changes::Change;
use crate::{caller::Caller, failure::Failure, state::AppState};

/// Something of which somebody wants to hear that it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    Order(OrderId),
    /// A fulfillment order, as those see it who work at its facility.
    Part(FulfillmentOrderId),
    /// What a facility has to do.
    Queue(FacilityId),
    /// What only a person can put right.
    Inbox,
}

impl FromStr for Topic {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, id) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "order" => id.parse().map(Self::Order).map_err(drop),
            "fulfillment_order" => id.parse().map(Self::Part).map_err(drop),
            "queue" => id.parse().map(Self::Queue).map_err(drop),
            "inbox" if text == kind => Ok(Self::Inbox),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order:{id}"),
            Self::Part(id) => write!(f, "fulfillment_order:{id}"),
            Self::Queue(id) => write!(f, "queue:{id}"),
            Self::Inbox => f.write_str("inbox"),
        }
    }
}

impl Topic {
    fn permission(&self) -> Permission {
        match self {
            Self::Order(_) => Permission::ReadOrders,
            Self::Part(_) | Self::Queue(_) => Permission::ReadFulfillment,
            Self::Inbox => Permission::HandleAttention,
        }
    }

    /// Refuses what they may not read, and what they do not know of as if it were not there.
    pub(crate) async fn refuse(&self, state: &AppState, caller: &Caller) -> Result<(), Failure> {
        caller.refuse_unless_may(self.permission())?;
        match self {
            Self::Order(id) => caller.refuse_order(state, id).await,
            Self::Part(id) if caller.sees_fulfillment_order(state, id).await? => Ok(()),
            Self::Part(_) => Err(ErrorCode::FulfillmentOrderNotFound.into()),
            Self::Queue(id) if caller.sees_facility(id) => Ok(()),
            Self::Queue(_) => Err(ErrorCode::NotFound.into()),
            Self::Inbox => Ok(()),
        }
    }

    /// Whether a change is one of it, to whoever listens: what they know of was looked at when they came, and of lists they see their part.
    pub(super) fn is_changed_by(&self, change: &Change, listener: &Principal) -> bool {
        match self {
            Self::Order(id) => change.order_id == *id,
            Self::Part(id) => id.order_id().is_some_and(|id| change.order_id == id),
            Self::Queue(id) => {
                change.reach.as_ref().is_some_and(|reach| reach.facilities.contains(id)) && change.is_within(&listener.scope)
            }
            Self::Inbox => change.is_within(&listener.scope),
        }
    }
}

#[cfg(test)]
mod tests {
    use oms_domain::access::{PrincipalKind, Reach, Scope};
    use oms_store::OrderReach;

    use super::*;

    #[test]
    fn a_topic_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in ["order:A-1", "fulfillment_order:A-1-F1", "queue:LEEDS", "inbox"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for text in ["", "order", "order:", "order:a b", "queue:", "inbox:", "inbox:x", "people:1"] {
            assert_eq!(text.parse::<Topic>(), Err(()), "{text}");
        }
    }

    #[test]
    fn whoever_knows_of_a_part_of_the_house_hears_of_that_alone() {
        let facilities = ["LEEDS".parse().unwrap()].into();
        let change = Change { order_id: "A".parse().unwrap(), reach: Some(OrderReach { channel: "web".into(), facilities }) };
        let hears = |topic: &str, scope: Scope| {
            let id = "a".parse().unwrap();
            let listener = Principal { kind: PrincipalKind::Person, id, roles: Default::default(), scope, station: None };
            topic.parse::<Topic>().unwrap().is_changed_by(&change, &listener)
        };
        let at = |facility: &str| Scope { facilities: Reach::Only([facility.parse().unwrap()].into()), ..Scope::default() };
        let of = |channel: &str| Scope { channels: Reach::Only([channel.to_owned()].into()), ..Scope::default() };
        assert!(hears("order:A", Scope::default()) && hears("fulfillment_order:A-F1", at("LEEDS")) && !hears("order:B", Scope::default()));
        for (scope, is_told) in [(Scope::default(), true), (at("LEEDS"), true), (at("YORK"), false), (of("web"), true), (of("shop"), false)]
        {
            assert_eq!((hears("queue:LEEDS", scope.clone()), hears("inbox", scope)), (is_told, is_told));
        }
        assert!(!hears("queue:YORK", Scope::default()));
    }
}
