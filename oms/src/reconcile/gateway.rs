//! The payment gateway's books, as a settlement report would give them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use oms_domain::{
    ids::OrderId,
    order::Order,
    payment::{Operation, OperationKind, OperationStatus, operation_key},
};
use reqwest::Client;
use serde::Deserialize;

/// Operations asked for at a time.
const PAGE: u32 = 1_000;

/// A gateway that lists its operations (devstack's does; `GET /v1/operations`).
#[derive(Debug, Clone)]
pub struct GatewayBooks {
    http: Client,
    base_url: String,
}

/// Everything the gateway did, by key.
#[derive(Debug, Default)]
pub(super) struct Charged {
    by_key: BTreeMap<String, Booked>,
    keys_of: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Deserialize)]
struct Booked {
    key: String,
    /// What it made.
    #[serde(default)]
    id: String,
    kind: OperationKind,
    /// `succeeded`, `declined` or `refused`.
    status: String,
    /// What the house calls it by: the order.
    reference: String,
    amount_minor: i64,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Booked>,
    next_after: Option<u64>,
}

impl GatewayBooks {
    /// The books of the gateway at this base URL.
    pub fn new(http: Client, base_url: impl Into<String>) -> Self {
        Self { http, base_url: base_url.into() }
    }

    /// What was done for these orders.
    pub(super) async fn operations_of(&self, ids: &[OrderId]) -> Result<Charged> {
        let mut charged = Charged::default();
        // An id has no comma.
        let references = ids.iter().map(OrderId::as_str).collect::<Vec<_>>().join(",");
        let mut after = Some(0);
        while let Some(from) = after {
            let page = self.page(from, Some(&references)).await?;
            page.items.into_iter().for_each(|booked| charged.add(booked));
            after = page.next_after;
        }
        Ok(charged)
    }

    /// Shows whom anything was done for, page by page; the same order may come again.
    pub(super) async fn everybody(&self, mut some: impl AsyncFnMut(Vec<OrderId>) -> Result<()>) -> Result<()> {
        let mut after = Some(0);
        while let Some(from) = after {
            let page = self.page(from, None).await?;
            let ids: BTreeSet<OrderId> = page.items.iter().filter_map(|booked| OrderId::parse(booked.reference.as_str()).ok()).collect();
            some(ids.into_iter().collect()).await?;
            after = page.next_after;
        }
        Ok(())
    }

    async fn page(&self, after: u64, references: Option<&str>) -> Result<Page> {
        let url = format!("{}/v1/operations", self.base_url);
        let page = [("after", after.to_string()), ("limit", PAGE.to_string())];
        let reference = references.map(|ids| ("reference", ids.to_owned()));
        let answer = self.http.get(url).query(&page).query(&reference.as_slice()).send().await;
        Ok(answer.and_then(reqwest::Response::error_for_status).context("the gateway's books")?.json().await?)
    }
}

impl Charged {
    fn add(&mut self, booked: Booked) {
        self.keys_of.entry(booked.reference.clone()).or_default().insert(booked.key.clone());
        self.by_key.insert(booked.key.clone(), booked);
    }

    pub(super) fn has_operations_of(&self, order_id: &OrderId) -> bool {
        self.keys_of.contains_key(order_id.as_str())
    }

    /// How the order's ledger and the gateway's differ, operation by operation.
    pub(super) fn difference(&self, order: &Order) -> Option<String> {
        let order_id = &order.core.order_id;
        let mut unknown_to_us = self.keys_of.get(order_id.as_str()).cloned().unwrap_or_default();
        for payment in order.payments.iter().filter(|payment| payment.uses_gateway()) {
            for operation in &payment.operations {
                // What a checkout has authorized the gateway knows by the checkout's key.
                let handed_over = payment.authorization.is_some() && payment.authorization == operation.reference;
                let made = handed_over.then(|| self.made(order_id, operation)).flatten();
                let key = made.unwrap_or_else(|| operation_key(order_id, &payment.payment_id, operation.number));
                unknown_to_us.remove(&key);
                // It may be of more than the order needs, and so may be what is given back of it.
                let exact = payment.authorization.is_none() || matches!(operation.kind, OperationKind::Capture | OperationKind::Refund);
                if let Some(why) = self.differs(&key, operation, exact) {
                    return Some(format!("{} {key}: {why}", operation.kind.as_str()));
                }
            }
        }
        unknown_to_us.first().map(|key| format!("the gateway has an operation {key}, the order has none"))
    }

    /// The key under which the gateway made what the operation is about.
    fn made(&self, order_id: &OrderId, operation: &Operation) -> Option<String> {
        let keys = self.keys_of.get(order_id.as_str())?;
        keys.iter().find(|key| self.by_key.get(*key).is_some_and(|booked| Some(&booked.id) == operation.reference.as_ref())).cloned()
    }

    fn differs(&self, key: &str, operation: &Operation, exact: bool) -> Option<String> {
        let booked = self.by_key.get(key);
        match operation.status {
            // Not answered yet: either story is possible.
            OperationStatus::Pending | OperationStatus::Unknown => None,
            OperationStatus::Failed => {
                booked.filter(|booked| booked.status == "succeeded").map(|_| "failed here, succeeded at the gateway".to_owned())
            }
            OperationStatus::Succeeded => match booked {
                None => Some("succeeded here, unknown to the gateway".to_owned()),
                Some(booked) if booked.status != "succeeded" => Some(format!("succeeded here, {} at the gateway", booked.status)),
                Some(booked) if booked.kind != operation.kind => Some(format!("the gateway has it as {}", booked.kind.as_str())),
                Some(booked) if booked.amount_minor > operation.amount_minor && !exact => None,
                Some(booked) if booked.amount_minor != operation.amount_minor => {
                    Some(format!("{} here, {} at the gateway (minor units)", operation.amount_minor, booked.amount_minor))
                }
                Some(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::{Figure, order::judge, pages::Pages};

    #[test]
    fn operations_of_an_order_that_nobody_placed_are_found_whenever_it_is_looked_at() {
        let operation = json!({"key": "A/default/1", "kind": "authorize", "status": "succeeded", "reference": "A", "amount_minor": 500});
        let mut charged = Charged::default();
        charged.add(serde_json::from_value(operation).unwrap());
        let mut pages = Pages::default();
        pages.charged = Some(charged);
        let found = judge(&pages, &"A".parse().unwrap());
        assert_eq!(found.iter().map(|found| found.figure).collect::<Vec<_>>(), [Figure::MoneyMismatches]);
        assert_eq!(judge(&pages, &"B".parse().unwrap()), []);
    }
}
