//! What is done to the house as a whole, run by schedules: decide a pool of orders again together, price the stock.

pub mod contracts;

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityCloseTimeouts, ActivityExecutionError, ActivityOptions, RetryPolicy, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination, common::error::ApplicationFailure,
};

use self::contracts::{
    ExportDays, ExportReport, House, MaintenanceInput, MaintenanceResult, MaintenanceTask, MoveOutcome, PlanPool, PoolReport, PriceStock,
    PruneReport,
};
use crate::names::Queue;

/// Reading and solving may take this long, and is tried so long: the schedule's next run does it again anyway.
const COMPUTING: Duration = Duration::from_secs(5 * 60);
const COMPUTING_IN_ALL: Duration = Duration::from_secs(15 * 60);
/// An order answers soon, or is left to the next run.
const MOVING: Duration = Duration::from_secs(45);
const MOVING_IN_ALL: Duration = Duration::from_secs(2 * 60);

/// Writing days out may take this long, beats meanwhile, and goes on where it was: for so long.
const EXPORTING: Duration = Duration::from_secs(60 * 60);
const EXPORTING_IN_ALL: Duration = Duration::from_secs(6 * 60 * 60);
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Days that an export looks at: what comes later to an order than that is written out by hand.
const EXPORTED_DAYS: i32 = 92;

/// Most batches of rows that one run deletes.
const PRUNES_MAX: u32 = 100;

/// One task, from beginning to end.
#[workflow]
pub struct MaintenanceWorkflow {
    input: MaintenanceInput,
}

#[workflow_methods]
impl MaintenanceWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: MaintenanceInput) -> Self {
        Self { input }
    }

    #[run(name = "Maintenance")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<MaintenanceResult> {
        let at = now(ctx)?;
        match ctx.state(|s| s.input.task) {
            MaintenanceTask::Pool { dry_run } => pool(ctx, at, dry_run).await.map(MaintenanceResult::Pool),
            MaintenanceTask::StockPrices => {
                let priced = ctx.execute_activity(House::price_stock, PriceStock { at }, computing(ctx, "price the stock")).await?;
                let (positions, version) = (priced.positions, &priced.version);
                ctx.set_current_details(format!("{positions} positions have a price as of {version}"));
                Ok(MaintenanceResult::StockPrices(priced))
            }
            MaintenanceTask::Prune => prune(ctx).await.map(MaintenanceResult::Prune),
            MaintenanceTask::Export => export(ctx, at).await.map(MaintenanceResult::Export),
        }
    }
}

/// The days before this one, and this one so far.
async fn export(ctx: &WorkflowContext<MaintenanceWorkflow>, at: Timestamp) -> Result<ExportReport, WorkflowTermination> {
    let last = at.to_zoned(TimeZone::UTC).date();
    let days = ExportDays { first: last.saturating_sub(EXPORTED_DAYS.days()), last };
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(10)).maximum_interval(Duration::from_secs(300)).build();
    let timeouts = ActivityCloseTimeouts::ScheduleAndStartToClose { schedule_to_close: EXPORTING_IN_ALL, start_to_close: EXPORTING };
    let queue = ctx.state(|s| s.input.queues.name(Queue::Data));
    let options = ActivityOptions::with_close_timeouts(timeouts).heartbeat_timeout(HEARTBEAT).task_queue(queue).retry_policy(retry);
    let report = ctx.execute_activity(House::export, days, options.summary("write out what has changed".to_owned()).build()).await?;
    let ExportReport { tables, days_written, rows_written } = report;
    ctx.set_current_details(format!("{tables} tables, {days_written} days with {rows_written} rows written"));
    Ok(report)
}

