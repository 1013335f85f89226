//! Messages come late, twice, out of order, and in pieces.

use super::{Scenario, USUAL};
use crate::{driver::Scans, feeds};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "scans_disorderly",
        about: "the carrier's scans come twice, and the last one first",
        scans: Scans::Disorderly,
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
    Scenario {
        name: "scans_late",
        about: "the carrier's scans are told a day late",
        short: false,
        scans: Scans::Late,
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
    Scenario {
        name: "scans_ahead",
        about: "the carrier's clock is days ahead, and the first scans are the furthest",
        short: false,
        scans: Scans::Ahead,
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
    Scenario {
        name: "feeds_disorderly",
        about: "receipts break off, come twice, and twice at once",
        short: false,
        fault: fault!(|ground, fault| feeds::disorderly(ground, fault).await),
        ..USUAL
    },
];
