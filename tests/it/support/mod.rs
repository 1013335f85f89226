//! What every test stands on: one stack and one system for all, a shop of its own for each.

pub mod basket;
pub mod books;
pub mod data;
pub mod ground;
pub mod http;
pub mod logs;
pub mod people;
pub mod queues;
pub mod replay;
pub mod runtime;
pub mod shop;
pub mod sound;
pub mod stack;
pub mod system;
pub mod tables;
pub mod worker;

pub use self::{
    basket::Basket,
    http::Answer,
    runtime::run,
    shop::Shop,
    system::{Setup, System},
};
use anyhow::Result;
use oms_domain::policy::Policy;

/// Runs a test in a shop of its own on the shared system, and ends it with the equations over every order it placed.
pub fn in_shop(test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    in_shop_under(Policy::default(), test)
}

/// The same, with waits of the test's choice.
pub fn in_shop_under(policy: Policy, test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    run(async {
        let shop = Shop::open(system::shared().await?, policy).await?;
        test(&shop).await?;
        shop.close().await
    })
}

/// The same, on a system that nobody else uses, so that the test may break it; ends with the figures that must be 0 over all of it.
pub fn in_own_shop(policy: Policy, test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    in_shop_of(Setup::default(), policy, test)
}

/// The same, on a system that is set up otherwise than usual.
pub fn in_shop_of(setup: Setup, policy: Policy, test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    run(async {
        let system = System::own(setup).await?;
        let shop = Shop::open(system.clone(), policy).await?;
        test(&shop).await?;
        shop.close().await?;
        sound::no_figure_is_off(&system.store).await?;
        system.stop().await
    })
}
