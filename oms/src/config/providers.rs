//! The companies outside, as the file names them: `[[adapters.payment]]`, `[[adapters.carrier]]`, `[[adapters.fraud]]`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use anyhow::Result;
use oms_activities::{
    adapters::{Credential, EASYPOST_URL, STRIPE_URL},
    guard::Limits,
};
use oms_domain::{
    error::ErrorCode,
    ids::ProviderId,
    money::Currency,
    provider::{ProviderPort, ProviderRule},
};
use secrecy::SecretString;
use serde::Deserialize;

use crate::exit::Coded;

/// What speaks to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterKind {
    /// The house's own protocol, as `oms simulators` speaks it.
    Http,
    Stripe,
    #[serde(rename = "easypost")]
    EasyPost,
}

/// One provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    pub name: ProviderId,
    pub kind: AdapterKind,
    /// Where it is [default: the company's own address].
    #[serde(default)]
    pub url: Option<String>,
    /// Orders of these channels and currencies alone [default: all].
    #[serde(default)]
    pub channels: BTreeSet<String>,
    #[serde(default)]
    pub currencies: BTreeSet<Currency>,
    /// What it is shown: in a file that may be replaced while the house runs, or in a variable of the environment.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    #[serde(default)]
    pub secret_env: Option<String>,
    /// What its webhooks are signed with; without one none is taken.
    #[serde(default)]
    pub webhook_secret_file: Option<PathBuf>,
    #[serde(default)]
    pub webhook_secret_env: Option<String>,
    /// Whether an authorization may be captured in parts [default: true].
    #[serde(default)]
    pub captures_in_parts: Option<bool>,
    /// Calls a second, and while what waited is being done; calls at a time; how long one that does not answer is left alone at first.
    #[serde(default)]
    pub per_second: Option<u32>,
    #[serde(default)]
    pub pace_per_second: Option<u32>,
    #[serde(default)]
    pub concurrency: Option<u32>,
    #[serde(default)]
    pub rest_ms: Option<u64>,
    /// What it is shown, and signs with, of a stand-in that lets everybody in.
    #[serde(skip)]
    pub stand_in_secret: Option<SecretString>,
}

/// The providers of each port, in the order in which they are looked at.
#[derive(Debug, Clone, Default)]
pub struct Adapters {
    pub payment: Vec<ProviderConfig>,
    pub carrier: Vec<ProviderConfig>,
    pub fraud: Vec<ProviderConfig>,
}

impl ProviderConfig {
    /// One that speaks the house's own protocol, for all orders.
    pub fn http(port: ProviderPort, url: impl Into<String>) -> Self {
        Self::of(ProviderId::parse(port.name()).expect("a word is an id"), AdapterKind::Http, Some(url.into()))
    }

    fn of(name: ProviderId, kind: AdapterKind, url: Option<String>) -> Self {
        Self {
            name,
            kind,
            url,
            channels: BTreeSet::new(),
            currencies: BTreeSet::new(),
            secret_file: None,
            secret_env: None,
            webhook_secret_file: None,
            webhook_secret_env: None,
            captures_in_parts: None,
            per_second: None,
            pace_per_second: None,
            concurrency: None,
            rest_ms: None,
            stand_in_secret: None,
        }
    }

    /// Where it is.
    ///
    /// # Errors
    /// `validation_failed` when nobody has said so.
    pub fn base_url(&self) -> Result<String> {
        let own = match self.kind {
            AdapterKind::Stripe => Some(STRIPE_URL),
            AdapterKind::EasyPost => Some(EASYPOST_URL),
            AdapterKind::Http => None,
        };
        let url = self.url.clone().or_else(|| own.map(str::to_owned));
        url.ok_or_else(|| self.wrong("needs a url"))
    }

    pub fn rule(&self) -> ProviderRule {
        ProviderRule { channels: self.channels.clone(), currencies: self.currencies.clone() }
    }

    pub fn limits(&self) -> Limits {
        let usual = match self.kind {
            // A stand-in takes what it gets.
            AdapterKind::Http => Limits { per_second: 2_000, pace_per_second: 500, concurrency: 400, ..Limits::default() },
            AdapterKind::Stripe => Limits { per_second: 80, pace_per_second: 20, concurrency: 40, ..Limits::default() },
            AdapterKind::EasyPost => Limits { per_second: 20, pace_per_second: 10, concurrency: 20, ..Limits::default() },
        };
        Limits {
            per_second: self.per_second.unwrap_or(usual.per_second),
            pace_per_second: self.pace_per_second.unwrap_or(usual.pace_per_second),
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            rest: self.rest_ms.map_or(usual.rest, Duration::from_millis),
        }
    }

    /// What it is shown.
    ///
    /// # Errors
    /// `validation_failed` when nobody has said what, or in two ways; `unavailable` when the variable is not set.
    pub fn secret(&self) -> Result<Credential> {
        if let Some(secret) = &self.stand_in_secret {
            return Ok(Credential::fixed(secret.clone()));
        }
        let secret =
            credential(self.secret_file.as_ref(), self.secret_env.as_deref()).map_err(|why| self.wrong(&format!("secret: {why}")))?;
        secret.ok_or_else(|| self.wrong("needs secret_file or secret_env"))
    }

