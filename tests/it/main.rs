//! End to end, on real parts that the tests start themselves: PostgreSQL, DynamoDB, Temporal, and simulators of what lies outside.

mod adapters;
mod allocating;
mod amplification;
mod bad_input;
mod bulk;
mod complaints;
mod console;
mod cost;
mod documented;
mod handing_over;
mod journeys;
mod large_order;
mod matrix;
mod model;
#[cfg(feature = "neighbours")]
mod neighbours;
mod operating;
mod outages;
mod personal_data;
mod pooling;
mod races;
mod recorded;
mod replay;
mod sending;
mod support;
