//! The domain's rules, tried from outside, without anything running.

mod cancellation;
mod deadlines;
mod fulfillment;
mod journeys;
mod money;
mod sourcing;
mod support;
