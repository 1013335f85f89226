//! The faults, by what breaks.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    checker, deploying,
    driver::{Driver, Plan, Scans},
    ground::{Ground, Needs},
    random::Random,
    report::Outcome,
};

macro_rules! fault {
    (|$ground:ident, $fault:ident| $body:expr) => {
        |$ground, $fault| Box::pin(async move { $body })
    };
}

mod companies;
mod dynamodb;
mod messages;
mod postgres;
mod temporal;
mod workers;

/// The default token, with which the gateway does what it is asked.
const FINE: &str = "tok_fine";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// As long as the shop works on after a fault is over, beside the time to settle.
const FINISHED_WITHIN: Duration = Duration::from_secs(180);

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
    /// Who has the orders go through.
    pub driver: Arc<Driver>,
}

type Doing<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

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

/// Those, and nothing that breaks before them.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    const NONE: &[Scenario] = &[USUAL];
    let each = [
        NONE,
        workers::SCENARIOS,
        temporal::SCENARIOS,
        postgres::SCENARIOS,
        dynamodb::SCENARIOS,
        companies::SCENARIOS,
        messages::SCENARIOS,
    ];
    each.into_iter().flatten()
}

/// Has orders go through while the fault is done, and counts afterwards.
pub async fn play(scenario: &Scenario, ground: &mut Ground, plan: &Plan) -> Result<Outcome> {
    let begun = Instant::now();
    let mut driver = Driver::open(&ground.api, plan, scenario.token).await?;
    driver.scans = scenario.scans;
    let driver = Arc::new(driver);
    if let Some(build) = scenario.needs.build() {
        deploying::current(ground, build).await?;
    }
    println!("{}: {}", scenario.name, scenario.about);
    let fault = Fault { random: Random::new(plan.seed ^ 0xF0), driver: driver.clone() };
    let mut times = 0;
    let breaking = async {
        // In the middle of the work: some are placed, none is done.
        while driver.accepted().is_empty() {
            sleep(LOOK_EVERY).await;
        }
        let until = Instant::now() + plan.go_on;
        while times == 0 || Instant::now() < until {
            (scenario.fault)(ground, fault.clone()).await?;
            times += 1;
        }
        anyhow::Ok(())
    };
    // Nobody waits for the fault to be over: the shop goes on.
    match select(pin!(breaking), pin!(driver.work())).await {
        Either::Left((broken, working)) => {
            broken?;
            // What is not finished by then is for the checker to tell.
            timeout(plan.settle + FINISHED_WITHIN, working).await.unwrap_or(Ok(()))?;
        }
        Either::Right((worked, breaking)) => {
            worked?;
            breaking.await?;
        }
    }
    let counters = checker::settle(ground, &driver, plan.settle).await?;
    let (accepted, finished) = (driver.accepted().len(), driver.finished_count());
    Ok(Outcome { orders: plan.orders, accepted, finished, times, took: begun.elapsed(), counters })
}
