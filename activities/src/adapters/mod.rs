//! Adapters: the ports' other side, over the network.

mod http;
mod http_carrier;
mod http_fraud_check;
mod http_gateway;

pub use self::{
    http::{HttpClient, InvalidBaseUrl},
    http_carrier::HttpCarrier,
    http_fraud_check::HttpFraudCheck,
    http_gateway::HttpGateway,
};
