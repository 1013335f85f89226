//! All ways out: what a receiver's address says decides which.

use crate::{
    cloud::{Cloud, EventBridge, RefusedName},
    guard::{Guard, RefusedUrl},
    outlet::Outlet,
    signature::Secret,
    webhook::WebhookSender,
};

/// What events are sent through.
#[derive(Clone)]
pub struct Ways {
    sender: WebhookSender,
    cloud: Cloud,
}

/// Why nothing is sent to an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAddress {
    #[error(transparent)]
    Url(#[from] RefusedUrl),
    #[error(transparent)]
    Name(#[from] RefusedName),
}

impl Ways {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(guard: Guard, cloud: Cloud) -> Result<Self, reqwest::Error> {
        Ok(Self { sender: WebhookSender::new(guard)?, cloud })
    }

    /// The same with other ways to Amazon's services.
    pub fn reaching(self, cloud: Cloud) -> Self {
        Self { cloud, ..self }
    }

    /// Amazon's services.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Whether something may be sent there, as far as the address alone says; as it is kept.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: &str) -> Result<String, RefusedAddress> {
        if is_name(address) {
            self.cloud.bus(address)?;
            return Ok(address.to_owned());
        }
        Ok(self.sender.guard().check(address)?.to_string())
    }

    /// The receiver at an address.
    pub fn to(&self, address: &str, secrets: Vec<Secret>) -> Box<dyn Outlet> {
        if is_name(address) {
            return Box::new(EventBridge::new(self.cloud.clone(), address));
        }
        Box::new(self.sender.to(address, secrets))
    }
}

fn is_name(address: &str) -> bool {
    address.starts_with("arn:")
}
