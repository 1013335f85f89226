//! The bulkheads: what waits for one system takes no slot from what waits for another. Every history that a test ends with is checked.

use anyhow::{Context, Result, ensure};
use oms_workflows::names::{Queue, Queues};
use serde_json::Value;

/// Where each activity runs that is not a local one.
const QUEUE_OF: &[(&str, Queue)] = &[
    ("admit", Queue::Data),
    ("source", Queue::Data),
    ("record", Queue::Data),
    ("read_return", Queue::Data),
    ("record_return", Queue::Data),
    ("record_bulk", Queue::Data),
    ("plan_pool", Queue::Data),
    ("price_stock", Queue::Data),
    ("prune", Queue::Data),
    ("export", Queue::Data),
    ("open_return", Queue::Relations),
    ("settle_return", Queue::Relations),
    ("settle_credit", Queue::Relations),
    ("pay_by_credit", Queue::Relations),
    ("follow_refund", Queue::Relations),
    ("move_order", Queue::Relations),
    ("pay", Queue::Payments),
    ("ask_payment", Queue::Payments),
    ("screen", Queue::Fraud),
    ("book_label", Queue::Shipping),
    ("void_label", Queue::Shipping),
    ("book_return_label", Queue::Shipping),
    ("void_return_label", Queue::Shipping),
    ("ask_batch", Queue::Bulk),
];

/// An activity that a history has scheduled.
pub struct Scheduled {
    pub activity: String,
    queue: String,
    /// Most attempts, if there is a bound.
    attempts_max: u64,
}

/// The activities that a history has scheduled, in sequence.
pub fn scheduled(history: &[u8]) -> Result<Vec<Scheduled>> {
    let history: Value = serde_json::from_slice(history)?;
    let events = history["events"].as_array().context("a history has events")?;
    let scheduled = events.iter().filter_map(|event| event["attributes"].get("ActivityTaskScheduledEventAttributes"));
    let name = |of: &Value| of["name"].as_str().map(str::to_owned).context("a name");
    let read = |of: &Value| {
        let attempts_max = of["retry_policy"]["maximumAttempts"].as_u64().unwrap_or_default();
        Ok(Scheduled { activity: name(&of["activity_type"])?, queue: name(&of["task_queue"])?, attempts_max })
    };
    scheduled.map(read).collect()
}

/// Each activity of the history runs on its own queue; what is done outside is tried once on that of the orders before.
pub fn each_on_its_own(history: &[u8], queues: &Queues) -> Result<()> {
    for Scheduled { activity, queue, attempts_max } in scheduled(history)? {
        let (_, own) = QUEUE_OF.iter().find(|(name, _)| *name == activity).with_context(|| format!("no queue is named for {activity}"))?;
        let at_once = matches!(own, Queue::Payments | Queue::Shipping) && attempts_max == 1 && queue == queues.name(Queue::Orders);
        ensure!(at_once || queue == queues.name(*own), "{activity} runs on queue {queue}");
    }
    Ok(())
}
