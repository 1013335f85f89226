//! `oms find`: whatever is called so.

use anyhow::Result;
use clap::Args;
use oms_api::find::FoundView;

use super::{Api, words::items};
use crate::output::{self, Format, or_dash, table};

/// `oms find`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  oms find 536365\n  oms find customer-17850@example.com -o json")]
pub struct FindArgs {
    /// An order by its id, number or another system's id, a fulfillment order, parcel, tracking number, return, picklist, SKU, barcode, the
    /// beginning of a product's title, a facility, a customer's id or e-mail address.
    text: String,
}

impl FindArgs {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let found = api.get(&["v1", "find"], &[("q", Some(self.text))]).await?;
        let row = |hit: &FoundView| {
            [hit.kind.clone(), hit.id.clone(), or_dash(hit.order_id.as_ref()), or_dash(hit.status.as_ref()), or_dash(hit.title.as_ref())]
        };
        output::list::<FoundView>(format, items(&found), None, |all| table(["KIND", "ID", "ORDER", "STATUS", "TITLE"], all.iter().map(row)))
    }
}
