//! What the tests share: the provisioned tools, HTTP, and looking at processes.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, Instant};

use oms_devstack::{DataDir, Progress, StackOptions, Tools};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use temporalio_client::{Connection, ConnectionOptions, Url};
use temporalio_common::protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use tonic::IntoRequest;

/// The user's own cache folder, as `oms` uses it: what is installed once serves all tests, and all later runs.
pub fn tools() -> Tools {
    let cache = std::env::var_os("OMS_CACHE_DIR").map_or_else(user_cache, PathBuf::from);
    Tools::new(cache, Progress::on_stderr())
}

fn user_cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or(home).unwrap_or_else(std::env::temp_dir).join("oms")
}

/// Waits until the condition holds.
///
/// # Panics
/// After 20 s, naming the condition.
pub async fn eventually(condition: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running process.
#[derive(Debug)]
pub struct Process {
    pub pid: i32,
    pub command_line: String,
    pub program: PathBuf,
    pub uid: u32,
}

/// The running processes that work in the folder, or whose command line mentions it.
pub fn processes_in(folder: &Path) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("the process list").flatten();
    entries.filter_map(|entry| process(&entry.path(), folder)).collect()
}

/// None for what is no process, works elsewhere, or has just ended.
fn process(entry: &Path, folder: &Path) -> Option<Process> {
    let command_line = String::from_utf8_lossy(&std::fs::read(entry.join("cmdline")).ok()?).replace('\0', " ");
    let program = std::fs::read_link(entry.join("exe")).ok()?;
    let works_there = std::fs::read_link(entry.join("cwd")).ok()?.starts_with(folder);
    let pid = entry.file_name()?.to_str()?.parse().ok()?;
    let uid = entry.metadata().ok()?.uid();
    let wanted = works_there || command_line.contains(&*folder.to_string_lossy());
    wanted.then_some(Process { pid, command_line, program, uid })
}

/// A folder that PostgreSQL's account reaches, also when the tests run as root.
pub fn open_folder() -> TempDir {
    folder(0o755)
}

/// A folder that only we enter.
pub fn closed_folder() -> TempDir {
    folder(0o700)
}

fn folder(mode: u32) -> TempDir {
    let permissions = std::fs::Permissions::from_mode(mode);
    tempfile::Builder::new().permissions(permissions).tempdir().expect("a folder")
}

/// A stack that keeps its data in the folder, on any free ports.
pub fn kept_in(folder: &Path) -> StackOptions {
    StackOptions { data: DataDir::Kept(folder.into()), ..StackOptions::ephemeral(tools()) }
}

/// A client that gives up after half a second: what the simulators hold back takes longer.
pub fn impatient() -> Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    Client::builder().timeout(Duration::from_millis(500)).build().expect("a client")
}

/// Posts JSON under an idempotency key; none when the client gave up waiting.
pub async fn post(url: &str, key: &str, body: &Value) -> Option<(StatusCode, Value)> {
    let sent = impatient().post(url).header("Idempotency-Key", key).json(body).send().await;
    let response = match sent {
        Err(error) if error.is_timeout() => return None,
        sent => sent.expect("an answer"),
    };
    let status = response.status();
    Some((status, response.json().await.expect("a JSON body")))
}

/// Gets JSON.
pub async fn get(url: &str) -> (StatusCode, Value) {
    let response = impatient().get(url).send().await.expect("an answer");
    (response.status(), response.json().await.expect("a JSON body"))
}

/// Calls DynamoDB as its clients do, and returns the answer.
pub async fn dynamodb(endpoint: &str, action: &str, body: &Value) -> Value {
    let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = impatient()
        .post(endpoint)
        .timeout(Duration::from_secs(20))
        .header("X-Amz-Target", format!("DynamoDB_20120810.{action}"))
        .header("X-Amz-Date", "20260101T000000Z")
        .header("Authorization", credential)
        .header("Content-Type", "application/x-amz-json-1.0");
    let response = request.body(body.to_string()).send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{action}: {status} {text}");
    serde_json::from_str(&text).expect("a JSON body")
}

/// The names of the search attributes that the namespace has, in order.
pub async fn search_attributes_at(address: &str) -> anyhow::Result<Vec<String>> {
    let options = ConnectionOptions::new(Url::parse(&format!("http://{address}"))?).build();
    let request = ListSearchAttributesRequest { namespace: "default".into() };
    let response = Connection::connect(options).await?.operator_service().list_search_attributes(request.into_request()).await?;
    let names: std::collections::BTreeSet<String> = response.into_inner().custom_attributes.into_keys().collect();
    Ok(names.into_iter().collect())
}
