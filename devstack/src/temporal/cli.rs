//! The command line's development server: one process, the UI in it.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::{Launch, TemporalOptions};
use crate::error::Result;
use crate::home::Home;
use crate::ports::HOST;
use crate::process::Program;

pub(super) fn launch(program: &Path, home: &Home, options: &TemporalOptions, port: u16, ui_port: Option<u16>) -> Result<Launch> {
    let mut command = Command::new(program);
    command.args(["server", "start-dev", "--ip", HOST, "--log-level", "error"]);
    command.args(["--port", &port.to_string()]);
    match ui_port {
        Some(ui_port) => command.args(["--ui-port", &ui_port.to_string()]),
        None => command.arg("--headless"),
    };
    let folder = home.folder("temporal")?;
    if home.is_kept() {
        command.arg("--db-filename").arg(folder.join("temporal.db"));
    }
    for (name, kind) in &options.search_attributes {
        command.args(["--search-attribute", &format!("{name}={kind}")]);
    }
    let log = home.folder("logs")?.join("temporal.log");
    let server = Program { name: "Temporal", command, stop_signal: Signal::SIGTERM, account: None, log };
    Ok(Launch { server, ui: None })
}
