//! Companies outside that do something for the house: what of theirs is asked, and whether it may be asked now.

use std::collections::BTreeSet;

use crate::{kinds::named, money::Currency};

named! {
    /// What a provider is for.
    ProviderPort {
        Payment = "payment",
        Carrier = "carrier",
        Fraud = "fraud",
    }
}

named! {
    /// Whether a provider is asked. What is not asked waits, and is done once it may be.
    ProviderStanding {
        Running = "running",
        /// Somebody has said that nothing is sent.
        Paused = "paused",
        /// It is given nothing new; what it has begun is seen through with it.
        Draining = "draining",
        /// It does not let the house in: one call at a time finds out whether it does again.
        Denied = "denied",
    }
}

named! {
    /// What a worker makes of a provider that does not answer.
    Circuit {
        Closed = "closed",
        /// One call has been let through to see whether it answers again.
        HalfOpen = "half_open",
        Open = "open",
    }
}

/// Which orders a provider is for; empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderRule {
    pub channels: BTreeSet<String>,
    pub currencies: BTreeSet<Currency>,
}

impl ProviderRule {
    pub fn covers(&self, channel: &str, currency: Currency) -> bool {
        (self.channels.is_empty() || self.channels.contains(channel)) && (self.currencies.is_empty() || self.currencies.contains(&currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_says_nothing_covers_everything() {
        let (gbp, jpy) = ("GBP".parse().unwrap(), "JPY".parse().unwrap());
        assert!(ProviderRule::default().covers("web", gbp));
        let rule = ProviderRule { channels: ["web".to_owned()].into(), currencies: [jpy].into() };
        assert!(rule.covers("web", jpy) && !rule.covers("web", gbp) && !rule.covers("shop", jpy));
    }
}
