//! Temporal is away, or forgets.

use std::time::Duration;

use super::{Scenario, USUAL};
use crate::{
    breaking::{run_reset, run_terminated, temporal_away},
    restoring::{Store, restored},
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "temporal_killed",
        about: "Temporal is killed and started",
        fault: fault!(|ground, _fault| temporal_away(ground, Duration::ZERO).await),
        ..USUAL
    },
    Scenario {
        name: "temporal_away",
        about: "Temporal is away for five minutes",
        short: false,
        fault: fault!(|ground, _fault| temporal_away(ground, Duration::from_secs(300)).await),
        ..USUAL
    },
    Scenario {
        name: "run_reset",
        about: "somebody resets an order's run to its beginning",
        short: false,
        fault: fault!(|ground, fault| run_reset(ground, &fault).await),
        ..USUAL
    },
    Scenario {
        name: "run_terminated",
        about: "somebody terminates an order's run",
        short: false,
        fault: fault!(|ground, fault| run_terminated(ground, &fault).await),
        ..USUAL
    },
    Scenario {
        name: "temporal_restored",
        about: "Temporal is put back to an earlier minute, and the books are repaired",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, fault| restored(ground, fault, Store::Temporal).await),
        ..USUAL
    },
];
