//! The wire: bodies of the HTTP API and rows of feeds, read with every error collected; problem documents.
//!
//! Wire types are written and described here (serde, OpenAPI) and read by hand-made readers over a JSON tree (`reader`), which name
//! each wrong field. They turn into domain types by explicit conversions.

pub mod countries;
pub mod order;
pub mod problem;
pub mod reader;
