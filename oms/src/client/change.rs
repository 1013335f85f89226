//! `oms order change`: other quantities, lines, addresses and methods.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use oms_api::change::{AskedView, ChangeAnswer, ChangeAskedView, ChangePreviewView, ChangeSetView, ConfirmedChangeView, PreviewLineView};
use serde_json::{Map, Value, json};

use super::{
    Api,
    amount::currency_of,
    order_text::{money, seconds},
    words::{Units, object, read_small},
};
use crate::output::{self, Format, or_dash, table};

/// What the help shows.
pub(super) const CHANGE_EXAMPLES: &str = "Example:
  oms order change 536365 --reason \"two more, please\" --increase 1=2 --dry-run
  oms order change 536365 --reason \"the blue one\" --substitute 1=2 --sku 85123B --unit-price-minor 295
  oms order change 536365 --reason \"moved house\" --ship-to address.json
  oms order change 536365 -f change.json";

/// `oms order change`
#[derive(Debug, Args)]
pub struct ChangeArgs {
    order_id: String,
    /// The change set as JSON, in place of the options below; - for standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["reason", "increase", "decrease", "remove", "add", "substitute", "ship_to", "method"])]
    file: Option<PathBuf>,
    #[arg(long, required_unless_present = "file")]
    reason: Option<String>,
    /// So many units of a line more, such as 1=2; may be given several times.
    #[arg(long, value_name = "LINE=UNITS")]
    increase: Vec<Units>,
    /// So many units of a line less; may be given several times.
    #[arg(long, value_name = "LINE=UNITS")]
    decrease: Vec<Units>,
    /// A line less; may be given several times.
    #[arg(long, value_name = "LINE")]
    remove: Vec<String>,
    /// A new line with an id of its own, of --sku at --unit-price-minor.
    #[arg(long, value_name = "LINE=UNITS", requires_all = ["sku", "unit_price_minor"])]
    add: Option<Units>,
    /// In place of so many units of a line: as many of --sku at --unit-price-minor, as line LINE-S.
    #[arg(long, value_name = "LINE=UNITS", requires_all = ["sku", "unit_price_minor"], conflicts_with = "add")]
    substitute: Option<Units>,
    #[arg(long)]
    sku: Option<String>,
    /// In the currency's minor unit.
    #[arg(long, value_name = "AMOUNT")]
    unit_price_minor: Option<i64>,
    /// Another address, as JSON; - for standard input.
    #[arg(long, value_name = "FILE")]
    ship_to: Option<PathBuf>,
    /// Another shipping method: standard, express or pickup.
    #[arg(long)]
    method: Option<String>,
    /// The store, for method pickup.
    #[arg(long, value_name = "FACILITY", requires = "method")]
    pickup_facility: Option<String>,
    /// What the customer pays for shipping by the new method, in the currency's minor unit [default: as before].
    #[arg(long, value_name = "AMOUNT", requires = "method")]
    shipping_price_minor: Option<i64>,
    /// The delivery group, for an order with several.
    #[arg(long, value_name = "GROUP")]
    delivery_group: Option<String>,
    /// Show what would become of the order, its money and its stock; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Only if the order is still at this version, as a dry run or `oms order get` shows it.
    #[arg(long, value_name = "VERSION")]
    at_version: Option<u64>,
    /// Id of the change set: the same set again gets the first answer [default: made up].
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    id: Option<String>,
}

impl ChangeArgs {
    pub(super) async fn run(self, api: &Api, format: Format) -> Result<()> {
        let body = self.body(api)?;
        let currency = currency_of(api, &self.order_id).await?.to_string();
        let query = [("dry_run", self.dry_run.then(|| "true".to_owned()))];
        let answer = api.post_at(&["v1", "orders", &self.order_id, "changes"], &query, self.at_version, &body).await?;
        output::show::<ChangeAnswer>(format, &answer, |answer| match answer {
            ChangeAnswer::Kept(set) => change_set(set, &currency),
            ChangeAnswer::Preview(preview) => previewed(preview, &currency),
        })
    }

    fn body(&self, api: &Api) -> Result<Value> {
        if let Some(file) = &self.file {
            return json_of(file);
        }
        let changes = self.changes()?;
        ensure!(!changes.is_empty(), "name what is to be changed, such as --increase 1=2");
        let change_id = self.id.clone().unwrap_or_else(|| api.new_id("change"));
        Ok(json!({"change_id": change_id, "reason": self.reason, "changes": changes}))
    }

    fn changes(&self) -> Result<Vec<Value>> {
        let units =
            |change: &'static str| move |units: &Units| json!({"change": change, "line_id": units.line_id, "quantity": units.quantity});
        let mut changes: Vec<Value> = self.increase.iter().map(units("increase")).collect();
        changes.extend(self.decrease.iter().map(units("decrease")));
        changes.extend(self.remove.iter().map(|line_id| json!({"change": "remove", "line_id": line_id})));
        changes.extend(self.add.iter().map(|units| json!({"change": "add", "line": self.line(units.line_id.clone(), units.quantity)})));
        changes.extend(self.substitute.iter().map(|units| {
            let by = self.line(format!("{}-S", units.line_id), units.quantity);
            json!({"change": "substitute", "line_id": units.line_id, "by": by})
        }));
        changes.extend(self.delivery()?);
        Ok(changes)
    }

