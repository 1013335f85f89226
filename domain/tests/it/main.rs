//! The domain's rules, tried from outside, without anything running.

mod journeys;
mod support;
