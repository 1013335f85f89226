//! DynamoDB refuses, is slow or away, or forgets.

use std::time::Duration;

use super::{Scenario, USUAL};
use crate::{
    breaking::{Way, degraded},
    http_proxy::Mode,
    restoring::{Store, restored},
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "dynamodb_throttled",
        about: "DynamoDB refuses every write for 15 s",
        fault: fault!(|ground, _fault| degraded(ground, Way::DynamoDb, Mode::ThrottleWrites, Duration::from_secs(15)).await),
        ..USUAL
    },
    Scenario {
        name: "dynamodb_slow",
        about: "every call to DynamoDB takes 1.5 s longer, for 30 s",
        short: false,
        fault: fault!(
            |ground, _fault| degraded(ground, Way::DynamoDb, Mode::Slow(Duration::from_millis(1_500)), Duration::from_secs(30)).await
        ),
        ..USUAL
    },
    Scenario {
        name: "dynamodb_away",
        about: "DynamoDB is away for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::DynamoDb, Mode::Away, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "dynamodb_restored",
        about: "DynamoDB is put back to an earlier minute, and the books are repaired",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, fault| restored(ground, fault, Store::DynamoDb).await),
        ..USUAL
    },
];
