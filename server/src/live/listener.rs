//! One stream: what its listener is told, and when it ends.

use std::{mem, sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, Method},
    response::sse::Event,
};
use futures_util::{Stream, stream};
use oms_domain::access::Principal;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use super::{News, Place, Topic, changes::Change};
use crate::{caller::Caller, identity::Credential, state::AppState};

/// Session, roles and reach are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// So often a stream says that it is well. What cannot be read is not: whoever hears nothing for longer says how old their page is.
const BEAT: Duration = Duration::from_secs(4);
/// Then a stream ends, and its page opens another one, perhaps at another server.
const AGE_MAX: Duration = Duration::from_secs(900);
/// How soon a page opens another one.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Whoever listens.
pub(crate) struct Listener {
    state: AppState,
    topics: Vec<Topic>,
    caller: Caller,
    shown: Shown,
    heard: Receiver<News>,
    looks: Interval,
    ends_at: Instant,
    /// When it last said something.
    said_at: Option<Instant>,
    /// What is to be said before anything else is heard.
    to_say: Vec<Event>,
    is_over: bool,
    _place: Place,
}

/// What they have shown, to be looked at again.
struct Shown {
    is_bearer: bool,
    text: SecretString,
}

impl Shown {
    fn credential(&self) -> Credential<'_> {
        let text = self.text.expose_secret();
        if self.is_bearer { Credential::Bearer(text) } else { Credential::Cookie(text) }
    }
}

impl Listener {
    /// None: the person has as many streams as anybody may. The topics are those that they may hear of.
    pub(crate) fn new(state: AppState, caller: Caller, headers: &HeaderMap, topics: Vec<Topic>) -> Option<Self> {
        let credential = Credential::of(headers, &Method::GET)?;
        let shown = Shown { is_bearer: matches!(credential, Credential::Bearer(_)), text: credential.text().into() };
        let place = state.live.admit(&caller.id)?;
        let mut looks = interval(LOOK_AGAIN);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.reset();
        let (heard, ends_at) = (state.live.listen(), Instant::now() + AGE_MAX);
        let to_say = vec![Event::default().retry(AGAIN_AFTER).event("opened").data("")];
        Some(Self { state, topics, caller, shown, heard, looks, ends_at, said_at: None, to_say, is_over: false, _place: place })
    }

    /// What they are told, to the end.
    pub(crate) fn events(self) -> impl Stream<Item = Event> {
        stream::unfold(self, async |mut listener| {
            while listener.to_say.is_empty() {
                if listener.is_over {
                    return None;
                }
                listener.hear().await;
            }
            let event = listener.to_say.remove(0);
            Some((event, listener))
        })
    }

    /// Waits for the next thing that concerns them.
    async fn hear(&mut self) {
        let ending = self.state.live.0.ending.clone();
        tokio::select! {
            () = ending.cancelled() => self.is_over = true,
            () = sleep_until(self.ends_at) => self.is_over = true,
            _ = self.looks.tick() => self.look_again().await,
            news = self.heard.recv() => match news {
                Ok(News::Read(changes)) => self.tell(&changes),
                Ok(News::SomebodyLeft) => self.look_again().await,
                // What was missed may have been about any of them.
                Err(RecvError::Lagged(_)) => self.say(|_| true),
                Err(RecvError::Closed) => self.is_over = true,
            },
        }
    }

    fn tell(&mut self, changes: &Arc<[Change]>) {
        let listener: Arc<Principal> = Arc::clone(&self.caller.principal);
        self.say(|topic| changes.iter().any(|change| topic.is_changed_by(change, &listener)));
        let is_quiet = self.said_at.is_none_or(|at| at.elapsed() >= BEAT);
        if self.to_say.is_empty() && is_quiet {
            self.said_at = Some(Instant::now());
            self.to_say.push(Event::default().event("beat").data(""));
        }
    }

    /// Says of each topic that is meant that it has changed.
    fn say(&mut self, is_meant: impl Fn(&Topic) -> bool) {
        let changed =
            self.topics.iter().filter(|topic| is_meant(topic)).map(|topic| Event::default().event("changed").data(topic.to_string()));
        self.to_say.extend(changed);
        if !self.to_say.is_empty() {
            self.said_at = Some(Instant::now());
        }
    }

    /// Whether they are still in, as whom, and what of it they may still hear of. What they may not is said to have changed, once.
    async fn look_again(&mut self) {
        match self.state.identity.still(self.shown.credential()).await {
            Ok(principal) => self.caller.principal = principal,
            Err(failure) if failure.0.retryable || failure.0.status >= 500 => return,
            Err(_) => {
                self.to_say.push(Event::default().event("over").data(""));
                self.is_over = true;
                return;
            }
        }
        for topic in mem::take(&mut self.topics) {
            match topic.refuse(&self.state, &self.caller).await {
                Err(failure) if failure.0.status < 500 => self.to_say.push(Event::default().event("changed").data(topic.to_string())),
                // What cannot be found out now is found out the next time.
                Ok(()) | Err(_) => self.topics.push(topic),
            }
        }
        self.is_over = self.topics.is_empty();
    }
}
