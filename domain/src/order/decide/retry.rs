//! What failed is tried again: by a person at once, by itself after a while, and not for ever.

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    order::{Effect, Event},
};

impl Draft {
    /// An effect could not be done. It is left alone until someone, or time, says that it may be tried again. What is not owed any more
    /// needs nobody, and neither does an attempt that has given up before.
    pub(super) fn gave_up(&mut self, effect: &str, attempt: u32, why: &str) {
        let waits = self.order.gave_up.get(effect).is_some_and(|known| known.waits);
        if !waits && attempt == self.order.attempt(effect) && self.order.owed_effects().iter().any(|owed| owed.key() == effect) {
            self.emit(Event::EffectGaveUp { effect: effect.to_owned(), why: why.to_owned() });
        }
    }

    /// What gave up and is not owed any more needs nobody.
    pub(super) fn forget_given_up(&mut self) {
        if self.order.gave_up.is_empty() {
            return;
        }
        let owed: Vec<String> = self.order.owed_effects().iter().map(Effect::key).collect();
        let over = self.order.gave_up.iter().filter(|(key, known)| known.waits && !owed.contains(key));
        for subject in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.emit(Event::AttentionResolved { subject, wait: None });
        }
    }

    /// A person says that it may be tried again: nothing blocks it any more, so it follows by itself.
    pub(super) fn retry(&mut self, subject: &str) -> Result<(), Rejection> {
        let Some(known) = self.order.attention.iter().find(|known| known.subject == subject) else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("nothing here needs attention under the name {subject}")));
        };
        if known.wait.is_some() || !self.order.may_be_retried(subject) {
            return Err(Rejection::new(ErrorCode::RefusedByRule, format!("{subject} is nothing that can be tried again: {}", known.why)));
        }
        self.settle(subject);
        Ok(())
    }
}
