//! Intakes that were read a moment ago: the steps of one workflow task, and those that follow it, read the same one. Written once and never
//! changed, an intake cannot be out of date.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use oms_domain::ids::OrderId;

use crate::intake::IntakeRow;

/// How long one is kept, how many, and of how many lines at most: not more than some MB in all, and no longer than it is of use.
const KEPT_FOR: Duration = Duration::from_secs(10);
const INTAKES_MAX: usize = 128;
const LINES_MAX: usize = 200;

/// The last ones that were read.
#[derive(Default)]
pub(crate) struct RecentIntakes(Mutex<VecDeque<(Instant, IntakeRow)>>);

impl RecentIntakes {
    pub fn find(&self, order_id: &OrderId) -> Option<IntakeRow> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while known.front().is_some_and(|(read, _)| read.elapsed() > KEPT_FOR) {
            known.pop_front();
        }
        known.iter().find(|(_, intake)| intake.order.order_id == *order_id).map(|(_, intake)| intake.clone())
    }

    pub fn keep(&self, intake: &IntakeRow) {
        if intake.order.lines.len() > LINES_MAX {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= INTAKES_MAX {
            known.pop_front();
        }
        known.push_back((Instant::now(), intake.clone()));
    }
}
