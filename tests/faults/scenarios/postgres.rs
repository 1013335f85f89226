//! PostgreSQL is away, takes nothing, or forgets.

use std::time::Duration;

use tokio::time::sleep;

use super::{Scenario, USUAL};
use crate::{
    breaking::{connections_used_up, read_only, start_again},
    moving::moved,
    restoring::{Store, promoted, promoted_behind, restored},
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "postgres_killed",
        about: "PostgreSQL is killed and started",
        fault: fault!(|ground, _fault| {
            ground.postgres.kill().await?;
            start_again(&mut ground.postgres).await
        }),
        ..USUAL
    },
    Scenario {
        name: "postgres_away",
        about: "PostgreSQL is away for 60 s",
        short: false,
        fault: fault!(|ground, _fault| {
            ground.postgres.kill().await?;
            sleep(Duration::from_secs(60)).await;
            start_again(&mut ground.postgres).await
        }),
        ..USUAL
    },
    Scenario {
        name: "postgres_unreachable",
        about: "nobody reaches PostgreSQL for 15 s, which goes on with what it has begun",
        short: false,
        fault: fault!(|ground, _fault| {
            ground.ways.postgres.cut();
            sleep(Duration::from_secs(15)).await;
            ground.ways.postgres.mend();
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "postgres_read_only",
        about: "PostgreSQL takes no writes for 15 s, as a standby that is not promoted yet",
        short: false,
        fault: fault!(|ground, _fault| {
            read_only(ground, true).await?;
            sleep(Duration::from_secs(15)).await;
            read_only(ground, false).await
        }),
        ..USUAL
    },
    Scenario {
        name: "postgres_full",
        about: "others use all connections of PostgreSQL up for 15 s",
        short: false,
        fault: fault!(|ground, _fault| connections_used_up(ground).await),
        ..USUAL
    },
    Scenario {
        name: "postgres_failover",
        about: "a standby that had got everything takes over",
        short: false,
        fault: fault!(|ground, _fault| promoted(ground).await),
        ..USUAL
    },
    Scenario {
        name: "postgres_failover_behind",
        about: "a standby that had not got the last of it takes over while all goes on, and the books are repaired",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, fault| promoted_behind(ground, fault).await),
        ..USUAL
    },
    Scenario {
        name: "postgres_restored",
        about: "PostgreSQL is put back to an earlier minute, and the books are repaired",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, fault| restored(ground, fault, Store::Postgres).await),
        ..USUAL
    },
    Scenario {
        name: "postgres_moved",
        about: "PostgreSQL's data goes to another server, whose transactions begin anew",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, fault| moved(ground, fault).await),
        ..USUAL
    },
];
