//! Builds that follow each other under the orders' feet.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{ground::Ground, process::Program, scenarios::Fault};

/// As long as a build that goes may take to hand its orders over.
const DRAINED_WITHIN: Duration = Duration::from_secs(600);
/// A build is known to Temporal once its workers have polled.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);
const WORKERS: usize = 2;
/// Orders that are finished by each build before the next one comes.
const FINISHED: usize = 6;
const GO_ON_FOR: Duration = Duration::from_secs(30);

/// Makes the build that which new orders begin on.
pub async fn current(ground: &Ground, build: &str) -> Result<()> {
    let until = Instant::now() + KNOWN_WITHIN;
    loop {
        match ground.command(&["deploy", "set-current", build]).await {
            Err(_) if Instant::now() < until => sleep(Duration::from_secs(1)).await,
            made => return made,
        }
    }
}

/// Workers of this program's build come beside those of the first, which is drained and goes.
pub async fn two_builds(ground: &mut Ground) -> Result<()> {
    let first = ground.workers.len();
    ground.add_workers(&Program::This, WORKERS, Some("b2"))?;
    taken_over(ground, "b2").await?;
    stop_workers(ground, 0..first).await
}

/// An earlier build works on the schema and functions of this one, hands over to it, takes everything back, and hands over again. All the
/// while orders come, are worked on and sleep, until no run of a build that goes is left.
pub async fn earlier_build(ground: &mut Ground, fault: &Fault) -> Result<()> {
    let earlier = ground.server.program().clone();
    let first = ground.workers.len();
    fault.driver.let_sleep(true);
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    // The schema goes first, under the earlier build's feet.
    ground.command(&["setup"]).await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    ground.add_workers(&Program::This, WORKERS, Some("b2"))?;
    ground.server.replace(&Program::This).await?;
    ground.until_ready().await?;
    taken_over(ground, "b2").await?;
    stop_workers(ground, 0..first).await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    // And back: the earlier one reads what this one has written.
    ground.workers[..first].iter_mut().try_for_each(|worker| worker.start_again())?;
    ground.server.replace(&earlier).await?;
    ground.until_ready().await?;
    taken_over(ground, "b1").await?;
    let all = ground.workers.len();
    stop_workers(ground, first..all).await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    ground.workers[first..].iter_mut().try_for_each(|worker| worker.start_again())?;
    ground.server.replace(&Program::This).await?;
    ground.until_ready().await?;
    taken_over(ground, "b2").await?;
    fault.driver.let_sleep(false);
    stop_workers(ground, 0..first).await
}

async fn stop_workers(ground: &mut Ground, which: std::ops::Range<usize>) -> Result<()> {
    for worker in &mut ground.workers[which] {
        worker.stop().await?;
    }
    Ok(())
}

/// New orders begin on the build, and every open one has gone over to it.
async fn taken_over(ground: &Ground, build: &str) -> Result<()> {
    current(ground, build).await?;
    let begun = Instant::now();
    let timeout = DRAINED_WITHIN.as_secs().to_string();
    let drained = ground.ask(&["deploy", "drain", "--per-second", "50", "--timeout", &timeout, "-o", "json"]).await?;
    let builds = drained["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let left: Vec<&Value> = builds.iter().filter(|it| it["build_id"] != build && it["open_runs"] != 0).collect();
    ensure!(left.is_empty(), "drained, and there are {left:?}");
    println!("  {build} has taken over after {} s", begun.elapsed().as_secs());
    Ok(())
}
