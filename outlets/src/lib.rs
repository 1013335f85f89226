//! Events on their way out: who is sent what, when again, and how each receiver is spoken to.
//!
//! The outbox is the queue. Each endpoint has a cursor in 16 lanes of it; servers share the lanes by leases, so that none delivers out of order
//! for an order. What fails holds back its own subject and nothing else.

mod body;
mod cloud;
mod dispatch;
mod guard;
mod outlet;
mod signature;
mod ways;
mod webhook;

pub use self::{
    body::body,
    cloud::{Arn, Cloud, CloudError, CloudName, CloudNames, Fetched, Files, InvalidCloudNames, Object, Queue, RefusedName},
    dispatch::{Dispatcher, DispatcherOptions},
    guard::{Guard, InvalidNetworks, Networks, RefusedUrl},
    outlet::{Delivery, Outcome, Outlet},
    signature::{Secret, sign, verify},
    ways::{RefusedAddress, Ways},
};
