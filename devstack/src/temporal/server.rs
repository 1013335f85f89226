//! The real server, all its services in one process, and the UI beside it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use temporalio_client::Url;

use super::{Launch, TemporalOptions, TemporalStore, ports};
use crate::error::{Error, Result, io};
use crate::home::Home;
use crate::ports::HOST;
use crate::process::Program;
use crate::provision::ServerPrograms;

/// What a development server needs otherwise than a cluster: search attributes are there as soon as they are registered, and the lists
/// of a test or a person are not rationed.
const DYNAMIC: &str = r#"{
    "system.forceSearchAttributesCacheRefreshOnRead": [{"value": true}],
    "frontend.persistenceMaxQPS": [{"value": 10000}],
    "history.persistenceMaxQPS": [{"value": 45000}],
    "frontend.namespaceRPS.visibility": [{"value": 100}],
    "history.hostLevelCacheMaxSize": [{"value": 8192}]
}"#;
/// Of connections to a database that is not a file.
const CONNECTIONS: u32 = 20;

pub(super) fn launch(programs: &ServerPrograms, home: &Home, options: &TemporalOptions, port: u16, ui_port: Option<u16>) -> Result<Launch> {
    let (folder, logs) = (home.folder("temporal")?, home.folder("logs")?);
    write(&folder.join("dynamic.yaml"), DYNAMIC)?;
    let file = folder.join("server.yaml");
    write(&file, &config(&folder, home.is_kept(), options, port)?.to_string())?;
    let mut command = Command::new(programs.server());
    command.arg("--allow-no-auth").arg("--config-file").arg(&file).arg("start").current_dir(&folder);
    let log = logs.join("temporal.log");
    let server = Program { name: "Temporal", command, stop_signal: Signal::SIGTERM, account: None, log };
    let ui = ui_port.map(|ui_port| ui(programs, &folder, &logs, port, ui_port)).transpose()?;
    Ok(Launch { server, ui })
}

/// Its configuration file, which is YAML, and so may be JSON.
fn config(folder: &Path, kept: bool, options: &TemporalOptions, port: u16) -> Result<Value> {
    let [http, ports @ ..] = ports::chosen(folder)?;
    let rpc = |grpc: u16, membership: u16| json!({"grpcPort": grpc, "membershipPort": membership, "bindOnIP": HOST});
    let mut frontend = rpc(port, ports[0]);
    frontend["httpPort"] = json!(http);
    Ok(json!({
        "log": {"stdout": true, "level": "error"},
        "persistence": persistence(folder, kept, options)?,
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": HOST}},
        "services": {
            "frontend": {"rpc": frontend},
            "matching": {"rpc": rpc(ports[1], ports[2])},
            "history": {"rpc": rpc(ports[3], ports[4])},
            "worker": {"rpc": rpc(ports[5], ports[6])},
        },
        "clusterMetadata": {
            "enableGlobalNamespace": false,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": {
                "enabled": true, "initialFailoverVersion": 1, "rpcName": "frontend",
                "rpcAddress": format!("{HOST}:{port}"), "httpAddress": format!("{HOST}:{http}"),
            }},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {"filepath": folder.join("dynamic.yaml"), "pollInterval": "60s"},
    }))
}

fn persistence(folder: &Path, kept: bool, options: &TemporalOptions) -> Result<Value> {
    let (shards, default, visibility) = match &options.store {
        TemporalStore::Own => (1, sqlite(folder, kept), sqlite(folder, kept)),
        TemporalStore::Postgres(url) => {
            (4, postgres(url.expose_secret(), "temporal")?, postgres(url.expose_secret(), "temporal_visibility")?)
        }
    };
    Ok(json!({
        "defaultStore": "default", "visibilityStore": "visibility", "numHistoryShards": shards,
        "datastores": {"default": {"sql": default}, "visibility": {"sql": visibility}},
    }))
}

fn sqlite(folder: &Path, kept: bool) -> Value {
    let (name, attributes) = match kept {
        true => {
            (json!(folder.join("temporal.db")), json!({"cache": "private", "setup": "true", "journal_mode": "wal", "synchronous": "2"}))
        }
        false => (json!("default"), json!({"mode": "memory", "cache": "private"})),
    };
    json!({
        "pluginName": "sqlite", "databaseName": name, "connectAddr": "localhost", "connectProtocol": "tcp",
        "connectAttributes": attributes, "maxConns": 1, "maxIdleConns": 1, "maxConnLifetime": "1h",
    })
}

fn postgres(url: &str, database: &str) -> Result<Value> {
    let url = Url::parse(url).map_err(|error| Error::failed("reading the URL of Temporal's PostgreSQL", error))?;
    let address = format!("{}:{}", url.host_str().unwrap_or(HOST), url.port().unwrap_or(5432));
    Ok(json!({
        "pluginName": "postgres12", "databaseName": database, "connectAddr": address, "connectProtocol": "tcp",
        "user": url.username(), "password": url.password().unwrap_or_default(),
        "maxConns": CONNECTIONS, "maxIdleConns": CONNECTIONS, "maxConnLifetime": "1h",
    }))
}

fn ui(programs: &ServerPrograms, folder: &Path, logs: &Path, port: u16, ui_port: u16) -> Result<Program> {
    let config = json!({
        "temporalGrpcAddress": format!("{HOST}:{port}"), "host": HOST, "port": ui_port, "enableUi": true,
        "cors": {"cookieInsecure": true}, "defaultNamespace": "default", "disableNewsFetch": true, "hideLogs": true,
    });
    write(&folder.join("ui.yaml"), &config.to_string())?;
    let mut command = Command::new(programs.ui());
    command.arg("--root").arg(folder).args(["--config", ".", "--env", "ui", "start"]).current_dir(folder);
    Ok(Program { name: "Temporal's UI", command, stop_signal: Signal::SIGTERM, account: None, log: logs.join("temporal-ui.log") })
}

/// For its owner alone: there may be a password in it.
fn write(path: &Path, text: &str) -> Result<()> {
    let what = || format!("write {}", path.display());
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(io(what))
}
