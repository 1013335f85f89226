//! Orders, as bodies of `POST /v1/orders`.

use std::sync::atomic::{AtomicU32, Ordering};

use oms_domain::ids::{OrderId, Sku};
use serde_json::{Value, json};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// An id that no other test of this run uses: all of them share one Temporal and, most of them, one database.
pub fn unique(kind: &str) -> String {
    format!("{kind}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An order of a customer in Leeds who pays by card; lines are numbered from 1.
#[derive(Debug, Clone)]
pub struct Basket {
    pub body: Value,
}

impl Basket {
    /// Without a line yet.
    pub fn empty() -> Self {
        let body = json!({
            "order_id": unique("T"), "channel": "web", "placed_at": jiff::Timestamp::now().to_string(), "currency": "GBP",
            "customer": {"customer_id": "C-17850", "name": "Ada Example", "email": "ada@example.com"},
            "ship_to": {"name": "Ada Example", "line1": "94 High Street", "city": "Leeds", "country": "GB", "latitude": 53.8, "longitude": -1.55},
            "shipping": {"method": "standard", "price_minor": 0},
            "payment": {"method": "card", "token": "tok_fine"},
            "lines": [],
        });
        Self { body }
    }

    /// One line.
    pub fn of(sku: &Sku, quantity: u32, unit_price_minor: i64) -> Self {
        Self::empty().and(sku, quantity, unit_price_minor)
    }

    /// One more line.
    pub fn and(mut self, sku: &Sku, quantity: u32, unit_price_minor: i64) -> Self {
        if let Some(lines) = self.body["lines"].as_array_mut() {
            let line_id = (lines.len() + 1).to_string();
            lines.push(json!({"line_id": line_id, "sku": sku, "quantity": quantity, "unit_price_minor": unit_price_minor}));
        }
        self
    }

    /// Another payment token: what the gateway does with it is in devstack's gateway module.
    pub fn token(self, token: &str) -> Self {
        self.with("/payment/token", token)
    }

    /// Sets what a JSON pointer names; its parent is there already.
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
        match self.body.pointer_mut(parent).expect("the pointer's parent") {
            Value::Array(elements) => elements[key.parse::<usize>().expect("an index")] = value.into(),
            object => object[key] = value.into(),
        }
        self
    }

    /// Takes a field of the body away.
    pub fn without(mut self, field: &str) -> Self {
        self.body.as_object_mut().and_then(|fields| fields.remove(field)).expect("the field");
        self
    }

    pub fn id(&self) -> OrderId {
        self.body["order_id"].as_str().and_then(|id| id.parse().ok()).expect("an order id")
    }
}
