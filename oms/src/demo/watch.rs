//! Watches the orders through the API's list, and shows how far they are.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use oms_api::order::OrderSummary;
use oms_domain::order::OrderStatus;
use serde_json::Value;
use tokio::sync::watch;

use super::world::World;

/// How often the list is read: on a terminal, and where each look is a line.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LINE_EVERY: Duration = Duration::from_secs(10);
/// What changed before the last look may have become visible after it.
const OVERLAP: SignedDuration = SignedDuration::from_hours(12);

/// The orders' states as last seen.
pub struct Watch {
    world: Arc<World>,
    orders: usize,
    states: Mutex<BTreeMap<String, String>>,
    all_ended: watch::Sender<bool>,
}

impl Watch {
    pub fn new(world: Arc<World>, orders: usize) -> Self {
        Self { world, orders, states: Mutex::default(), all_ended: watch::Sender::new(false) }
    }

    /// Turns true when every order has ended.
    pub fn all_ended(&self) -> watch::Receiver<bool> {
        self.all_ended.subscribe()
    }

    /// Orders that are not over, as last seen.
    pub fn open_orders(&self) -> Vec<String> {
        self.states().iter().filter(|(_, status)| !is_final(status)).map(|(id, _)| id.clone()).collect()
    }

    /// Looks and shows until the future is dropped.
    ///
    /// # Errors
    /// When the API cannot be reached for long.
    pub async fn look(&self) -> Result<()> {
        let shown = Shown::new(self.orders);
        let (mut seen_until, mut last_line) = (Timestamp::UNIX_EPOCH, Instant::now());
        loop {
            let looked_at = self.world.now();
            self.update(seen_until).await?;
            seen_until = looked_at - OVERLAP;
            let now = looked_at.strftime("%a %-d %b %H:%M").to_string();
            shown.draw(self.ended(), || self.line(&now), &mut last_line);
            if self.ended() == self.orders {
                self.all_ended.send_replace(true);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn update(&self, since: Timestamp) -> Result<()> {
        let query = [("updated_after", Some(since.to_string()))];
        let (items, _) = self.world.persistently(|| self.world.api.pages(&["v1", "orders"], &query, usize::MAX)).await?;
        let summaries: Vec<OrderSummary> = serde_json::from_value(Value::Array(items))?;
        self.states().extend(summaries.into_iter().map(|order| (order.order_id, order.status)));
        Ok(())
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> usize {
        self.states().values().filter(|status| is_final(status)).count()
    }

    /// `Thu 2 Dec 14:10  placed 143, Created 2, Processing 61, Completed 80`
    fn line(&self, now: &str) -> String {
        let states = self.states();
        let count = |status: &OrderStatus| (status.name(), states.values().filter(|known| *known == status.name()).count());
        let counts = OrderStatus::ALL.iter().map(count).filter(|(_, count)| *count > 0);
        let counts: String = counts.map(|(name, count)| format!(", {name} {count}")).collect();
        format!("{now}  placed {}{counts}", self.world.tally().orders_placed)
    }
}

fn is_final(status: &str) -> bool {
    OrderStatus::ALL.iter().any(|known| known.is_final() && known.name() == status)
}

/// A bar on a terminal, and a line now and then elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new(orders: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(orders as u64);
            let template = "{bar:32.green} {pos}/{len} ended  {msg}  {elapsed}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar }
    }

    fn draw(&self, ended: usize, line: impl FnOnce() -> String, last_line: &mut Instant) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(ended as u64);
                bar.set_message(line());
            }
            None if last_line.elapsed() >= LINE_EVERY => {
                eprintln!("{}", line());
                *last_line = Instant::now();
            }
            None => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
