//! The steps that no order takes: each of maintenance's fails once, or does its work unheard, and the house is as it would have been.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Result, ensure};
use oms_domain::policy::Policy;
use oms_starter::{MaintenanceResult, MaintenanceTask};
use oms_worker::Around;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};

use super::{
    faults::{Fault, injected},
    steps,
};
use crate::{
    pooling::{Rivals, are_at, rivals},
    support::{
        Setup, Shop, in_shop_of,
        system::{LEEDS, YORK},
    },
};

/// What goes wrong with the house's steps.
#[derive(Clone, Default)]
pub struct Mischief(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    /// The next step that goes wrong, which it does once.
    next: Option<(String, Fault)>,
    /// Every step that was taken, by whichever workflow.
    taken: BTreeSet<String>,
}

impl Mischief {
    fn look(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn plan(&self, step: &str, fault: Fault) {
        self.look().next = Some((step.to_owned(), fault));
    }

    fn strikes(&self, step: &str) -> Option<Fault> {
        let mut plan = self.look();
        plan.taken.insert(step.to_owned());
        plan.next.take_if(|(planned, _)| planned == step).map(|(_, fault)| fault)
    }

    pub fn has_struck(&self) -> bool {
        self.look().next.is_none()
    }
}

impl ActivityInboundInterceptor for Mischief {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let fault = self.strikes(&input.activity_info().activity_type);
        Box::pin(async move {
            match fault {
                None => next.run(input).await,
                Some(Fault::AnswerLost) => {
                    next.run(input).await?;
                    Err(injected(false))
                }
                Some(fault) => Err(injected(fault == Fault::GivesUp)),
            }
        })
    }
}

#[test]
fn every_step_of_maintenance_fails_and_the_house_is_sound() -> Result<()> {
    let mischief = Mischief::default();
    let setup = Setup { around: Some(Around::new(mischief.clone())), ..Setup::default() };
    // Orders wait an hour for what a pool makes of them.
    in_shop_of(setup, Policy { remorse_ms: 3_600_000, ..Policy::default() }, async |shop| {
        for fault in [Fault::FailsBefore, Fault::AnswerLost] {
            for step in ["plan_pool", "move_order"] {
                mischief.plan(step, fault);
                pool(shop).await?;
                ensure!(mischief.has_struck(), "{step} was not taken");
            }
            let tasks =
                [("price_stock", MaintenanceTask::StockPrices), ("prune", MaintenanceTask::Prune), ("export", MaintenanceTask::Export)];
            for (step, task) in tasks {
                mischief.plan(step, fault);
                shop.starter.maintain(task).await?;
                ensure!(mischief.has_struck(), "{step} was not taken");
            }
        }
        let (taken, named) = (&mischief.look().taken, steps::of_the_house()?);
        ensure!(named.is_subset(taken), "the contracts name {named:?}, and {taken:?} were taken");
        Ok(())
    })
}

/// Two orders that are better off in each other's place get there, whatever goes wrong, and leave the pool.
async fn pool(shop: &Shop) -> Result<()> {
    let Rivals { sku, first, second } = rivals(shop, 5).await?;
    let MaintenanceResult::Pool(report) = shop.starter.maintain(MaintenanceTask::Pool { dry_run: false }).await? else {
        anyhow::bail!("another task answered")
    };
    ensure!((report.moved, report.skipped, report.failed) == (2, 0, 0), "{report:?}");
    are_at(shop, &first, &[(YORK, 2)]).await?;
    are_at(shop, &second, &[(LEEDS, 3)]).await?;
    ensure!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?) == ((2, 2), (5, 2)), "the stock is off");
    for id in [&first, &second] {
        shop.cancel(id, "over", &[]).await?;
        shop.until_status(id, "cancelled").await?;
    }
    Ok(())
}
