//! Amazon's own implementation, where Java and Maven are.

use std::process::Command;

use oms_devstack::{DataDir, DynamoDbLocal, Error, Home};
use serde_json::json;

use crate::support::{dynamodb, tools};

/// Without Java or Maven it must say so; with them it must run.
#[tokio::test]
async fn dynamodb_local_runs_or_says_what_is_missing() -> anyhow::Result<()> {
    let home = Home::open(&DataDir::Ephemeral).await?;
    let started = DynamoDbLocal::start(&home, &tools()).await;
    let there = |program: &str, flag: &str| Command::new(program).arg(flag).output().is_ok();
    if !(there("java", "-version") && there("mvn", "--version")) {
        let Err(Error::Unavailable { why, .. }) = started else {
            anyhow::bail!("without Java and Maven: {started:?}");
        };
        assert!(why.contains("install"), "{why}");
        return Ok(());
    }
    let local = started?;
    let tables = dynamodb(local.endpoint(), "ListTables", &json!({})).await;
    assert_eq!(tables["TableNames"], json!([]));
    local.stop().await?;
    Ok(())
}
