//! `oms api`: any call of the HTTP API.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{Api, words::read_small};
use crate::output::{self, Format};

/// `oms api`
#[derive(Debug, Args)]
pub struct RawArgs {
    #[arg(ignore_case = true, value_parser = ["GET", "POST", "PUT", "PATCH", "DELETE"])]
    method: String,
    /// With its query, such as /v1/orders?status=processing.
    path: String,
    /// Body as JSON; @FILE reads it from a file, @- from standard input.
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
}

impl RawArgs {
    /// Does it, and prints the answer as it is.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let method: Method = self.method.to_uppercase().parse().context("a method")?;
        let body = match self.data.as_deref().map(|data| data.strip_prefix('@').ok_or(data)) {
            Some(Ok(file)) => Some(read_small(Path::new(file))?),
            Some(Err(text)) => Some(text.as_bytes().to_vec()),
            None => None,
        };
        let answer = api.call(method, &self.path, body).await?;
        let indented = if format == Format::Text { Format::Json } else { format };
        if answer.is_null() { Ok(()) } else { output::show::<Value>(indented, &answer, Value::to_string) }
    }
}
