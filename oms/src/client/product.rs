//! `oms product`: what a SKU is, one at a time; many come by feed.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use oms_api::product::ProductBody;
use oms_domain::money::Money;

use super::{Api, words::read_json};
use crate::output::{self, Format};

/// What can be done with products.
#[derive(Debug, Subcommand)]
pub enum ProductCommand {
    /// Show a product.
    #[command(after_help = "Example:\n  oms product get 85123A")]
    Get { sku: String },
    /// Create a product or replace it.
    #[command(after_help = "Example:\n  oms product get 85123A -o json > product.json\n  oms product put 85123A -f product.json")]
    Put {
        sku: String,
        /// The product as JSON; - for standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
}

impl ProductCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let product = match self {
            Self::Get { sku } => api.get(&["v1", "products", &sku], &[]).await?,
            Self::Put { sku, file } => api.replace(&["v1", "products", &sku], &read_json(&file)?).await?,
        };
        output::show::<ProductBody>(format, &product, |product| {
            let price = Money::new(product.price_minor, product.currency);
            let size = format!("{} × {} × {} mm", product.length_mm, product.width_mm, product.height_mm);
            format!("{}: {}\n{price}, {} g, {size}", product.sku, product.title, product.weight_g)
        })
    }
}
