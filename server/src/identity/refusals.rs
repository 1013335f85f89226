//! Credentials that were refused, counted: whoever tries many keys writes a row of the audit trail every few seconds, and not one a try.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use oms_store::{AuditAction, AuditEntry, Store, StoreError};
use serde_json::json;

use super::Refused;

/// By what was wrong, and by the key or person where it is one of the house.
type Counts = BTreeMap<(Refused, Option<String>), u64>;

#[derive(Default)]
pub(super) struct Refusals(Mutex<Counts>);

impl Refusals {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, why: Refused, whose: Option<String>) {
        *self.counts().entry((why, whose)).or_default() += 1;
    }

    /// Writes down what was counted since the last time. What cannot be written is counted on.
    pub(super) async fn tell(&self, store: &Store) -> Result<usize, StoreError> {
        let counts = mem::take(&mut *self.counts());
        let entry = |((why, whose), count): (&(Refused, Option<String>), &u64)| AuditEntry {
            by: None,
            action: AuditAction::AuthenticationRefused.name(),
            subject: whose.clone(),
            detail: json!({"why": why.name(), "times": count}),
        };
        let entries: Vec<AuditEntry> = counts.iter().map(entry).collect();
        if entries.is_empty() {
            return Ok(0);
        }
        let told = store.audit(&entries).await;
        if told.is_err() {
            for (refused, count) in counts {
                *self.counts().entry(refused).or_default() += count;
            }
        }
        told.map(|()| entries.len())
    }
}
