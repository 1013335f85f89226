//! The store on the real PostgreSQL and DynamoDB, which the tests start themselves.

mod bench;
mod bulks;
mod capacity;
mod carrier;
mod codes;
mod facts;
mod feeds;
mod functions;
mod holds;
mod idempotency;
mod inbox;
mod large;
mod lists;
mod order_store;
mod outbox;
mod placed;
mod record;
mod reserve;
mod returns;
mod snapshots;
mod stack;
mod stock_prices;
mod support;
mod sweep;
mod trouble;
mod waiting;
