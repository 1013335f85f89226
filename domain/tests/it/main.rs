//! The domain's rules, tried from outside, without anything running.

mod cancellation;
mod chaos;
mod deadlines;
mod docs;
mod fulfillment;
mod journeys;
mod machines;
mod matrix;
mod money;
mod sizes;
mod sourcing;
mod support;
