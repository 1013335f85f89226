//! Looks at what names people, for the audit trail: what a person read is written down before they have the answer, once for each thing in a
//! while; what a machine reads all day is counted.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oms_domain::access::{By, PrincipalKind};
use oms_store::{AuditAction, AuditEntry, Store, StoreError};
use serde_json::json;
use tokio::time::Instant;

/// The same person at the same thing is one look for so long.
const ONE_LOOK: Duration = Duration::from_secs(600);
/// So many are remembered; with more, some are written down twice.
const REMEMBERED_MAX: usize = 20_000;

/// What was read: the route's pattern, and the one thing that its path names (of a customer the keyed hash); lists name none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Look {
    pub(crate) route: String,
    pub(crate) subject: Option<String>,
}

/// What is remembered of looks. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Of people: who looked at what, and when that was written down.
    written: HashMap<(String, Look), Instant>,
    /// Of machines, by account and route, since they were told.
    counted: BTreeMap<(String, String), Counted>,
}

struct Counted {
    by: By,
    times: u64,
}

impl Looks {
    /// Keeps a look. Errors: those of the database, where it must be written down: then nothing is shown.
    pub(crate) async fn keep(&self, store: &Store, by: By, look: Look) -> Result<(), StoreError> {
        if by.actor.kind == PrincipalKind::Machine {
            self.count(by, look.route);
            return Ok(());
        }
        let key = (by.actor.id.to_string(), look);
        if !self.is_new(&key) {
            return Ok(());
        }
        let (_, look) = &key;
        store.audit(&[entry(by, look.subject.clone(), json!({"route": look.route}))]).await?;
        self.remember(key);
        Ok(())
    }

    fn count(&self, by: By, route: String) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.counted.entry((by.actor.id.to_string(), route)).or_insert(Counted { by: By { request_id: None, ..by }, times: 0 }).times += 1;
    }

    fn is_new(&self, key: &(String, Look)) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.written.get(key).is_none_or(|at| at.elapsed() > ONE_LOOK)
    }

    fn remember(&self, key: (String, Look)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.written.len() >= REMEMBERED_MAX {
            state.written.retain(|_, at| at.elapsed() <= ONE_LOOK);
        }
        if state.written.len() >= REMEMBERED_MAX {
            state.written.clear();
        }
        state.written.insert(key, Instant::now());
    }

    /// Tells the audit trail what machines read since the last time: how many rows that were. What cannot be written is counted on.
    pub(crate) async fn tell(&self, store: &Store) -> Result<usize, StoreError> {
        let counted = mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).counted);
        let row = |((_, route), counted): (&(String, String), &Counted)| {
            entry(counted.by.clone(), None, json!({"route": route, "times": counted.times}))
        };
        let entries: Vec<AuditEntry> = counted.iter().map(row).collect();
        if entries.is_empty() {
            return Ok(0);
        }
        let told = store.audit(&entries).await;
        if told.is_err() {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, before) in counted {
                let times = before.times;
                state.counted.entry(key).or_insert(Counted { times: 0, ..before }).times += times;
            }
        }
        told.map(|()| entries.len())
    }
}

fn entry(by: By, subject: Option<String>, detail: serde_json::Value) -> AuditEntry {
    AuditEntry { by: Some(by), action: AuditAction::PersonalDataRead.name(), subject, detail }
}
