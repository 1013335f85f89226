//! `oms repair`: brings the books together again after a restore or a loss.

use anyhow::Result;
use clap::Args;
use oms_domain::error::ErrorCode;
use oms_starter::{Starter, StarterConfig};
use serde_json::{Value, json};

use crate::{
    config::{AdapterLayer, ConfigFile, DatabaseLayer, PolicyLayer, TemporalLayer},
    exit::Coded,
    output::{self, Format, table},
    reconcile::{Books, GatewayBooks, Scope},
    repair::{Outcome, Repaired, Restored, repair},
    runtime::open_store,
};

/// `oms repair`
#[derive(Debug, Args)]
pub struct RepairArgs {
    #[command(flatten)]
    database: DatabaseLayer,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(flatten)]
    adapters: AdapterLayer,
    #[command(flatten)]
    policy: PolicyLayer,
    /// Do it; without this, it is only said what would be done.
    #[arg(long)]
    apply: bool,
    /// A store was put back to an earlier day: events go on in a new epoch, and whatever runs looks at what is recorded, even where the
    /// books agree.
    #[arg(long, requires = "apply")]
    restored: bool,
}

impl RepairArgs {
    /// Looks at every order, and does, or says, what brings its books together.
    ///
    /// # Errors
    /// When one of the books cannot be read; `refused_by_rule` when something does not fit, or does not fit yet.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let (database, temporal) = (self.database.over(file.database), self.temporal.over(file.temporal));
        let customer_key = database.customer_key()?;
        let (config, queues) = (database.settings()?, temporal.queues());
        let connection = temporal.connection()?;
        let (store, client) = tokio::try_join!(open_store(&config), connection.connect())?;
        let gateway = self.adapters.over(file.adapters).payment_gateway_url.map(|url| GatewayBooks::new(reqwest::Client::new(), url));
        let books = Books { store: &store, temporal: &client, gateway: gateway.as_ref() };
        let policy = self.policy.over(file.policy).policy();
        let settings = StarterConfig { queues, clock: Default::default(), policy, customer_key, eager_start: false };
        let starter = Starter::new(client.clone(), store.clone(), settings);
        let repaired = repair(&books, &starter, Scope::All, self.apply, self.restored).await?;
        store.close().await;
        output::show::<Value>(format, &json!(repaired), |_| text(&repaired))?;
        verdict(&repaired, self.apply)
    }
}

fn text(repaired: &Repaired) -> String {
    let word = |outcome| match outcome {
        Outcome::Would => "would",
        Outcome::Done => "done",
        Outcome::Failed => "FAILED",
        Outcome::Named => "-",
    };
    let row = |repair: &crate::repair::Repair| {
        let why = repair.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        [repair.order_id.to_string(), word(repair.outcome).to_owned(), format!("{}{why}", repair.step)]
    };
    let mut text = format!("{} orders looked at, {} do not fit", repaired.found.orders, repaired.found.unsound.len());
    if !repaired.repairs.is_empty() {
        text.push_str(&format!("\n{}", table(["ORDER", "DONE", "WHAT"], repaired.repairs.iter().map(row))));
    }
    if let Some(Restored { epoch, looked_again }) = repaired.restored {
        text.push_str(&format!("\nPostgreSQL had been restored: events go on in epoch {epoch}, and {looked_again} runs have looked again"));
    }
    for finding in &repaired.left {
        text.push_str(&format!("\nstill {} {}: {}", finding.figure.as_str(), finding.order_id, finding.what));
    }
    for (figure, count) in &repaired.stock {
        text.push_str(&format!("\n{figure} {count}: this is about no order, and nothing here mends it"));
    }
    if !repaired.found.gateway_compared {
        text.push_str("\nThe payment gateway's books were not compared: OMS_PAYMENT_GATEWAY_URL is not set.");
    }
    text.push_str("\nWhat has no second copy cannot be looked for: receipts, counts and adjustments that a restored PostgreSQL has lost.");
    text
}

fn verdict(repaired: &Repaired, applied: bool) -> Result<()> {
    let (would, named) = (repaired.count(Outcome::Would), repaired.count(Outcome::Named) + repaired.stock.len());
    match (applied, repaired.left.len() + repaired.stock.len()) {
        (true, 0) => Ok(()),
        (true, left) => refused(format!("{left} things still do not fit")),
        (false, _) if would > 0 => {
            let message = format!("nothing was done: {would} things would be, and {named} cannot be mended");
            Err(Coded::new(ErrorCode::RefusedByRule, message).hint("--apply does it").into())
        }
        (false, _) if named > 0 => refused(format!("{named} things do not fit that cannot be mended here")),
        (false, _) => Ok(()),
    }
}

fn refused(message: String) -> Result<()> {
    Err(Coded::new(ErrorCode::RefusedByRule, message).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::{Repair, Step};

    fn repaired(steps: &[(Step, Outcome)], stock: &[(&str, u64)]) -> Repaired {
        let order_id: oms_domain::ids::OrderId = "A".parse().unwrap();
        let repair =
            |(step, outcome): &(Step, Outcome)| Repair { order_id: order_id.clone(), step: step.clone(), outcome: *outcome, why: None };
        let stock = stock.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Repaired { found: Default::default(), repairs: steps.iter().map(repair).collect(), left: Vec::new(), restored: None, stock }
    }

    fn says(repaired: &Repaired, applied: bool) -> String {
        verdict(repaired, applied).map_or_else(|error| error.to_string(), |()| "sound".to_owned())
    }

    #[test]
    fn what_is_not_mended_is_no_success_whether_it_could_be_or_not() {
        let person = (Step::Person { what: "its run did not end by itself".to_owned() }, Outcome::Named);
        assert_eq!(says(&repaired(&[], &[]), false), "sound");
        assert_eq!(says(&repaired(&[(Step::Revive, Outcome::Done)], &[]), true), "sound");
        assert!(says(&repaired(&[(Step::Revive, Outcome::Would), person.clone()], &[]), false).contains("1 things would be, and 1 cannot"));
        assert!(says(&repaired(&[person], &[]), false).starts_with("1 things do not fit"));
        for applied in [false, true] {
            let leaked = repaired(&[], &[("leaked_reservations", 3)]);
            assert!(says(&leaked, applied).starts_with("1 things"), "{applied}");
            assert!(text(&leaked).contains("leaked_reservations 3"));
        }
    }
}
