//! The commands that are clients of the HTTP API, and what they share.

pub mod account;
pub mod allocation;
mod amount;
mod api;
pub mod approval;
pub mod bulk;
mod change;
pub mod claim;
pub mod customer;
pub mod event;
pub mod exchange;
pub mod facility;
pub mod feed;
pub mod fulfillment;
pub mod inbox;
pub mod insights;
pub mod insights_report;
mod note;
pub mod open;
pub mod order;
mod order_text;
mod paging;
mod payment;
pub mod person;
pub mod product;
pub mod promise;
pub mod raw;
pub mod reservation;
pub mod returns;
mod selection;
pub mod station;
pub mod stock;
mod upload;
mod watch;
pub(crate) mod words;

pub use api::Api;
