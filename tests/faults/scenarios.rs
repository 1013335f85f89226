//! The faults.

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::{
    breaking::{
        Way, all_workers_away, answers, connections_used_up, degraded, frozen, killed_at, page, poison, read_only, run_reset,
        run_terminated, temporal_away, two_builds,
    },
    checker,
    driver::{Driver, Plan, Scans},
    ground::{Ground, Needs},
    http_proxy::{Mode, Trap},
    random::Random,
    report::Outcome,
};

/// The default token, with which the gateway does what it is asked.
const FINE: &str = "tok_fine";

/// A fault: it is done to the ground while orders go through, and undone.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it is quick enough to be tried before each change lands.
    pub short: bool,
    pub needs: Needs,
    pub orders_min: usize,
    token: fn(usize) -> &'static str,
    scans: Scans,
    fault: fn(&mut Ground, Fault) -> Doing<'_>,
}

/// What a fault may want to know.
#[derive(Clone)]
pub struct Fault {
    pub random: Random,
    /// Of the orders that go through.
    pub order_ids: Vec<String>,
}

type Doing<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

macro_rules! fault {
    (|$ground:ident, $fault:ident| $body:expr) => {
        |$ground, $fault| Box::pin(async move { $body })
    };
}

const USUAL: Scenario = Scenario {
    name: "none",
    about: "nothing breaks: the measure of all others",
    short: true,
    needs: Needs::Nothing,
    orders_min: 0,
    token: |_| FINE,
    scans: Scans::InOrder,
    fault: fault!(|_ground, _fault| Ok(())),
};

pub const SCENARIOS: &[Scenario] = &[
    USUAL,
    // Workers.
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
    // Temporal.
    Scenario {
        name: "temporal_killed",
        about: "Temporal is killed and started",
        fault: fault!(|ground, _fault| temporal_away(ground, Duration::ZERO).await),
        ..USUAL
    },
    Scenario {
        name: "temporal_away",
        about: "Temporal is away for a minute",
        short: false,
        fault: fault!(|ground, _fault| temporal_away(ground, Duration::from_secs(60)).await),
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
    // PostgreSQL.
    Scenario {
        name: "postgres_killed",
        about: "PostgreSQL is killed and started",
        fault: fault!(|ground, _fault| {
            ground.postgres.kill().await?;
            Ok(ground.postgres.start_again().await?)
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
            Ok(ground.postgres.start_again().await?)
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
    // DynamoDB.
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
    // The companies.
    Scenario {
        name: "gateway_answers_lost",
        about: "the gateway does what it is asked, and one answer in three is lost",
        fault: fault!(|ground, _fault| degraded(ground, Way::Gateway, Mode::LoseAnswers { percent: 33 }, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "gateway_500_for_one_key",
        about: "the gateway answers 500 for one order, for ever: a person is told, the others go on",
        short: false,
        token: |n| if n == 0 { "tok_errors_1000000" } else { FINE },
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
    Scenario {
        name: "gateway_429",
        about: "the gateway has had too many calls, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Gateway,
            answers(429, "{\"status\":\"refused\",\"code\":\"rate_limited\"}"),
            Duration::from_secs(20)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "gateway_down",
        about: "the gateway answers 503 for 30 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Gateway,
            answers(503, "{\"status\":\"refused\",\"code\":\"down\"}"),
            Duration::from_secs(30)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "gateway_other_kind",
        about: "a proxy of the gateway answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Gateway, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_answers_lost",
        about: "the carrier makes labels, and one answer in three is lost",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, Mode::LoseAnswers { percent: 33 }, Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "carrier_down",
        about: "the carrier answers 503 for 30 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(
            ground,
            Way::Carrier,
            answers(503, "{\"status\":\"refused\",\"code\":\"down\"}"),
            Duration::from_secs(30)
        )
        .await),
        ..USUAL
    },
    Scenario {
        name: "carrier_other_kind",
        about: "a proxy of the carrier answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Carrier, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "fraud_down",
        about: "the fraud check answers 503 for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Fraud, answers(503, "{}"), Duration::from_secs(20)).await),
        ..USUAL
    },
    Scenario {
        name: "fraud_other_kind",
        about: "a proxy of the fraud check answers 200 with a page for people, for 20 s",
        short: false,
        fault: fault!(|ground, _fault| degraded(ground, Way::Fraud, page(), Duration::from_secs(20)).await),
        ..USUAL
    },
    // Messages.
    Scenario {
        name: "scans_disorderly",
        about: "the carrier's scans come twice, and the last one first",
        scans: Scans::Disorderly,
        fault: fault!(|_ground, _fault| Ok(())),
        ..USUAL
    },
];

/// Has orders go through while the fault is done, and counts afterwards.
pub async fn play(scenario: &Scenario, ground: &mut Ground, plan: &Plan) -> Result<Outcome> {
    let begun = Instant::now();
    let mut driver = Driver::open(&ground.api, plan, scenario.token).await?;
    driver.scans = scenario.scans;
    if scenario.needs != Needs::Nothing {
        ground.command(&["deploy", "set-current", "b1"]).await?;
    }
    println!("{}: {}", scenario.name, scenario.about);
    let fault =
        Fault { random: Random::new(plan.seed ^ 0xF0), order_ids: driver.orders.iter().map(|order| order.order_id.clone()).collect() };
    let mut times = 0;
    let breaking = async {
        // In the middle of the work: some are placed, none is done.
        sleep(Duration::from_secs(2)).await;
        let until = Instant::now() + plan.go_on;
        while times == 0 || Instant::now() < until {
            (scenario.fault)(ground, fault.clone()).await?;
            times += 1;
        }
        anyhow::Ok(())
    };
    // Nobody waits for the fault to be over: the shop goes on.
    let working = driver.finish(plan.settle + plan.go_on + Duration::from_secs(180));
    tokio::try_join!(breaking, working)?;
    let counters = checker::settle(ground, &driver, plan.settle).await?;
    let (accepted, finished) = (driver.accepted().len(), driver.finished_count());
    Ok(Outcome { orders: plan.orders, accepted, finished, times, took: begun.elapsed(), counters })
}