/// Until nothing is left, or the next run may go on.
async fn prune(ctx: &WorkflowContext<MaintenanceWorkflow>) -> Result<PruneReport, WorkflowTermination> {
    let mut rows = 0;
    for _ in 0..PRUNES_MAX {
        let pruned = ctx.execute_activity(House::prune, (), computing(ctx, "delete what is past its time")).await?;
        rows += pruned.rows;
        ctx.set_current_details(format!("{rows} rows deleted"));
        if pruned.rows == 0 {
            break;
        }
    }
    Ok(PruneReport { rows })
}

/// Plans the pool, then asks one order after the other: each may need units that the one before gives back.
async fn pool(ctx: &WorkflowContext<MaintenanceWorkflow>, at: Timestamp, dry_run: bool) -> Result<PoolReport, WorkflowTermination> {
    let pool_id = ctx.run_id().to_owned();
    let planning = PlanPool { pool_id: pool_id.clone(), at };
    let plan = ctx.execute_activity(House::plan_pool, planning, computing(ctx, "decide the pool again")).await?;
    let planned = u32::try_from(plan.moves.len()).unwrap_or(u32::MAX);
    let mut report = PoolReport { pool_id, dry_run, orders: plan.orders, planned, blocked: plan.blocked, ..PoolReport::default() };
    show(ctx, &report);
    for planned in plan.moves {
        if dry_run {
            report.saved_milli = report.saved_milli.saturating_add(planned.saved_milli);
            continue;
        }
        let (saved_milli, summary) = (planned.saved_milli, format!("move {}", planned.order_id));
        match ctx.execute_activity(House::move_order, planned, options(ctx, Queue::Relations, MOVING, MOVING_IN_ALL, summary)).await {
            Ok(MoveOutcome::Moved) => {
                report.moved += 1;
                report.saved_milli = report.saved_milli.saturating_add(saved_milli);
            }
            Ok(MoveOutcome::Skipped { .. }) => report.skipped += 1,
            // The activity's own failure stays in the history; one order that is out of reach does not keep the others from moving.
            Err(error @ ActivityExecutionError::Cancelled(_)) => return Err(error.into()),
            Err(_) => report.failed += 1,
        }
        show(ctx, &report);
    }
    show(ctx, &report);
    Ok(report)
}

/// What the Temporal UI shows of it.
fn show(ctx: &WorkflowContext<MaintenanceWorkflow>, report: &PoolReport) {
    let PoolReport { orders, planned, blocked, moved, skipped, failed, saved_milli, .. } = report;
    ctx.set_current_details(format!(
        "{orders} orders, {planned} to move, {blocked} left out\n\n{moved} moved, {skipped} skipped, {failed} failed, {saved_milli} milli saved"
    ));
}

fn computing(ctx: &WorkflowContext<MaintenanceWorkflow>, summary: &str) -> ActivityOptions {
    options(ctx, Queue::Data, COMPUTING, COMPUTING_IN_ALL, summary.to_owned())
}

fn options(
    ctx: &WorkflowContext<MaintenanceWorkflow>,
    queue: Queue,
    attempt: Duration,
    in_all: Duration,
    summary: String,
) -> ActivityOptions {
    let retry = RetryPolicy::builder().initial_interval(Duration::from_secs(1)).maximum_interval(Duration::from_secs(30)).build();
    let timeouts = ActivityCloseTimeouts::ScheduleAndStartToClose { schedule_to_close: in_all, start_to_close: attempt };
    let queue = ctx.state(|s| s.input.queues.name(queue));
    ActivityOptions::with_close_timeouts(timeouts).task_queue(queue).retry_policy(retry).summary(summary).build()
}

fn now(ctx: &WorkflowContext<MaintenanceWorkflow>) -> Result<Timestamp, WorkflowTermination> {
    let wrong = |why: String| WorkflowTermination::from(ApplicationFailure::builder(why).type_name("internal".into()).build());
    let real = ctx.workflow_time().ok_or_else(|| wrong("the workflow has no time yet".to_owned()))?;
    let real = Timestamp::try_from(real).map_err(|error| wrong(error.to_string()))?;
    Ok(ctx.state(|s| s.input.clock).business(real))
}
