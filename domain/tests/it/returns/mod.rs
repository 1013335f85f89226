//! Returns and their order, each by its own rules, joined by nothing but what they ask each other.

mod exchange_sequences;
mod exchanges;
mod journeys;
mod matrix;
mod sequences;
pub mod support;
mod waits;
