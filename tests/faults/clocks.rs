//! Machines whose clocks are wrong.

use std::path::Path;

use anyhow::{Context, Result};

use crate::ground::Ground;

/// Where Debian's package `faketime` puts what stands between a program and its clock.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];

/// The server's clock is a minute ahead and one worker's a minute behind, from now on. The stores' and Temporal's are right.
pub async fn apart(ground: &mut Ground) -> Result<()> {
    ground.server.start_with(clock("+60s")?).await?;
    ground.workers[0].start_with(clock("-60s")?).await?;
    ground.until_ready().await
}

/// How long things take is not changed, only what time it is.
fn clock(shift: &str) -> Result<Vec<(String, String)>> {
    let library = LIBRARIES.into_iter().find(|path| Path::new(path).exists());
    let library = library.context("there is no libfaketime: install the package faketime")?;
    let settings = [("LD_PRELOAD", library), ("FAKETIME", shift), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}
