//! Keys of the database, kept in memory for a few seconds: what is revoked anywhere opens nothing here soon after.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use oms_domain::ids::KeyId;
use oms_store::{Store, StoreError};
use tokio::{sync::Mutex as Turn, time::Instant};

use super::Known;

/// What is younger is believed.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// What is older is not; in between it is, and looked at again. With the time that a request takes this stays below 5 s.
const BELIEVED_FOR: Duration = Duration::from_secs(4);
/// Who has not come for so long is forgotten.
const KEPT_FOR: Duration = Duration::from_secs(600);

pub(super) struct Cache {
    store: Store,
    keys: RwLock<Keys>,
    /// Ids that somebody waits to have looked at.
    wanted: Mutex<BTreeSet<KeyId>>,
    /// One looks at a time, for all who wait: whatever keys are tried, that takes one connection.
    turn: Turn<()>,
}

#[derive(Default)]
struct Keys {
    by_id: BTreeMap<KeyId, (Arc<Known>, Instant)>,
    /// All of them were as they are here at this time, or later.
    seen_at: Option<Instant>,
}

impl Cache {
    pub(super) fn new(store: Store) -> Self {
        Self { store, keys: RwLock::default(), wanted: Mutex::default(), turn: Turn::default() }
    }

    /// The key with this id, in force or not.
    pub(super) async fn find(self: &Arc<Self>, id: &KeyId) -> Result<Option<Arc<Known>>, StoreError> {
        match self.known(id) {
            Some((known, age)) if age < FRESH_FOR => Ok(Some(known)),
            Some((known, age)) if age < BELIEVED_FOR => {
                self.look_soon(id);
                Ok(Some(known))
            }
            Some(_) | None => {
                let since = Instant::now();
                self.look(id).await?;
                self.seen_since(id, since)
            }
        }
    }

    fn known(&self, id: &KeyId) -> Option<(Arc<Known>, Duration)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (known, _) = keys.by_id.get(id)?;
        Some((Arc::clone(known), keys.seen_at?.elapsed()))
    }

    /// The key, when it was looked at after this time: whoever did it for us may have failed.
    fn seen_since(&self, id: &KeyId, since: Instant) -> Result<Option<Arc<Known>>, StoreError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if keys.seen_at.is_none_or(|at| at < since) {
            return Err(StoreError::Unavailable { system: "the accounts" });
        }
        Ok(keys.by_id.get(id).map(|(known, _)| Arc::clone(known)))
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<KeyId>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks beside the request, unless somebody does.
    fn look_soon(self: &Arc<Self>, id: &KeyId) {
        if !self.wanted().insert(id.clone()) {
            return;
        }
        let (cache, id) = (Arc::clone(self), id.clone());
        tokio::spawn(async move {
            if let Err(error) = cache.look(&id).await {
                tracing::warn!(error.message = %error, "the keys cannot be looked at");
            }
        });
    }

    /// Has the key looked at together with all that are kept: by whoever has the turn, if they took this one along, or else now.
    async fn look(&self, id: &KeyId) -> Result<(), StoreError> {
        self.wanted().insert(id.clone());
        let _turn = self.turn.lock().await;
        let mut wanted = mem::take(&mut *self.wanted());
        if !wanted.contains(id) {
            // Others who wait have come since.
            self.wanted().append(&mut wanted);
            return Ok(());
        }
        self.read(wanted).await
    }

    async fn read(&self, wanted: BTreeSet<KeyId>) -> Result<(), StoreError> {
        let (ids, used) = self.to_ask(wanted);
        let asked_at = Instant::now();
        let found = self.store.keys(&ids, &used).await?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let before = mem::take(&mut keys.by_id);
        let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
        let came = |id: &KeyId| match before.get(id) {
            Some((_, at)) if !used.contains(id.as_str()) => *at,
            Some(_) | None => asked_at,
        };
        let kept = found.into_iter().map(|key| (key.key.key_id.clone(), key)).map(|(id, key)| {
            let at = came(&id);
            (id, (Arc::new(Known::from(key)), at))
        });
        keys.by_id = kept.filter(|(_, (_, at))| at.elapsed() < KEPT_FOR).collect();
        keys.seen_at = Some(asked_at);
        Ok(())
    }

    /// All ids to ask for, and those that were used since the last time.
    fn to_ask(&self, wanted: BTreeSet<KeyId>) -> (Vec<String>, Vec<String>) {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let used = keys.by_id.iter().filter(|(_, (known, _))| known.take_used()).map(|(id, _)| id.to_string()).collect();
        let all: BTreeSet<&KeyId> = keys.by_id.keys().chain(&wanted).collect();
        (all.into_iter().map(ToString::to_string).collect(), used)
    }
}
