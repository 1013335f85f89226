//! All parts together.

use oms_devstack::{Stack, StackOptions};

use crate::support::{processes_with, tools};

#[tokio::test]
async fn a_stack_starts_and_stops_leaving_nothing_behind() -> anyhow::Result<()> {
    let t = std::time::Instant::now();
    let stack = Stack::start(StackOptions::ephemeral(tools())).await?;
    eprintln!("{:?} {stack:?}", t.elapsed());
    let t = std::time::Instant::now();
    stack.stop().await?;
    eprintln!("{:?}", t.elapsed());
    eprintln!("{:?}", processes_with("temporal"));
    Ok(())
}
