//! Who did something: kept beside whatever was done. Names are looked up when it is shown, and go with whoever has them.

use serde::{Deserialize, Serialize};

use super::PrincipalKind;
use crate::{
    ids::{AccountId, ProviderId, RequestId, StationId},
    kinds::named,
};

named! {
    /// What of the house acts by itself.
    HousePart {
        /// A wait that was over.
        Timer = "timer",
        /// Something outside that the house had asked for, and its answer.
        Effect = "effect",
        /// Whatever tells orders what has happened beside them: stock, carriers.
        Relay = "relay",
        /// Orders decided again together.
        Pool = "pool",
        /// Books that were restored to an earlier day.
        Books = "books",
        /// Somebody who asked Temporal itself.
        Temporal = "temporal",
        /// A return, of its order; an exchange, of its origin.
        Order = "order",
        /// What follows in the stock by itself.
        Stock = "stock",
    }
}

/// Somebody who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub kind: PrincipalKind,
    pub id: AccountId,
    /// The station that they had taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<StationId>,
}

/// The same with the request in which they did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    #[serde(flatten)]
    pub actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

impl By {
    /// A company outside that has said something unasked.
    pub fn provider(provider_id: &ProviderId) -> Self {
        let id = AccountId::parse(provider_id.as_str()).unwrap_or_else(|_| AccountId::house(HousePart::Effect));
        Self { actor: Actor { kind: PrincipalKind::Machine, id, station: None }, request_id: None }
    }

    /// The house itself.
    pub fn house(part: HousePart) -> Self {
        Self { actor: Actor { kind: PrincipalKind::House, id: AccountId::house(part), station: None }, request_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_it_is_kept_in_one_object_without_what_is_absent() {
        let house = serde_json::to_value(By::house(HousePart::Timer)).unwrap();
        assert_eq!(house, serde_json::json!({"kind": "house", "id": "timer"}));
        let person = serde_json::json!({"kind": "person", "id": "per-1", "station": "desk-1", "request_id": "r.1"});
        let by: By = serde_json::from_value(person.clone()).unwrap();
        assert_eq!(by.actor.station.as_ref().map(StationId::as_str), Some("desk-1"));
        assert_eq!(serde_json::to_value(by).unwrap(), person);
    }
}
