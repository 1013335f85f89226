//! What happens to orders, from entry to the end: one file a theme.

mod associates;
mod backorder;
mod cancelling;
mod carrier;
mod changing;
mod claims;
mod declined;
mod gateway;
mod giving_back;
mod keys;
mod labels;
mod lost;
mod money;
mod moving;
mod noting;
mod parting;
mod pickup;
mod placing;
mod racing;
mod reading;
mod refunding;
mod reserving;
mod returns;
mod screening;
mod sourcing;
mod waiting;
