//! The wire: bodies of the HTTP API and rows of feeds, read with every error collected; problem documents.
//!
//! Wire types are written and described here (serde, OpenAPI) and read by hand-made readers over a JSON tree (`reader`), which name
//! each wrong field. They turn into domain types by explicit conversions.

pub mod account;
pub mod actor;
pub mod approval;
pub mod attention;
pub mod audit;
pub mod availability;
pub mod barcode;
pub mod bulk;
pub mod cancellation;
pub mod carrier;
pub mod change;
pub mod claim;
pub mod countries;
pub mod customer;
pub mod decision;
pub mod endpoint;
pub mod event;
pub mod exception;
pub mod exchange;
pub mod facility;
pub mod feed;
pub mod find;
pub mod fulfillment;
pub mod hold;
pub mod inbox;
pub mod inlet;
pub mod insights;
pub mod maintenance;
pub mod manifest;
pub mod mapping;
pub mod note;
pub mod nothing;
pub mod order;
pub mod page;
pub mod person;
pub mod possible;
pub mod problem;
pub mod product;
pub mod promise;
pub mod provider;
pub mod reader;
pub mod refund;
pub mod reservation;
pub mod resolve_label;
pub mod resolve_payment;
pub mod returns;
mod secret;
pub mod station;
pub mod stock;
pub mod vocabulary;
