//! End to end, on real parts that the tests start themselves: PostgreSQL, DynamoDB, Temporal, and simulators of what lies outside.

mod bad_input;
mod cost;
mod journeys;
mod outages;
mod races;
mod support;
