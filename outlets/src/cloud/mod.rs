//! Amazon's services that events go to and messages come from.

mod event_bridge;
mod files;
mod name;
mod queue;

use std::{error::Error, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{
    config::Credentials,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::sync::OnceCell;

pub(crate) use self::event_bridge::EventBridge;
pub use self::{
    files::{Files, Object},
    name::{Arn, CloudName, CloudNames, InvalidCloudNames, RefusedName},
    queue::{Fetched, Queue},
};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Longer than anybody waits for a message.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const STAND_IN_REGION: &str = "eu-west-1";

/// How these services are reached: by the settings that are Amazon's own (`AWS_*`, profiles, roles), which are read when they are first needed.
#[derive(Clone, Default)]
pub struct Cloud {
    names: Arc<CloudNames>,
    stand_in: Option<Arc<str>>,
    config: Arc<OnceCell<SdkConfig>>,
}

/// A service did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CloudError(String);

impl Cloud {
    /// What the operator lets others name.
    pub fn new(names: CloudNames) -> Self {
        Self { names: Arc::new(names), ..Self::default() }
    }

    /// Speaks to what stands in for Amazon at this URL.
    pub fn at(self, url: &str) -> Self {
        Self { stand_in: Some(url.into()), config: Arc::default(), ..self }
    }

    /// An event bus that may be named.
    ///
    /// # Errors
    /// Why it may not.
    pub fn bus(&self, name: &str) -> Result<Arn, RefusedName> {
        match name.parse() {
            Ok(CloudName::Bus(bus)) => self.listed(name, bus),
            Ok(CloudName::Queue(_) | CloudName::Files { .. }) | Err(_) => Err(RefusedName::NoBus),
        }
    }

    /// A queue, or a place of files, that may be named.
    ///
    /// # Errors
    /// Why it may not.
    pub fn source(&self, name: &str) -> Result<CloudName, RefusedName> {
        match name.parse() {
            Ok(CloudName::Bus(_)) | Err(_) => Err(RefusedName::NoSource),
            Ok(source @ (CloudName::Queue(_) | CloudName::Files { .. })) => self.listed(name, source),
        }
    }

    fn listed<T>(&self, name: &str, named: T) -> Result<T, RefusedName> {
        if self.names.have(name) { Ok(named) } else { Err(RefusedName::NotListed) }
    }

    /// Amazon's settings, for whoever makes what is to be named.
    pub async fn settings(&self) -> &SdkConfig {
        self.config.get_or_init(|| load(self.stand_in.as_deref())).await
    }
}

async fn load(stand_in: Option<&str>) -> SdkConfig {
    // The TLS provider is named, so that none has to be installed for the process.
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_attempt_timeout(ANSWER_WITHIN).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts);
    if let Some(url) = stand_in {
        loader = loader
            .endpoint_url(url)
            .region(Region::from_static(STAND_IN_REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "static"));
    }
    loader.load().await
}

/// In words: what the service said, or what lies at the bottom of it.
fn why<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    if let Some(code) = error.code() {
        return error.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    }
    let mut root: &dyn Error = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

fn failed<E, R>(error: SdkError<E, R>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    CloudError(why(&error))
}
