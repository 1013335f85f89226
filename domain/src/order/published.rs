//! What of an event is for everybody who reads events.

use serde_json::Value;

/// Fields that stay in the house's own books, wherever in an event they stand: the gateway's ids, by which money is moved, and what stands for
/// the code of a pickup.
const PRIVATE: [&str; 4] = ["reference", "acts_on", "authorization", "code_hash"];

/// An event's data as it is published.
pub fn published(data: Value) -> Value {
    match data {
        Value::Object(fields) => {
            let public = fields.into_iter().filter(|(name, _)| !PRIVATE.contains(&name.as_str()));
            public.map(|(name, value)| (name, published(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(published).collect(),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        order::{CorePayment, Event},
        payment::{OperationKind, OperationOutcome},
        placed::PaymentMethod,
    };

    #[test]
    fn what_moves_money_or_opens_a_pickup_is_not_published() {
        let payment_id = || "card".parse().unwrap();
        let (number, amount_minor, kind) = (1, 510, OperationKind::Capture);
        let outcome = OperationOutcome::Succeeded { reference: "secret".into(), expires_at: None };
        let authorization = Some(("secret".into(), None));
        for event in [
            Event::PaymentAsked { payment_id: payment_id(), number, kind, amount_minor, acts_on: Some("secret".into()), refund_id: None },
            Event::PaymentAnswered { payment_id: payment_id(), number, kind, amount_minor, outcome },
            Event::PaymentAdded(CorePayment { payment_id: payment_id(), method: PaymentMethod::Card, amount_minor, authorization }),
            Event::FulfillmentReady { fulfillment_order_id: "A-F1".parse().unwrap(), code_hash: Some("secret".into()) },
        ] {
            let data = serde_json::to_value(&event).unwrap();
            assert!(data.to_string().contains("secret"), "{data}");
            let public = published(data);
            assert!(!public.to_string().contains("secret"), "{public}");
            assert_eq!(public["type"], event.kind());
        }
        assert_eq!(published(json!([{"a": [{"reference": 1, "b": null}]}])), json!([{"a": [{"b": null}]}]));
    }
}
