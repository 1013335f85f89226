//! What a repair names as gone.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Orders, by what of them nobody has any more.
#[derive(Debug, Default)]
pub struct Gone {
    /// Whether there was a repair at all.
    pub is_repaired: bool,
    pub events: BTreeSet<String>,
    pub intakes: BTreeSet<String>,
}

impl Gone {
    /// From the answer of `oms repair`, which must have left nothing else as it was.
    pub fn read(&mut self, repaired: &Value) -> Result<()> {
        self.is_repaired = true;
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        for repair in repaired["repairs"].as_array().context("repairs")? {
            let (id, what) = (text(repair, "order_id"), text(repair, "what"));
            ensure!(repair["outcome"] != "failed", "the repair of {id} failed: {repair}");
            match text(repair, "step").as_str() {
                "gone" if what.starts_with("its events") => drop(self.events.insert(id)),
                "gone" if what.starts_with("its intake") => drop(self.intakes.insert(id)),
                "gone" => anyhow::bail!("something else of {id} is gone: {what}"),
                _ => {}
            }
        }
        let left = repaired["left"].as_array().context("what is left")?;
        let for_people = left.iter().filter(|finding| !self.intakes.contains(&text(finding, "order_id")));
        ensure!(for_people.clone().next().is_none(), "the repair has left {:?}", for_people.collect::<Vec<_>>());
        ensure!(repaired["stock"] == serde_json::json!({}), "the repair has left the stock {}", repaired["stock"]);
        Ok(())
    }
}
