//! The store on the real PostgreSQL and DynamoDB, which the tests start themselves.

mod reserve;
mod stack;
mod support;
