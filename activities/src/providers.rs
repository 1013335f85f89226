//! Which of several providers does something: chosen by the order's channel and currency when it begins, and kept to until it is over.

use std::sync::Arc;

use oms_domain::{
    error::ErrorCode,
    ids::ProviderId,
    money::Currency,
    provider::{ProviderPort, ProviderRule},
};
use oms_store::Store;
use temporalio_sdk::activities::ActivityError;

use crate::{
    failure::{failure, store_failure},
    guard::Guard,
};

/// A provider, as it is asked.
pub struct Provider<P: ?Sized> {
    pub provider_id: ProviderId,
    pub rule: ProviderRule,
    /// Stands before it; none: it is asked whatever anybody says.
    pub guard: Option<Guard>,
    pub port: Arc<P>,
}

/// The providers of one port, at least one, in the order in which they are looked at. Cheap to clone.
pub struct Providers<P: ?Sized> {
    port: ProviderPort,
    first: Arc<Provider<P>>,
    others: Arc<[Provider<P>]>,
}

impl<P: ?Sized> Clone for Providers<P> {
    fn clone(&self) -> Self {
        Self { port: self.port, first: Arc::clone(&self.first), others: Arc::clone(&self.others) }
    }
}

impl<P: ?Sized> Providers<P> {
    /// The first does what no rule is for, and what was begun before there were others.
    pub fn new(port: ProviderPort, first: Provider<P>, others: Vec<Provider<P>>) -> Self {
        Self { port, first: Arc::new(first), others: others.into() }
    }

    /// One for everything, with nothing before it.
    pub fn one(port: ProviderPort, only: Arc<P>) -> Self {
        let provider_id = ProviderId::parse(port.name()).expect("a word is an id");
        Self::new(port, Provider { provider_id, rule: ProviderRule::default(), guard: None, port: only }, Vec::new())
    }

    fn all(&self) -> impl Iterator<Item = &Provider<P>> {
        std::iter::once(&*self.first).chain(self.others.iter())
    }

    /// The guards that stand before them.
    pub fn guards(&self) -> impl Iterator<Item = Guard> {
        self.all().filter_map(|provider| provider.guard.clone())
    }

    /// How many calls a second all of them together are asked; None: as many as come.
    pub fn per_second(&self) -> Option<f64> {
        self.all().map(|provider| provider.guard.as_ref().map(|guard| f64::from(guard.per_second()))).sum()
    }

    /// The first whose rule covers it and that takes anything new; where none does, the first whose rule covers it.
    fn covering(&self, channel: &str, currency: Currency) -> &Provider<P> {
        let mut covering = self.all().filter(|provider| provider.rule.covers(channel, currency)).peekable();
        let best = covering.peek().copied();
        let takes_new = |provider: &&Provider<P>| provider.guard.as_ref().is_none_or(Guard::takes_new);
        covering.find(takes_new).or(best).unwrap_or(&self.first)
    }

    /// Who begins something for an order: noted before anything is sent, so that it is seen through with the same.
    pub(crate) async fn begin(
        &self,
        store: &Store,
        reference: &str,
        subject: &str,
        channel: &str,
        currency: Currency,
    ) -> Result<&Arc<P>, ActivityError> {
        if self.others.is_empty() {
            return Ok(&self.first.port);
        }
        let wanted = &self.covering(channel, currency).provider_id;
        let chosen = store.choose_provider(reference, &self.subject(subject), wanted).await.map_err(|error| store_failure(&error))?;
        self.named(&chosen)
    }

    /// Who has begun it: the first, where nobody has noted that.
    pub(crate) async fn of(&self, store: &Store, reference: &str, subject: &str) -> Result<&Arc<P>, ActivityError> {
        if self.others.is_empty() {
            return Ok(&self.first.port);
        }
        let chosen = store.chosen_provider(reference, &self.subject(subject)).await.map_err(|error| store_failure(&error))?;
        chosen.map_or(Ok(&self.first.port), |chosen| self.named(&chosen))
    }

    fn named(&self, provider_id: &ProviderId) -> Result<&Arc<P>, ActivityError> {
        let found = self.all().find(|provider| provider.provider_id == *provider_id);
        let gone = || failure(ErrorCode::Unavailable, format!("no provider {provider_id} is configured any more, and it has begun this"));
        found.map(|provider| &provider.port).ok_or_else(gone)
    }

    fn subject(&self, subject: &str) -> String {
        format!("{}:{subject}", self.port.name())
    }
}

#[cfg(test)]
mod tests {
    use oms_domain::provider::ProviderStanding;

    use super::*;
    use crate::guard::Limits;

    fn provider(name: &str, channels: &[&str], currencies: &[&str]) -> Provider<str> {
        let rule = ProviderRule {
            channels: channels.iter().map(|channel| (*channel).to_owned()).collect(),
            currencies: currencies.iter().map(|currency| currency.parse().unwrap()).collect(),
        };
        let provider_id = ProviderId::parse(name).unwrap();
        let guard = Guard::new(provider_id.clone(), ProviderPort::Payment, Limits::default(), None);
        Provider { provider_id, rule, guard: Some(guard), port: Arc::from(name) }
    }

    #[test]
    fn the_first_whose_rule_covers_it_does_it_and_one_that_drains_nothing_new() {
        let others = vec![provider("yen", &[], &["JPY"]), provider("shop", &["shop"], &[])];
        let providers = Providers::new(ProviderPort::Payment, provider("web", &["web"], &[]), others);
        let chosen = |channel: &str, currency: &str| providers.covering(channel, currency.parse().unwrap()).provider_id.to_string();
        assert_eq!(chosen("web", "JPY"), "web");
        assert_eq!(chosen("shop", "JPY"), "yen");
        assert_eq!(chosen("shop", "GBP"), "shop");
        assert_eq!(chosen("fax", "GBP"), "web", "what no rule is for");
        let yen = providers.guards().nth(1).unwrap();
        yen.go_by(ProviderStanding::Draining, 0);
        assert_eq!(chosen("shop", "JPY"), "shop");
        assert_eq!(chosen("fax", "JPY"), "yen", "there is no other for it");
    }
}