    fn line(&self, line_id: String, quantity: u32) -> Value {
        object(json!({
            "line_id": line_id, "sku": self.sku, "quantity": quantity, "unit_price_minor": self.unit_price_minor,
            "delivery_group": self.delivery_group,
        }))
    }

    /// A method and an address together are one change, since both are about one delivery group.
    fn delivery(&self) -> Result<Option<Value>> {
        let ship_to = self.ship_to.as_deref().map(json_of).transpose()?;
        let change = match (&self.method, &ship_to) {
            (Some(_), _) => "method",
            (None, Some(_)) => "address",
            (None, None) => return Ok(None),
        };
        Ok(Some(object(json!({
            "change": change, "ship_to": ship_to, "method": self.method, "pickup_facility_id": self.pickup_facility,
            "delivery_group": self.delivery_group, "price_minor": self.shipping_price_minor,
        }))))
    }
}

fn json_of(file: &std::path::Path) -> Result<Value> {
    let object: Map<String, Value> =
        serde_json::from_slice(&read_small(file)?).with_context(|| format!("{} is no JSON object", file.display()))?;
    Ok(Value::Object(object))
}

/// Prints a change set.
pub(super) async fn show(api: &Api, format: Format, order_id: &str, answer: &Value) -> Result<()> {
    let currency = currency_of(api, order_id).await?.to_string();
    output::show::<ChangeSetView>(format, answer, |set| change_set(set, &currency))
}

/// A change set, and what has become of it.
pub(super) fn change_set(set: &ChangeSetView, currency: &str) -> String {
    let row = |change: &ConfirmedChangeView| {
        let units = change.quantity.map(|units| units.to_string());
        let line_ids = [&change.line_id, &change.new_line_id].map(|line_id| or_dash(line_id.as_ref()));
        let [line_id, new_line_id] = line_ids;
        [change.change.clone(), line_id, or_dash(units.as_ref()), new_line_id, or_dash(change.method.as_ref())]
    };
    let rows = table(["CHANGE", "LINE", "UNITS", "NEW LINE", "METHOD"], set.changes.iter().map(row));
    let difference = match set.difference_minor {
        more @ 0.. => format!("{} more to pay", money(more, currency)),
        less => format!("{} less to pay", money(-less, currency)),
    };
    let outcome = match (&set.until, &set.why) {
        (Some(until), _) => format!("an answer is due by {}: {}", seconds(*until), asked(&set.asked)),
        (None, Some(why)) => why.clone(),
        (None, None) if set.status == "confirmed" => difference,
        (None, None) => "nothing has changed".to_owned(),
    };
    format!("Change set {}, {} since {}: {outcome}: {}\n{rows}", set.change_id, set.status, seconds(set.at), set.reason)
}

/// Who must let go, and who has said so.
fn asked(asked: &[AskedView]) -> String {
    let part = |asked: &AskedView| {
        let agreed = if asked.agreed { ", agreed" } else { "" };
        format!("{} ({}{agreed})", asked.fulfillment_order_id, or_dash(asked.facility_id.as_ref()))
    };
    asked.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What an associate is asked about.
pub(super) fn requested(set: &ChangeAskedView) -> String {
    let word = if set.agreed { "agreed to" } else { "asked for" };
    let changes: Vec<&str> = set.changes.iter().map(|change| change.change.as_str()).collect();
    format!("{word}: change set {} ({}), an answer is due by {}: {}", set.change_id, changes.join(", "), seconds(set.until), set.reason)
}

fn previewed(preview: &ChangePreviewView, currency: &str) -> String {
    let row = |line: &PreviewLineView| {
        [
            line.line_id.clone(),
            line.sku.clone(),
            line.units.ordered.to_string(),
            line.would_be.ordered.to_string(),
            line.would_be.unfilled.to_string(),
        ]
    };
    let amount = |minor| money(minor, currency);
    let mut text = format!(
        "Nothing has changed. At version {}: {} more to pay, {} in all, of which nobody was given {} to pay\n{}",
        preview.version,
        amount(preview.difference_minor),
        amount(preview.total_minor),
        amount(preview.unpaid_minor),
        table(["LINE", "SKU", "ORDERED", "WOULD BE", "TO BE FOUND"], preview.lines.iter().map(row)),
    );
    if let Some(until) = preview.until {
        text.push_str(&format!("\nFacilities would be asked first, until {}: {}", seconds(until), asked(&preview.asked)));
    }
    for part in &preview.reissued {
        text.push_str(&format!("\n{part} would be called back"));
    }
    for stock in &preview.availability {
        text.push_str(&format!("\n{}: {} wanted, {} available", stock.sku, stock.wanted, stock.available));
    }
    for promise in &preview.promises {
        let date = promise.delivery_date.map_or_else(|| "nothing can be sent".to_owned(), |date| format!("there by {date}"));
        text.push_str(&format!("\n{}: {date}", promise.method));
    }
    text
}
