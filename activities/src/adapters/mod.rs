//! Adapters: the ports' other side, over the network.

mod credential;
mod easypost;
mod http;
mod http_carrier;
mod http_fraud_check;
mod http_gateway;
mod signature;
mod stripe;

pub use self::{
    credential::Credential,
    easypost::{EASYPOST_URL, EasyPost, easypost_signature, read_webhook as read_easypost_webhook},
    http::{HttpClient, InvalidBaseUrl},
    http_carrier::HttpCarrier,
    http_fraud_check::HttpFraudCheck,
    http_gateway::HttpGateway,
    stripe::{STRIPE_URL, Stripe},
};
