//! Starting, stopping, dying, and sharing the machine with others.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, getpgid, getpgrp};
use oms_devstack::{
    CarrierChoice, CarrierOptions, DynamoDbChoice, Error, FraudChoice, Home, Listen, PaymentGatewayChoice, PaymentGatewayOptions,
    PostgresChoice, Stack, StackOptions, Temporal, TemporalChoice, TemporalOptions, TemporalStore,
};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{closed_folder, eventually, kept_in, open_folder, processes_in, search_attributes_at, tools};

/// Where each part listens.
fn addresses(stack: &Stack) -> Vec<SocketAddr> {
    let database = database_address(stack);
    let urls = [&stack.dynamodb_endpoint, &stack.payment_gateway_url, &stack.carrier_url];
    let urls = urls.into_iter().chain(&stack.temporal_ui_url).filter_map(|url| url.strip_prefix("http://"));
    let all = urls.chain([database.as_str(), stack.temporal_address.as_str()]);
    all.map(|address| address.parse().expect("host:port")).collect()
}

fn database_address(stack: &Stack) -> String {
    let url = stack.database_url.expose_secret();
    url.rsplit('@').next().and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned()
}

fn with_ui(options: StackOptions) -> StackOptions {
    let temporal = TemporalOptions { ui: true, ..TemporalOptions::default() };
    StackOptions { temporal: TemporalChoice::Native(temporal), ..options }
}

fn command_lines(folder: &Path) -> Vec<String> {
    processes_in(folder).into_iter().map(|process| process.command_line).collect()
}

