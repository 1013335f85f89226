//! Side effects: the activities behind the workflows' contracts, and the adapters to the systems outside the house.

pub mod adapters;
mod bulk;
mod data;
mod failure;
mod fraud;
pub mod guard;
mod maintenance;
mod orders;
mod payments;
pub mod ports;
mod providers;
mod rule_file;
mod shipping;

pub use self::{
    bulk::BulkActivities,
    data::DataActivities,
    fraud::FraudActivities,
    maintenance::MaintenanceActivities,
    orders::OrderActivities,
    payments::PaymentActivities,
    providers::{Provider, Providers},
    rule_file::{RuleFile, RuleFileError},
    shipping::ShippingActivities,
};
