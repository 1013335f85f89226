//! Amazon's services, as moto stands in for them: killed, throttled, partly failing.

mod demo;
mod moto;
mod sinks;
mod sources;

use anyhow::Result;
use oms_domain::policy::Policy;

use self::moto::Moto;
use crate::support::{Setup, Shop, System, run};

/// Runs a test in a shop on a system of its own that reaches a stand-in of its own.
fn beside_moto(test: impl AsyncFnOnce(&Shop, &Moto) -> Result<()>) -> Result<()> {
    run(async {
        let moto = Moto::start().await?;
        let system = System::own(Setup { cloud: Some(moto.url.clone()), ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), Policy::default()).await?;
        test(&shop, &moto).await?;
        shop.close().await?;
        system.stop().await
    })
}
