//! A server that delivers, in a process of its own, so that it can be killed.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use oms_outlets::{Cloud, Dispatcher, DispatcherOptions, Guard, Ways};
use oms_store::Store;

use crate::support::{ground::Addresses, run};

/// Where the house is, as JSON.
const ADDRESSES: &str = "OMS_TESTS_SENDER_ADDRESSES";
/// What one leaves behind that was killed is free again after so long.
const LEASE: Duration = Duration::from_secs(2);

/// A running one. It ends with the test, whatever happens.
pub struct SenderProcess(Child);

impl SenderProcess {
    pub fn start(addresses: &Addresses) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "sending::process::sender_process", "--ignored", "--nocapture"]);
        command.env(ADDRESSES, serde_json::to_string(addresses)?);
        // Its standard input is a pipe from here: it ends when that does.
        Ok(Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?))
    }

    /// SIGKILL: it gets to finish nothing.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

#[test]
#[ignore = "a server that delivers; the test that kills one starts it"]
fn sender_process() -> Result<()> {
    let addresses = std::env::var(ADDRESSES).context("the test that needs this process starts it")?;
    let addresses: Addresses = serde_json::from_str(&addresses)?;
    std::thread::spawn(|| {
        let mut nothing = Vec::new();
        drop(std::io::stdin().read_to_end(&mut nothing));
        std::process::exit(0);
    });
    run(async {
        let store = Store::connect(&addresses.store_config()).await?;
        let ways = Ways::new(Guard::default().of_development(), Cloud::default())?;
        let dispatcher = Dispatcher::start(store, ways, DispatcherOptions { lease: LEASE, ..DispatcherOptions::default() });
        std::future::pending::<()>().await;
        dispatcher.stop().await;
        Ok(())
    })
}