    /// What its webhooks are signed with, if any are taken.
    ///
    /// # Errors
    /// As of the secret.
    pub fn webhook_secret(&self) -> Result<Option<Credential>> {
        if let Some(secret) = &self.stand_in_secret {
            return Ok(Some(Credential::fixed(secret.clone())));
        }
        let secret = credential(self.webhook_secret_file.as_ref(), self.webhook_secret_env.as_deref());
        secret.map_err(|why| self.wrong(&format!("webhook_secret: {why}")))
    }

    pub fn wrong(&self, why: &str) -> anyhow::Error {
        let message = format!("the adapter {} {why}", self.name);
        Coded::new(ErrorCode::ValidationFailed, message).hint("see docs/operating.md, Companies outside").into()
    }
}

fn credential(file: Option<&PathBuf>, variable: Option<&str>) -> Result<Option<Credential>, String> {
    match (file, variable) {
        (Some(_), Some(_)) => Err("is in a file or in the environment, not in both".to_owned()),
        (Some(file), None) => Ok(Some(Credential::file(file.clone()))),
        (None, Some(variable)) => {
            let value = std::env::var(variable).map_err(|_| format!("the variable {variable} is not set"))?;
            Ok(Some(Credential::fixed(value.into())))
        }
        (None, None) => Ok(None),
    }
}

impl Adapters {
    /// Gateway and carrier of the house's own protocol: what a development system has.
    pub fn of_urls(gateway: impl Into<String>, carrier: impl Into<String>) -> Self {
        let http = |port, url: String| vec![ProviderConfig::http(port, url)];
        Self {
            payment: http(ProviderPort::Payment, gateway.into()),
            carrier: http(ProviderPort::Carrier, carrier.into()),
            fraud: Vec::new(),
        }
    }

    /// The same stand-ins, spoken to as Stripe and EasyPost.
    pub fn foreign(gateway: impl Into<String>, carrier: impl Into<String>) -> Self {
        let of = |port: ProviderPort, kind, url: String| {
            let name = ProviderId::parse(port.name()).expect("a word is an id");
            let limits = Some(1_000);
            let config = ProviderConfig {
                per_second: limits,
                pace_per_second: limits,
                concurrency: Some(100),
                ..ProviderConfig::of(name, kind, Some(url))
            };
            vec![ProviderConfig { stand_in_secret: Some("a stand-in lets everybody in".into()), ..config }]
        };
        Self {
            payment: of(ProviderPort::Payment, AdapterKind::Stripe, gateway.into()),
            carrier: of(ProviderPort::Carrier, AdapterKind::EasyPost, carrier.into()),
            fraud: Vec::new(),
        }
    }

    /// Each under a name of its own.
    ///
    /// # Errors
    /// `validation_failed` when two have one, or a kind is none of the port's.
    pub fn check(&self) -> Result<()> {
        let mut seen = BTreeMap::new();
        let all = [(ProviderPort::Payment, &self.payment), (ProviderPort::Carrier, &self.carrier), (ProviderPort::Fraud, &self.fraud)];
        for (port, config) in all.into_iter().flat_map(|(port, configs)| configs.iter().map(move |config| (port, config))) {
            let fits = match config.kind {
                AdapterKind::Http => true,
                AdapterKind::Stripe => port == ProviderPort::Payment,
                AdapterKind::EasyPost => port == ProviderPort::Carrier,
            };
            if !fits {
                return Err(config.wrong(&format!("is of a kind that is none of a {} adapter", port.name())));
            }
            if seen.insert(config.name.clone(), port).is_some() {
                return Err(config.wrong("stands there twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ProviderConfig, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_provider_is_read_with_its_rule_and_its_limits() {
        let config = read(
            "name = \"stripe-eu\"\nkind = \"stripe\"\nchannels = [\"web\"]\ncurrencies = [\"EUR\"]\nsecret_file = \"/run/secrets/stripe\"\nper_second = 25\n",
        )
        .unwrap();
        assert_eq!(config.base_url().unwrap(), STRIPE_URL);
        assert!(config.rule().covers("web", "EUR".parse().unwrap()) && !config.rule().covers("web", "GBP".parse().unwrap()));
        assert_eq!((config.limits().per_second, config.limits().concurrency), (25, 40));
        assert!(config.secret().is_ok() && config.webhook_secret().unwrap().is_none());
        assert!(read("name = \"a\"\nkind = \"paypal\"\n").is_err() && read("name = \"a b\"\nkind = \"http\"\n").is_err());
    }

    #[test]
    fn what_cannot_be_is_named() {
        let config = |text: &str| read(text).unwrap();
        let twice = Adapters { payment: vec![config("name = \"a\"\nkind = \"stripe\""); 2], ..Adapters::default() };
        assert!(twice.check().unwrap_err().to_string().contains("a stands there twice"));
        let elsewhere = Adapters { carrier: vec![config("name = \"a\"\nkind = \"stripe\"")], ..Adapters::default() };
        assert!(elsewhere.check().unwrap_err().to_string().contains("none of a carrier adapter"));
        assert!(config("name = \"a\"\nkind = \"http\"").base_url().is_err());
        let unset = config("name = \"a\"\nkind = \"stripe\"\nsecret_env = \"OMS_NO_SUCH_VARIABLE\"");
        assert!(unset.secret().unwrap_err().to_string().contains("OMS_NO_SUCH_VARIABLE"));
    }
}
