//! The one port behind which receivers of all kinds stand.

use std::time::Duration;

use futures_util::future::BoxFuture;
use oms_domain::public_event::PublicEvent;

/// An event on its way to a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub event: PublicEvent,
    /// Its body, byte for byte the same at each attempt.
    pub body: String,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        status: Option<u16>,
        took: Duration,
    },
    Failed(Failed),
    /// The receiver wants nothing more, ever.
    Gone {
        took: Duration,
    },
}

/// Why an event has not arrived, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Of an answer.
    pub status: Option<u16>,
    pub took: Duration,
    /// In words.
    pub why: String,
    /// The first of what was answered.
    pub answer: Option<String>,
    /// The receiver is too busy, or whatever stands before it: it wants to be left alone for so long.
    pub leave_alone: Option<Duration>,
}

/// A way out. Sends events and tells of each what became of it; it never changes their order.
pub trait Outlet: Send + Sync {
    /// The outcome of each, in the order in which they stand.
    fn send<'a>(&'a self, batch: &'a [Delivery]) -> BoxFuture<'a, Vec<Outcome>>;

    /// Most events, each of another subject, that it takes at once.
    fn batch_max(&self) -> usize;
}
