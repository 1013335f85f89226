//! The rules of the house, pure: ids, money, the order and its state machines, the error table. No I/O, no clock, no randomness.

pub mod error;
pub mod ids;
pub mod money;
pub mod placed;
