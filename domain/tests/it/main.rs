//! The domain's rules, tried from outside, without anything running.

mod address;
mod asked_changes;
mod authorizations;
mod bulk;
mod cancellation;
mod changes;
mod claims;
mod deadlines;
mod decisions;
mod docs;
mod fulfillment;
mod journeys;
mod machines;
mod matrix;
mod model;
mod money;
mod moving;
mod parcels;
mod pickup;
mod refunds;
mod returns;
mod screening;
mod sizes;
mod sourcing;
mod support;
