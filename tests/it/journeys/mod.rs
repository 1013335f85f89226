//! What happens to orders, from entry to the end: one file a theme.

mod associates;
mod backorder;
mod cancelling;
mod carrier;
mod declined;
mod gateway;
mod keys;
mod labels;
mod money;
mod placing;
mod racing;
mod reading;
mod sourcing;
mod waiting;
