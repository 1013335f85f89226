//! `oms open`: an order's run in the Temporal UI.

use std::io::{IsTerminal, stdout};

use anyhow::{Context, Result};
use clap::Args;
use oms_domain::{error::ErrorCode, ids::OrderId};
use oms_workflows::names::order_workflow_id;
use reqwest::Url;
use serde_json::json;

use super::Api;
use crate::{
    exit::Coded,
    output::{self, Format},
};

/// `oms open`
#[derive(Debug, Args)]
pub struct OpenArgs {
    order_id: String,
    /// Where the Temporal UI is.
    #[arg(long, env = "OMS_TEMPORAL_UI", default_value = "http://127.0.0.1:8233", value_name = "URL")]
    temporal_ui: String,
    /// Temporal's namespace.
    #[arg(long, env = "TEMPORAL_NAMESPACE", default_value = "default", value_name = "NAME")]
    temporal_namespace: String,
    /// Only print the address.
    #[arg(long)]
    print: bool,
}

impl OpenArgs {
    /// Prints the address, and opens a browser where there is somebody to look at it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        // An order that is not there is said here, not by an empty page.
        api.get(&["v1", "orders", &self.order_id], &[]).await?;
        let url = self.url()?;
        output::show::<serde_json::Value>(format, &json!({"temporal_ui": url.as_str()}), |_| url.to_string())?;
        if !self.print && format == Format::Text && stdout().is_terminal() {
            open::that_detached(url.as_str()).context("no browser could be started; the address is above")?;
        }
        Ok(())
    }

    fn url(&self) -> Result<Url> {
        let wrong = || Coded::new(ErrorCode::ValidationFailed, format!("--temporal-ui {} is no address", self.temporal_ui));
        let order_id =
            OrderId::parse(&self.order_id).map_err(|_| ErrorCode::OrderNotFound).map_err(|code| Coded::new(code, code.title()))?;
        let mut url = Url::parse(&self.temporal_ui).map_err(|_| wrong())?;
        let path = ["namespaces", &self.temporal_namespace, "workflows", &order_workflow_id(&order_id)];
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(path);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_orders_run() {
        let args = |ui: &str| OpenArgs {
            order_id: "536365".to_owned(),
            temporal_ui: ui.to_owned(),
            temporal_namespace: "shop".to_owned(),
            print: true,
        };
        assert_eq!(args("https://ui.example/t/").url().unwrap().as_str(), "https://ui.example/t/namespaces/shop/workflows/order:536365");
        assert!(args("nowhere").url().is_err());
    }
}
