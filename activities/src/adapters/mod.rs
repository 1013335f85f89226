//! Adapters: the ports' other side, over the network.

mod http;
mod http_carrier;
mod http_gateway;

pub use self::{http::http_client, http_carrier::HttpCarrier, http_gateway::HttpGateway};
