//! Stores that are put back to how they were some time ago.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use oms_devstack::DynamoDb;
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::Command,
    time::{Instant, sleep},
};

use crate::{breaking::start_again, ground::Ground, scenarios::Fault};

/// Orders that are finished before the copy, and again until it is needed, and how long they have for it.
pub const FINISHED: usize = 6;
pub const GO_ON_FOR: Duration = Duration::from_secs(20);
/// A server that finds it takes what is written there for all there is, and is a primary from then on.
const PROMOTE: &str = "recovery.signal";
const NO_MORE_LOG: &str = "restore_command = 'false'\n";

/// What keeps something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    Temporal,
    Postgres,
    DynamoDb,
}

impl Store {
    fn data(self) -> &'static str {
        match self {
            Self::Temporal => "temporal/postgres/data",
            Self::Postgres => "oms/postgres/data",
            Self::DynamoDb => "oms/dynamodb",
        }
    }

    async fn down(self, ground: &mut Ground) -> Result<()> {
        match self {
            Self::Temporal => {
                ground.temporal.kill().await?;
                ground.temporal_postgres.kill().await?;
            }
            Self::Postgres => ground.postgres.kill().await?,
            Self::DynamoDb => ground.dynamodb.take().context("DynamoDB runs")?.stop().await?,
        }
        Ok(())
    }

    async fn up(self, ground: &mut Ground) -> Result<()> {
        match self {
            Self::Temporal => {
                start_again(&mut ground.temporal_postgres).await?;
                ground.temporal.start_again().await?;
            }
            Self::Postgres => start_again(&mut ground.postgres).await?,
            Self::DynamoDb => {
                let port = ground.ways.dynamodb.to().rsplit(':').next().and_then(|port| port.parse().ok());
                let dynamodb = DynamoDb::start(&ground.home, port)?;
                ensure!(dynamodb.endpoint() == ground.ways.dynamodb.to(), "somebody else has taken DynamoDB's port");
                ground.dynamodb = Some(dynamodb);
            }
        }
        Ok(())
    }
}

/// The store is put back to how it was while orders were open, and the books are brought together again.
pub async fn restored(ground: &mut Ground, fault: Fault, store: Store) -> Result<()> {
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    let copied = copy_of(ground, store).await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    // Nobody restores under those who write.
    ground.server.stop().await?;
    for worker in &mut ground.workers {
        worker.stop().await?;
    }
    store.down(ground).await?;
    put_back(ground, store, &copied).await?;
    store.up(ground).await?;
    ground.workers.iter_mut().try_for_each(|worker| worker.start_again())?;
    ground.server.start_again()?;
    ground.until_ready().await?;
    // Whether PostgreSQL was put back shows; of the others it must be said.
    let flag = if store == Store::Temporal { &["--restored"][..] } else { &[] };
    repaired(ground, &fault, flag).await
}

/// A standby takes over which had got all there was.
pub async fn promoted(ground: &mut Ground) -> Result<()> {
    ground.postgres.kill().await?;
    promote(&ground.folder().join(Store::Postgres.data())).await?;
    start_again(&mut ground.postgres).await
}

/// A standby takes over, under everybody's hands, which had not got the last that there was.
pub async fn promoted_behind(ground: &mut Ground, fault: Fault) -> Result<()> {
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    let copied = copy_of(ground, Store::Postgres).await?;
    promote(&copied).await?;
    fault.driver.go_on(FINISHED, GO_ON_FOR).await;
    ground.postgres.kill().await?;
    put_back(ground, Store::Postgres, &copied).await?;
    start_again(&mut ground.postgres).await?;
    repaired(ground, &fault, &[]).await
}

async fn promote(data: &Path) -> Result<()> {
    tokio::fs::write(data.join(PROMOTE), "").await?;
    let mut settings = tokio::fs::OpenOptions::new().append(true).open(data.join("postgresql.auto.conf")).await?;
    settings.write_all(NO_MORE_LOG.as_bytes()).await?;
    Ok(settings.flush().await?)
}

/// The store as it is in this moment, as if its machine had lost its power.
async fn copy_of(ground: &mut Ground, store: Store) -> Result<PathBuf> {
    let copied = ground.folder().join(format!("{store:?}.copy"));
    if copied.exists() {
        tokio::fs::remove_dir_all(&copied).await?;
    }
    store.down(ground).await?;
    copy(&ground.folder().join(store.data()), &copied).await?;
    store.up(ground).await?;
    Ok(copied)
}

pub async fn put_back(ground: &Ground, store: Store, copied: &Path) -> Result<()> {
    let data = ground.folder().join(store.data());
    let until = Instant::now() + LAST_WRITES_WITHIN;
    // What served connections notices a little later that its server was killed, and writes until then.
    while let Err(error) = tokio::fs::remove_dir_all(&data).await {
        ensure!(Instant::now() < until, "{} cannot be removed: {error}", data.display());
        sleep(Duration::from_millis(100)).await;
    }
    copy(copied, &data).await
}

const LAST_WRITES_WITHIN: Duration = Duration::from_secs(10);

/// A folder and all in it, with its owners.
async fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().await?;
    ensure!(copied.success(), "{} was not copied", from.display());
    Ok(())
}

/// What came in since is told again, and the books are brought together.
async fn repaired(ground: &mut Ground, fault: &Fault, flag: &[&str]) -> Result<()> {
    fault.driver.bring_rare().await;
    let repaired = ground.ask(&[&["repair", "--apply", "-o", "json"], flag].concat()).await?;
    println!("  repair: {}", summary(&repaired)?);
    ground.gone.read(&repaired)?;
    fault.driver.give_up(&ground.gone.intakes);
    Ok(())
}

pub fn summary(repaired: &Value) -> Result<String> {
    let mut steps = BTreeMap::<&str, usize>::new();
    for repair in repaired["repairs"].as_array().context("repairs")? {
        *steps.entry(repair["step"].as_str().context("a step")?).or_default() += 1;
    }
    let steps: Vec<String> = steps.iter().map(|(step, count)| format!("{step} {count}")).collect();
    let left = repaired["left"].as_array().map_or(0, Vec::len);
    Ok(format!("{} orders looked at, {}; {left} left", repaired["found"]["orders"], steps.join(", ")))
}
