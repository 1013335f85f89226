//! The rules that decisions go by now.

use std::sync::{Arc, PoisonError, RwLock};

use super::Rules;

/// Rules that can be replaced while decisions are made: each goes by those it began with. Cheap to clone; all clones see a change.
#[derive(Debug, Clone)]
pub struct RulesInForce(Arc<RwLock<Arc<Rules>>>);

impl RulesInForce {
    pub fn current(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn replace(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

impl From<Rules> for RulesInForce {
    fn from(rules: Rules) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(rules))))
    }
}
