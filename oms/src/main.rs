//! The `oms` binary.

use std::process::ExitCode;

use clap::Parser;
use oms::{Cli, exit};

/// A fifth of what an order computes is malloc and free, and this one takes a fifth less of it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.format();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            exit::report(&error, format);
            ExitCode::from(exit::exit_code(&error))
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<()> {
    // Several TLS clients live in this process and would otherwise disagree about whose cryptography to use.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow::anyhow!("a TLS provider is installed already"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(oms::run(cli));
    // Reading standard input blocks a thread that nobody can wake.
    runtime.shutdown_background();
    done
}
