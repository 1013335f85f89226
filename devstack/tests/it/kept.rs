//! What is kept is there at the next start.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oms_devstack::{Stack, StackOptions, TemporalChoice, TemporalOptions};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{dynamodb, get, kept_in, open_folder, post, processes_in, search_attributes_at};

/// Runs SQL on the stopped server's data, as its owner: the distribution has no `psql`, and this room no SQL client.
fn sql(postgres: &Server, statement: &str) -> anyhow::Result<String> {
    let mut command = Command::new(&postgres.program);
    command.arg("--single").arg("-D").arg(&postgres.data).arg("oms");
    command.current_dir("/").uid(postgres.uid).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    writeln!(child.stdin.take().expect("its input"), "{statement}")?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "{statement}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

struct Server {
    program: PathBuf,
    data: PathBuf,
    uid: u32,
}

fn running_postgres(folder: &Path) -> Server {
    let processes = processes_in(folder);
    let server = processes.into_iter().find(|process| process.program.ends_with("bin/postgres")).expect("a running PostgreSQL");
    Server { program: server.program, data: folder.join("postgres/data"), uid: server.uid }
}

fn options(folder: &Path, attributes: &[&str]) -> StackOptions {
    let search_attributes = attributes.iter().map(|name| ((*name).to_owned(), "Keyword".to_owned())).collect();
    let temporal = TemporalOptions { search_attributes, ..TemporalOptions::default() };
    StackOptions { temporal: TemporalChoice::Native(temporal), ..kept_in(folder) }
}

#[tokio::test]
async fn a_second_start_is_quick_and_finds_its_data() -> anyhow::Result<()> {
    let folder = open_folder();
    let stack = Stack::start(options(folder.path(), &["OrderStatus"])).await?;
    let password = stack.database_url.clone();
    let postgres = running_postgres(folder.path());
    let table = json!({
        "TableName": "orders", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    });
    dynamodb(&stack.dynamodb_endpoint, "CreateTable", &table).await;
    let key = json!({"pk": {"S": "ORDER#1"}});
    dynamodb(&stack.dynamodb_endpoint, "PutItem", &json!({"TableName": "orders", "Item": key})).await;
    let authorization = json!({"reference": "1", "amount_minor": 500, "currency": "GBP", "token": "tok_1"});
    let url = format!("{}/v1/authorizations", stack.payment_gateway_url);
    let authorized = post(&url, "1:authorize:1", &authorization).await.expect("an answer");
    let label = json!({"reference": "1-F1-P1", "facility_id": "F1", "service": "standard", "country": "GB", "weight_g": 900});
    let labelled = post(&format!("{}/v1/labels", stack.carrier_url), "1:label:1", &label).await.expect("an answer");
    assert_eq!(search_attributes_at(&stack.temporal_address).await?, ["OrderStatus"]);
    stack.stop().await?;
    sql(&postgres, "CREATE TABLE kept AS SELECT 4711 AS number")?;

    let begun = Instant::now();
    let stack = Stack::start(options(folder.path(), &["Channel", "OrderStatus"])).await?;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "the second start took {took:?}");
    let item = dynamodb(&stack.dynamodb_endpoint, "GetItem", &json!({"TableName": "orders", "Key": key})).await;
    assert_eq!(item["Item"], key);
    let (_, operation) = get(&format!("{}/v1/operations/1:authorize:1", stack.payment_gateway_url)).await;
    assert_eq!(operation["answer"]["body"], authorized.1);
    let url = format!("{}/v1/authorizations", stack.payment_gateway_url);
    assert_eq!(post(&url, "1:authorize:1", &authorization).await.expect("an answer"), authorized);
    let (_, found) = get(&format!("{}/v1/labels/1:label:1", stack.carrier_url)).await;
    assert_eq!(found["tracking_number"], labelled.1["tracking_number"]);
    assert_eq!(search_attributes_at(&stack.temporal_address).await?, ["Channel", "OrderStatus"], "a later version's new attribute");
    assert_eq!(secret_of(password.expose_secret()), secret_of(stack.database_url.expose_secret()));
    stack.stop().await?;
    assert!(sql(&postgres, "SELECT number FROM kept")?.contains("4711"));
    Ok(())
}

/// The password in a database URL.
fn secret_of(url: &str) -> Option<&str> {
    url.split('@').next()?.rsplit(':').next()
}
