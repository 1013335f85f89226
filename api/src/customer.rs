//! A customer's page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{order::OrderSummary, returns::ReturnSummary};

/// What the house knows of a customer: what they ordered, what came back, and for how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    pub customer_id: String,
    /// The newest 50; `GET /v1/orders?customer_id=` has all.
    pub orders: Vec<OrderSummary>,
    /// The newest 50 returns of the orders looked at.
    pub returns: Vec<ReturnSummary>,
    /// By currency, of the orders looked at, but for those that were cancelled or came to nothing.
    pub ordered: Vec<OrderedView>,
    /// Of the customer's newest 1,000, those that whoever asks knows of.
    pub orders_looked_at: u32,
}

/// What was ordered in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderedView {
    #[schema(examples("GBP"))]
    pub currency: String,
    pub orders: u32,
    /// What these orders come to, in minor units.
    pub total_minor: i64,
}
