//! The store on the real PostgreSQL and DynamoDB, which the tests start themselves.

mod record;
mod reserve;
mod stack;
mod support;
mod waiting;
