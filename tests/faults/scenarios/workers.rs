//! Workers are killed, frozen, cut off, and follow each other.

use std::time::Duration;

use tokio::time::sleep;

use super::{Scenario, USUAL};
use crate::{
    breaking::{Way, all_workers_away, everything_away, frozen, killed_at, killed_at_statement, poison},
    clocks,
    deploying::{earlier_build, two_builds},
    ground::Needs,
    http_proxy::Trap,
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "worker_killed",
        about: "one of three workers is killed, again and again",
        fault: fault!(|ground, fault| {
            let mut random = fault.random;
            for _ in 0..4 {
                let n = random.below(ground.workers.len());
                ground.workers[n].kill()?;
                sleep(Duration::from_millis(500 + random.below(1_500) as u64)).await;
                ground.workers[n].start_again()?;
            }
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "all_workers_killed",
        about: "all workers are killed with orders open, and started later",
        short: false,
        orders_min: 200,
        fault: fault!(|ground, _fault| all_workers_away(ground, Duration::from_secs(15)).await),
        ..USUAL
    },
    Scenario {
        name: "killed_at_authorize",
        about: "all workers are killed when one asks for an authorization",
        fault: fault!(|ground, _fault| killed_at(ground, Way::Gateway, Trap { in_call: "POST /v1/authorizations ", after: false }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_authorize",
        about: "all workers are killed when the gateway has authorized and they do not know it yet",
        short: false,
        fault: fault!(|ground, _fault| killed_at(ground, Way::Gateway, Trap { in_call: "POST /v1/authorizations ", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_capture",
        about: "all workers are killed when the gateway has captured and they do not know it yet",
        fault: fault!(|ground, _fault| killed_at(ground, Way::Gateway, Trap { in_call: "/captures", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_at_label",
        about: "all workers are killed when one asks for a label",
        short: false,
        fault: fault!(|ground, _fault| killed_at(ground, Way::Carrier, Trap { in_call: "POST /v1/labels", after: false }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_label",
        about: "all workers are killed when the carrier has made a label and they do not know it yet",
        short: false,
        fault: fault!(|ground, _fault| killed_at(ground, Way::Carrier, Trap { in_call: "POST /v1/labels", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_at_reserve",
        about: "all workers are killed when one asks PostgreSQL for units",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, _fault| killed_at_statement(ground, Trap { in_call: "FROM reserve(", after: false }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_reserve",
        about: "all workers are killed when PostgreSQL has given units and they do not know it yet",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, _fault| killed_at_statement(ground, Trap { in_call: "FROM reserve(", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_at_record",
        about: "all workers are killed when one records in PostgreSQL",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, _fault| killed_at_statement(ground, Trap { in_call: "FROM record_progress(", after: false }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_record",
        about: "all workers are killed when PostgreSQL has recorded and they do not know it yet",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, _fault| killed_at_statement(ground, Trap { in_call: "FROM record_progress(", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_at_document",
        about: "all workers are killed between PostgreSQL and the order's document",
        fault: fault!(|ground, _fault| killed_at(ground, Way::DynamoDb, Trap { in_call: "PutItem", after: false }).await),
        ..USUAL
    },
    Scenario {
        name: "killed_after_document",
        about: "all workers are killed when the document is written and nobody knows it yet",
        short: false,
        fault: fault!(|ground, _fault| killed_at(ground, Way::DynamoDb, Trap { in_call: "PutItem", after: true }).await),
        ..USUAL
    },
    Scenario {
        name: "worker_frozen",
        about: "a worker stands still for 20 s in whatever it does, while others go on",
        fault: fault!(|ground, fault| frozen(ground, fault, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "worker_frozen_long",
        about: "a worker stands still for longer than an idempotency key is leased",
        short: false,
        fault: fault!(|ground, fault| frozen(ground, fault, Duration::from_secs(130)).await),
        ..USUAL
    },
    Scenario {
        name: "server_frozen",
        about: "the API stands still for 20 s",
        short: false,
        fault: fault!(|ground, _fault| {
            ground.server.freeze()?;
            sleep(Duration::from_secs(20)).await;
            ground.server.thaw()
        }),
        ..USUAL
    },
    Scenario {
        name: "server_killed",
        about: "the API is killed, again and again",
        short: false,
        fault: fault!(|ground, _fault| {
            for _ in 0..3 {
                ground.server.kill()?;
                sleep(Duration::from_secs(1)).await;
                ground.server.start_again()?;
                sleep(Duration::from_secs(3)).await;
            }
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "everything_killed",
        about: "the API and all workers are killed at once, again and again",
        short: false,
        orders_min: 48,
        fault: fault!(|ground, _fault| {
            for _ in 0..4 {
                everything_away(ground, Duration::from_secs(1)).await?;
                sleep(Duration::from_secs(6)).await;
            }
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "workers_cut_from_temporal",
        about: "workers reach PostgreSQL and not Temporal for 20 s",
        fault: fault!(|ground, _fault| {
            ground.ways.temporal.cut();
            sleep(Duration::from_secs(20)).await;
            ground.ways.temporal.mend();
            Ok(())
        }),
        ..USUAL
    },
    Scenario {
        name: "task_that_always_fails",
        about: "a run whose task fails for ever is beside the others",
        short: false,
        fault: fault!(|ground, _fault| poison(ground).await),
        ..USUAL
    },
    Scenario {
        name: "two_builds",
        about: "a second build takes over, and the first is drained and goes",
        short: false,
        needs: Needs::Build("b1"),
        fault: fault!(|ground, _fault| two_builds(ground).await),
        ..USUAL
    },
    Scenario {
        name: "earlier_build",
        about: "an earlier build goes on beside this one's schema, hands over to it, takes everything back, and hands over again",
        short: false,
        orders_min: 96,
        needs: Needs::EarlierBuild("b1"),
        fault: fault!(|ground, fault| earlier_build(ground, &fault).await),
        ..USUAL
    },
    Scenario {
        name: "clocks_apart",
        about: "the clocks of a server and a worker are two minutes apart",
        short: false,
        fault: fault!(|ground, _fault| clocks::apart(ground).await),
        ..USUAL
    },
];
