//! The adapters that the configuration names, each behind its guard; and who reads what their companies say unasked.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::FutureExt;
use jiff::Timestamp;
use oms_activities::{
    Provider, Providers,
    adapters::{EasyPost, HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway, InvalidBaseUrl, Stripe, read_easypost_webhook},
    guard::{Guard, Guarded},
    ports::{Carrier, FraudCheck, PaymentGateway},
};
use oms_allocation::RulesInForce;
use oms_domain::{error::ErrorCode, provider::ProviderPort};
use oms_server::{ReadWebhook, Webhooks};
use oms_starter::Starter;
use oms_store::Store;
use oms_worker::Parts;
use reqwest::header::HeaderMap;
use temporalio_common::telemetry::metrics::CoreMeter;

use crate::{
    config::{AdapterKind, Adapters, ProviderConfig},
    exit::Coded,
};

type Meter = Option<Arc<dyn CoreMeter>>;

/// What the worker's activities work with: the store, other workflows, and adapters to what lies outside.
///
/// # Errors
/// `validation_failed` when a base URL is none; when no HTTP client can be built.
pub(crate) fn parts(starter: Starter, store: Store, adapters: &Adapters, rules: RulesInForce, meter: Meter) -> Result<Parts> {
    let client = HttpClient::new().context("the adapters' HTTP client")?;
    let gateways = providers(ProviderPort::Payment, &adapters.payment, &meter, |config| gateway(config, &client))?;
    let carriers = providers(ProviderPort::Carrier, &adapters.carrier, &meter, |config| carrier(config, &client))?;
    let fraud = providers(ProviderPort::Fraud, &adapters.fraud, &meter, |config| fraud(config, &client))?;
    let missing = |what: &str| Coded::new(ErrorCode::ValidationFailed, format!("there is no {what}"));
    Ok(Parts {
        store,
        starter,
        gateways: gateways.ok_or_else(|| missing("payment gateway"))?,
        carriers: carriers.ok_or_else(|| missing("carrier"))?,
        fraud,
        rules,
        exporter: None,
    })
}

/// A guard stands before each. None: there are none.
fn providers<P: ?Sized>(
    port: ProviderPort,
    configs: &[ProviderConfig],
    meter: &Meter,
    make: impl Fn(&ProviderConfig) -> Result<Arc<P>>,
) -> Result<Option<Providers<P>>>
where
    Guarded<P>: Into<Arc<P>>,
{
    let provider = |config: &ProviderConfig| {
        let guard = Guard::new(config.name.clone(), port, config.limits(), meter.clone());
        let guarded = Guarded::new(guard.clone(), make(config)?).into();
        Ok(Provider { provider_id: config.name.clone(), rule: config.rule(), guard: Some(guard), port: guarded })
    };
    let mut all = configs.iter().map(provider).collect::<Result<Vec<_>>>()?.into_iter();
    Ok(all.next().map(|first| Providers::new(port, first, all.collect())))
}

fn wrong(config: &ProviderConfig) -> impl Fn(InvalidBaseUrl) -> anyhow::Error {
    let name = config.name.clone();
    move |error| {
        let hint = "see OMS_PAYMENT_GATEWAY_URL, OMS_CARRIER_URL and OMS_FRAUD_URL, or the adapters in the file";
        Coded::new(ErrorCode::ValidationFailed, format!("{name}: {error}")).hint(hint).into()
    }
}

fn gateway(config: &ProviderConfig, client: &HttpClient) -> Result<Arc<dyn PaymentGateway>> {
    match config.kind {
        AdapterKind::Stripe => Ok(Arc::new(stripe(config, client)?)),
        AdapterKind::Http | AdapterKind::EasyPost => {
            Ok(Arc::new(HttpGateway::new(client.clone(), &config.base_url()?).map_err(wrong(config))?))
        }
    }
}

fn stripe(config: &ProviderConfig, client: &HttpClient) -> Result<Stripe> {
    let in_parts = config.captures_in_parts.unwrap_or(true);
    Stripe::new(client.clone(), &config.base_url()?, config.secret()?, in_parts).map_err(wrong(config))
}

fn carrier(config: &ProviderConfig, client: &HttpClient) -> Result<Arc<dyn Carrier>> {
    match config.kind {
        AdapterKind::EasyPost => Ok(Arc::new(EasyPost::new(client.clone(), &config.base_url()?, config.secret()?).map_err(wrong(config))?)),
        AdapterKind::Http | AdapterKind::Stripe => {
            Ok(Arc::new(HttpCarrier::new(client.clone(), &config.base_url()?).map_err(wrong(config))?))
        }
    }
}

fn fraud(config: &ProviderConfig, client: &HttpClient) -> Result<Arc<dyn FraudCheck>> {
    Ok(Arc::new(HttpFraudCheck::new(client.clone(), &config.base_url()?).map_err(wrong(config))?))
}

/// Who reads the webhooks of those that sign theirs.
///
/// # Errors
/// As for the adapters.
pub(crate) fn webhooks(adapters: &Adapters) -> Result<Webhooks> {
    let client = HttpClient::new().context("the adapters' HTTP client")?;
    let mut readers = BTreeMap::new();
    for config in adapters.payment.iter().chain(&adapters.carrier) {
        let Some(secret) = config.webhook_secret()? else { continue };
        let reader: ReadWebhook = match config.kind {
            AdapterKind::Stripe => {
                let stripe = stripe(config, &client)?;
                Arc::new(move |headers: HeaderMap, body: Bytes| {
                    let (stripe, secret) = (stripe.clone(), secret.clone());
                    async move { stripe.read_webhook(&secret, named(&headers), &body, Timestamp::now()).await }.boxed()
                })
            }
            AdapterKind::EasyPost => Arc::new(move |headers: HeaderMap, body: Bytes| {
                std::future::ready(read_easypost_webhook(&secret, named(&headers), &body)).boxed()
            }),
            AdapterKind::Http => return Err(config.wrong("says nothing unasked: its webhook secret is for nothing")),
        };
        readers.insert(config.name.clone(), reader);
    }
    Ok(Webhooks::new(readers))
}

/// A header as text, by its name.
fn named<'a>(headers: &'a HeaderMap) -> impl Fn(&str) -> Option<&'a str> {
    move |name| headers.get(name)?.to_str().ok()
}
