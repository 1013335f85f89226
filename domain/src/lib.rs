//! The rules of the house, pure: ids, money, the order and its state machines, the error table. No I/O, no clock, no randomness.

pub mod access;
pub mod address;
pub mod bulk;
pub mod carried;
pub mod change;
pub mod clock;
mod currencies;
pub mod error;
pub mod event_id;
pub mod feed;
pub mod free_text;
pub mod fulfillment;
pub mod ids;
mod kinds;
pub mod machine;
pub mod money;
pub mod note;
pub mod order;
pub mod parcel;
pub mod payment;
pub mod placed;
pub mod policy;
pub mod reservation;
pub mod returns;
pub mod taken;
mod waits;
