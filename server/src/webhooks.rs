//! What companies outside say unasked: who reads it, by the name of the provider that says it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{body::Bytes, http::HeaderMap};
use futures_util::future::BoxFuture;
use oms_domain::{
    ids::ProviderId,
    webhook::{WebhookFact, WebhookFlaw},
};

/// Checks who speaks, and puts what is said into the house's words.
pub type ReadWebhook = Arc<dyn Fn(HeaderMap, Bytes) -> BoxFuture<'static, Result<Vec<WebhookFact>, WebhookFlaw>> + Send + Sync>;

/// Who reads the webhooks of each provider that has any. Cheap to clone.
#[derive(Clone, Default)]
pub struct Webhooks(Arc<BTreeMap<ProviderId, ReadWebhook>>);

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Webhooks {
    pub fn new(readers: BTreeMap<ProviderId, ReadWebhook>) -> Self {
        Self(Arc::new(readers))
    }

    pub(crate) fn of(&self, provider_id: &ProviderId) -> Option<&ReadWebhook> {
        self.0.get(provider_id)
    }
}