#[tokio::test]
async fn a_stack_starts_and_stops_leaving_no_process_behind() -> anyhow::Result<()> {
    let folder = open_folder();
    let stack = Stack::start(with_ui(kept_in(folder.path()))).await?;
    let addresses = addresses(&stack);
    assert_eq!(addresses.len(), 6, "{addresses:?}");
    for address in &addresses {
        TcpStream::connect(address)?;
    }
    let running = command_lines(folder.path());
    assert!(running.len() >= 4, "two servers and their watchdogs: {running:?}");
    for process in processes_in(folder.path()) {
        let group = getpgid(Some(Pid::from_raw(process.pid)))?;
        assert_ne!(group, getpgrp(), "a terminal's Ctrl-C would reach {process:?}");
    }
    stack.stop().await?;
    for address in &addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} still answers");
    }
    assert_eq!(command_lines(folder.path()), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_dropped_stack_leaves_neither_process_nor_ephemeral_data() -> anyhow::Result<()> {
    let mut options = StackOptions::ephemeral(tools());
    let home = Home::open(&options.data).await?;
    let folder = home.path().to_owned();
    let postgres = oms_devstack::Postgres::start(&home, &options.tools, None).await?;
    drop(home);
    assert!(!command_lines(&folder).is_empty());
    drop(postgres);
    assert_eq!(command_lines(&folder), Vec::<String>::new());
    assert!(!folder.exists(), "{} is left", folder.display());

    // The same for a stack whose start fails half way.
    let blocked = open_folder();
    options = kept_in(blocked.path());
    std::fs::write(blocked.path().join("simulators"), "in the way")?;
    let Err(error) = Stack::start(options).await else {
        anyhow::bail!("a stack started without a place for its simulators");
    };
    assert!(error.to_string().contains("simulators"), "{error}");
    assert_eq!(command_lines(blocked.path()), Vec::<String>::new());
    Ok(())
}

/// This test is its own second process: with the variable set, it starts a stack and waits to be killed.
#[tokio::test]
async fn a_killed_owner_takes_its_servers_with_it() -> anyhow::Result<()> {
    const FOLDER: &str = "OMS_DEVSTACK_TEST_HOLD";
    const READY: &str = "the stack is up";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let stack = Stack::start(kept_in(Path::new(&folder))).await?;
        println!("\n{READY}");
        std::future::pending::<()>().await;
        return stack.stop().await.map_err(Into::into);
    }
    let folder = open_folder();
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["--exact", "lifecycle::a_killed_owner_takes_its_servers_with_it", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(owner.stdout.take().expect("its output"));
    let ready = output.lines().map_while(Result::ok).any(|line| line == READY);
    assert!(ready, "the owner ended before its stack was up");
    assert!(command_lines(folder.path()).len() >= 4);
    owner.kill()?;
    owner.wait()?;
    eventually("no process is left", async || command_lines(folder.path()).is_empty()).await;

    // Its data is whole, and nothing stale is in the way of the next one.
    let stack = Stack::start(kept_in(folder.path())).await?;
    stack.stop().await?;
    Ok(())
}

/// The processes of a server in the folder, by the end of its program's path: `oms dev` runs the real Temporal server or the command line's.
fn servers(folder: &Path, programs: &[&str]) -> Vec<i32> {
    let ours = |process: &crate::support::Process| programs.iter().any(|program| process.program.to_string_lossy().contains(program));
    processes_in(folder).into_iter().filter(ours).map(|process| process.pid).collect()
}

/// Kills a server, and waits until another process answers in its place while the stack is looked after.
async fn killed_and_back(stack: &mut Stack, folder: &Path, programs: &[&str], address: SocketAddr) -> anyhow::Result<()> {
    let killed = servers(folder, programs);
    assert!(!killed.is_empty(), "{programs:?}");
    for pid in &killed {
        // A child may have ended with its parent.
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    let back = eventually("a new one", async || {
        let now = servers(folder, programs);
        !now.is_empty() && now.iter().all(|pid| !killed.contains(pid)) && TcpStream::connect(address).is_ok()
    });
    tokio::select! {
        Err(error) = stack.look_after() => Err(error.into()),
        () = back => Ok(()),
    }
}

const TEMPORAL: [&str; 2] = ["temporal-server-", "/temporal"];

#[tokio::test]
async fn a_server_that_dies_is_started_again_and_one_that_keeps_dying_is_given_up() -> anyhow::Result<()> {
    let folder = open_folder();
    let mut stack = Stack::start(kept_in(folder.path())).await?;
    let [temporal, postgres] =
        [stack.temporal_address.clone(), database_address(&stack)].map(|address| address.parse().expect("host:port"));
    killed_and_back(&mut stack, folder.path(), &["bin/postgres"], postgres).await?;
    killed_and_back(&mut stack, folder.path(), &TEMPORAL, temporal).await?;
    killed_and_back(&mut stack, folder.path(), &TEMPORAL, temporal).await?;
    let third = killed_and_back(&mut stack, folder.path(), &TEMPORAL, temporal).await;
    assert!(third.is_err_and(|error| error.to_string().contains("Temporal ended") && error.to_string().contains("third time")));
    stack.stop().await?;
    Ok(())
}

#[tokio::test]
async fn temporal_keeps_its_state_in_postgresql_too() -> anyhow::Result<()> {
    let folder = open_folder();
    let home = Home::open(&kept_in(folder.path()).data).await?;
    let postgres = oms_devstack::Postgres::start(&home, &tools(), None).await?;
    let store = TemporalStore::Postgres(postgres.url().clone());
    let search_attributes = vec![("OrderStatus".to_owned(), "Keyword".to_owned())];
    let options = TemporalOptions { store, search_attributes, ..TemporalOptions::default() };
    let mut temporal = Temporal::start(&home, &tools(), &options).await?;
    temporal.kill().await?;
    temporal.start_again().await?;
    assert_eq!(search_attributes_at(temporal.address()).await?, ["OrderStatus"]);
    temporal.stop().await?;
    // Another day.
    let temporal = Temporal::start(&home, &tools(), &options).await?;
    assert_eq!(search_attributes_at(temporal.address()).await?, ["OrderStatus"]);
    temporal.stop().await?;
    postgres.stop().await?;
    Ok(())
}

#[tokio::test]
async fn taken_ports_are_left_to_their_owners() -> anyhow::Result<()> {
    let taken: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<u16> = taken.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<anyhow::Result<_>>()?;
    let port = |index: usize| ports.get(index).copied();
    let stack = Stack::start(StackOptions {
        temporal: TemporalChoice::Native(TemporalOptions { port: port(0), ..TemporalOptions::default() }),
        postgres: PostgresChoice::Native { port: port(1) },
        dynamodb: DynamoDbChoice::Native { port: port(2) },
        payment_gateway: PaymentGatewayChoice::Native(PaymentGatewayOptions { listen: Listen::Loopback { port: port(3) }, time_scale: 1 }),
        carrier: CarrierChoice::Native(CarrierOptions {
            listen: Listen::Loopback { port: port(4) },
            time_scale: 1,
            events_url: None,
            events_key: None,
        }),
        ..StackOptions::ephemeral(tools())
    })
    .await?;
    for address in addresses(&stack) {
        assert!(!ports.contains(&address.port()), "{address} was taken");
        TcpStream::connect(address)?;
    }
    stack.stop().await?;
    Ok(())
}

#[tokio::test]
async fn external_parts_are_used_as_they_are() -> anyhow::Result<()> {
    let folder = open_folder();
    let stack = Stack::start(StackOptions {
        temporal: TemporalChoice::External("temporal.example:7233".into()),
        postgres: PostgresChoice::External("postgres://db.example/oms".to_owned().into()),
        dynamodb: DynamoDbChoice::External("http://dynamodb.example".into()),
        payment_gateway: PaymentGatewayChoice::External("http://gateway.example".into()),
        carrier: CarrierChoice::External("http://carrier.example".into()),
        fraud: FraudChoice::External("http://fraud.example".into()),
        ..kept_in(folder.path())
    })
    .await?;
    assert_eq!(stack.temporal_address, "temporal.example:7233");
    assert_eq!(stack.temporal_ui_url, None);
    assert_eq!(stack.database_url.expose_secret(), "postgres://db.example/oms");
    assert_eq!(stack.dynamodb_endpoint, "http://dynamodb.example");
    assert_eq!(stack.payment_gateway_url, "http://gateway.example");
    assert_eq!(stack.carrier_url, "http://carrier.example");
    assert_eq!(stack.fraud_url, "http://fraud.example");
    assert_eq!(command_lines(folder.path()), Vec::<String>::new());
    stack.stop().await?;
    Ok(())
}

#[tokio::test]
async fn postgres_never_runs_as_root() -> anyhow::Result<()> {
    let folder = open_folder();
    let options = kept_in(folder.path());
    let home = Home::open(&options.data).await?;
    let postgres = oms_devstack::Postgres::start(&home, &options.tools, None).await?;
    let servers: Vec<_> = processes_in(folder.path()).into_iter().filter(|process| process.program.ends_with("bin/postgres")).collect();
    assert!(!servers.is_empty());
    for server in servers {
        assert_ne!(server.uid, 0, "{server:?}");
        assert_eq!(server.uid == Uid::effective().as_raw(), !Uid::effective().is_root(), "{server:?}");
    }
    postgres.stop().await?;
    Ok(())
}

/// Ordinary users' folders are their own; root's account for PostgreSQL needs another place, and never an old database.
#[tokio::test]
async fn a_closed_data_folder_works_too() -> anyhow::Result<()> {
    let closed = closed_folder();
    let folder = closed.path().join("data");
    let options = kept_in(&folder);
    let start = async || {
        let home = Home::open(&options.data).await?;
        oms_devstack::Postgres::start(&home, &options.tools, None).await
    };
    let postgres = start().await?;
    let first = postgres.url().clone();
    postgres.stop().await?;
    let postgres = start().await?;
    assert_eq!(password(postgres.url()), password(&first), "the same database");
    postgres.stop().await?;
    let place = std::fs::read_to_string(folder.join("postgres")).ok();
    assert_eq!(place.is_some(), Uid::effective().is_root(), "only root has to go elsewhere");
    std::fs::remove_dir_all(&folder)?;
    let postgres = start().await?;
    assert_ne!(password(postgres.url()), password(&first), "a new database for a new folder");
    postgres.stop().await?;
    if let Some(place) = place.as_deref().and_then(|note| note.lines().next()) {
        std::fs::remove_dir_all(place)?;
    }
    Ok(())
}

fn password(url: &SecretString) -> &str {
    let credentials = url.expose_secret().split('@').next();
    credentials.and_then(|credentials| credentials.rsplit(':').next()).unwrap_or_default()
}

#[tokio::test]
async fn one_data_folder_serves_one_stack_at_a_time() -> anyhow::Result<()> {
    let folder = open_folder();
    let data = kept_in(folder.path()).data;
    let home = Home::open(&data).await?;
    match Home::open(&data).await {
        Err(Error::InUse { path }) => assert!(path.starts_with(folder.path())),
        other => anyhow::bail!("the folder was shared: {other:?}"),
    }
    drop(home);
    Home::open(&data).await?;
    Ok(())
}
