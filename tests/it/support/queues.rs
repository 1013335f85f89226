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

/// The activities that a history has scheduled, each with its queue's name.
pub fn scheduled(history: &[u8]) -> Result<Vec<(String, String)>> {
    let history: Value = serde_json::from_slice(history)?;
    let events = history["events"].as_array().context("a history has events")?;
    let scheduled = events.iter().filter_map(|event| event["attributes"].get("ActivityTaskScheduledEventAttributes"));
    let name = |of: &Value| of["name"].as_str().map(str::to_owned).context("a name");
    scheduled.map(|activity| Ok((name(&activity["activity_type"])?, name(&activity["task_queue"])?))).collect()
}

/// Each activity of the history runs on its own queue.
pub fn each_on_its_own(history: &[u8], queues: &Queues) -> Result<()> {
    for (activity, queue) in scheduled(history)? {
        let (_, own) = QUEUE_OF.iter().find(|(name, _)| *name == activity).with_context(|| format!("no queue is named for {activity}"))?;
        ensure!(queue == queues.name(*own), "{activity} runs on queue {queue}");
    }
    Ok(())
}
