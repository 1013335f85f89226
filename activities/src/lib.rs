//! Side effects: the activities behind the workflows' contracts, and the adapters to the systems outside the house.

pub mod adapters;
mod data;
mod failure;
mod fraud;
mod orders;
mod payments;
pub mod ports;
mod shipping;

pub use self::{
    data::DataActivities, fraud::FraudActivities, orders::OrderActivities, payments::PaymentActivities, shipping::ShippingActivities,
};
