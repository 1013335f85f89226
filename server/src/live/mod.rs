//! What has just changed, for those who look at it: one reader of the outbox per server, as long as anybody listens, and a stream for each who
//! does. A stream names what has changed and nothing of it: whoever is told asks again, through every door there is.

mod changes;
mod listener;
mod topic;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oms_domain::ids::AccountId;
use oms_store::Store;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use self::changes::Change;
pub(crate) use self::{listener::Listener, topic::Topic};

/// Rounds that a slow listener may be behind: then it is told that anything may have changed.
const ROUNDS_KEPT: usize = 64;
/// Streams of one person: tabs that are looked at, at a few places.
const STREAMS_PER_PERSON_MAX: usize = 12;

/// What all listeners hear.
#[derive(Debug, Clone)]
enum News {
    /// The outbox was read: this has changed, which may be nothing.
    Read(Arc<[Change]>),
    /// Somebody has gone: everybody sees whether it was they.
    SomebodyLeft,
}

/// The server's streams. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live(Arc<Inner>);

struct Inner {
    store: Store,
    news: broadcast::Sender<News>,
    /// Whether somebody reads the outbox.
    is_read: Mutex<bool>,
    open: Mutex<BTreeMap<AccountId, usize>>,
    ending: CancellationToken,
}

/// A stream's place among those of its person; dropping it frees the place.
pub(crate) struct Place {
    of: Live,
    person: AccountId,
}

impl Live {
    pub(crate) fn new(store: Store) -> Self {
        let (news, _) = broadcast::channel(ROUNDS_KEPT);
        let ending = CancellationToken::new();
        Self(Arc::new(Inner { store, news, is_read: Mutex::default(), open: Mutex::default(), ending }))
    }

    /// Ends all streams, and those to come: they would hold the server's stop.
    pub(crate) fn end(&self) {
        self.0.ending.cancel();
    }

    /// Has every stream see at once whether its session still stands.
    pub(crate) fn somebody_left(&self) {
        self.tell(News::SomebodyLeft);
    }

    /// Nobody needs to listen.
    fn tell(&self, news: News) {
        drop(self.0.news.send(news));
    }

    /// A place for one more stream of this person; None: they have as many as anybody may.
    pub(crate) fn admit(&self, person: &AccountId) -> Option<Place> {
        let mut open = self.open();
        let here = open.entry(person.clone()).or_default();
        if *here >= STREAMS_PER_PERSON_MAX {
            return None;
        }
        *here += 1;
        Some(Place { of: self.clone(), person: person.clone() })
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<AccountId, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears what comes from now on, and sees to it that somebody reads.
    fn listen(&self) -> broadcast::Receiver<News> {
        let heard = self.0.news.subscribe();
        let mut is_read = self.0.is_read.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_read {
            *is_read = true;
            tokio::spawn(changes::read(self.clone()));
        }
        heard
    }

    /// Whether nobody listens any more: then reading ends, and whoever comes next begins it.
    fn is_over(&self) -> bool {
        let mut is_read = self.0.is_read.lock().unwrap_or_else(PoisonError::into_inner);
        *is_read = self.0.news.receiver_count() > 0;
        !*is_read
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.of.open();
        if let Some(here) = open.get_mut(&self.person) {
            *here -= 1;
            if *here == 0 {
                open.remove(&self.person);
            }
        }
    }
}
