//! `oms allocate` and `oms rules`: the allocation engine as a file tool. Nothing of it needs a server.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use oms_allocation::{Options, Package, Plan, Problem, Rules, solve};
use oms_domain::error::ErrorCode;
use serde_json::json;

use crate::{
    client::words::read_text,
    exit::Coded,
    output::{self, Format, table},
};

/// `oms allocate`
#[derive(Debug, Args)]
pub struct AllocateArgs {
    /// The problem as JSON; - for standard input.
    #[arg(long, value_name = "FILE")]
    problem: PathBuf,
    /// Also say what each facility that is not chosen would have cost.
    #[arg(long)]
    explain: bool,
    /// Partial plans looked at before the best so far is the answer [default: as in the orders' path].
    #[arg(long, value_name = "N")]
    node_budget: Option<u64>,
}

/// What can be done with rule files.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Check a rule file: each mistake with its line and column.
    #[command(after_help = "Example:\n  oms rules check rules.toml")]
    Check { file: PathBuf },
    /// Print the rules that hold when no file is named.
    #[command(after_help = "Example:\n  oms rules show > rules.toml")]
    Show,
}

impl AllocateArgs {
    /// Solves the problem and prints the plan.
    ///
    /// # Errors
    /// When the file cannot be read; `validation_failed` with every mistake in it.
    pub fn run(self, format: Format) -> Result<()> {
        let wrong =
            |invalid| Coded::new(ErrorCode::ValidationFailed, format!("{} is not a problem to solve:\n{invalid}", self.problem.display()));
        let problem = Problem::from_json(&read_text(&self.problem)?).map_err(wrong)?;
        let budget = self.node_budget.unwrap_or(Options::default().node_budget);
        let plan = solve(&problem, Options { node_budget: budget, explain: self.explain });
        output::show::<Plan>(format, &serde_json::to_value(&plan)?, plan_text)
    }
}

impl RulesCommand {
    /// Does it.
    ///
    /// # Errors
    /// When the file cannot be read; `validation_failed` with every mistake in it.
    pub fn run(self, format: Format) -> Result<()> {
        match self {
            Self::Show => output::line(oms_allocation::BUILT_IN_RULES.trim_end()),
            Self::Check { file } => check(&file, format),
        }
    }
}

fn check(file: &Path, format: Format) -> Result<()> {
    let text = read_text(file)?;
    let wrong = |mistakes| Coded::new(ErrorCode::ValidationFailed, format!("{}:\n{mistakes}", file.display()));
    let rules = Rules::parse(&text).map_err(wrong)?;
    let summary = json!({"version": rules.version, "rules": rules.rules.len()});
    output::show::<serde_json::Value>(format, &summary, |_| format!("{}: {} rules, no mistakes", rules.version, rules.rules.len()))
}

fn plan_text(plan: &Plan) -> String {
    let proof = if plan.optimal { "optimal".to_owned() } else { format!("at most {} milli dearer than the best", plan.gap_milli) };
    let summary = format!("cost {} milli, {} units unfilled, {proof}, {} nodes", plan.cost_milli, plan.unfilled_units, plan.nodes);
    let package = |package: &Package| {
        let lines: Vec<String> = package.lines.iter().map(|line| format!("{}={}", line.line_id, line.quantity)).collect();
        [package.facility_id.clone(), package.cost_milli.to_string(), lines.join(" ")]
    };
    let others = plan.not_chosen.iter().map(|unused| {
        let forced = unused.forced.as_ref().map_or("-".to_owned(), |forced| forced.cost_milli.to_string());
        [unused.facility_id.clone(), unused.reason.to_string(), forced]
    });
    let packages = table(["FACILITY", "COST MILLI", "LINE=UNITS"], plan.packages.iter().map(package));
    format!("{summary}\n{packages}\n\n{}", table(["NOT CHOSEN", "WHY", "COST WITH IT MILLI"], others))
}
