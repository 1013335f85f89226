//! `oms account`: who may come in, and their keys.

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use oms_api::account::{AccountView, KeyView, MadeKeyView};
use serde_json::{Value, json};

use super::Api;
use crate::output::{self, Format, or_dash, table};

/// Most accounts the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account, which has no key yet.
    #[command(after_help = "Example:\n  oms account create till-leeds --role associate --facility LEEDS")]
    Create(CreateArgs),
    /// List accounts, the oldest first.
    #[command(after_help = "Example:\n  oms account list -o jsonl")]
    List {
        /// Go on after this account.
        #[arg(long, value_name = "ACCOUNT_ID")]
        cursor: Option<String>,
        /// Most accounts to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Show an account and its keys, without their secrets.
    #[command(after_help = "Example:\n  oms account get acc-0197f3")]
    Get { account_id: String },
    /// Make keys and revoke them.
    Key {
        #[command(subcommand)]
        verb: KeyCommand,
    },
}

/// `oms account create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// No other account has it.
    name: String,
    /// What it is to the house, such as checkout, support or ops; may be given again.
    #[arg(long = "role", required = true, value_name = "ROLE")]
    roles: Vec<String>,
    /// It knows of this facility; may be given again [default: of all].
    #[arg(long = "facility", value_name = "FACILITY_ID")]
    facilities: Vec<String>,
    /// It knows of this channel; may be given again [default: of all].
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
    /// It brings the scans of this carrier; may be given again [default: of all].
    #[arg(long = "carrier", value_name = "CARRIER")]
    carriers: Vec<String>,
    /// It places orders in this currency; may be given again [default: in all].
    #[arg(long = "currency", value_name = "CODE")]
    currencies: Vec<String>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and show it, once; an account has two live ones at most: one in use, and the next.
    #[command(after_help = "Example:\n  OMS_API_KEY=$(oms account key create acc-0197f3 -o json | jq -r .key)")]
    Create {
        account_id: String,
        /// It opens nothing from then on [default: it does not end by itself].
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// Let a key open nothing any more, within 5 seconds everywhere.
    #[command(after_help = "Example:\n  oms account key revoke acc-0197f3 5ad01c7be2f0c1d4")]
    Revoke { account_id: String, key_id: String },
}

impl AccountCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Create(args) => output::show(format, &api.post(&["v1", "accounts"], &args.body()).await?, account_text),
            Self::List { cursor, limit } => list(api, format, cursor, limit).await,
            Self::Get { account_id } => output::show(format, &api.get(&["v1", "accounts", &account_id], &[]).await?, account_text),
            Self::Key { verb } => verb.run(api, format).await,
        }
    }
}

impl CreateArgs {
    fn body(self) -> Value {
        let mut body = json!({"name": self.name, "roles": self.roles});
        let named =
            [("facilities", self.facilities), ("channels", self.channels), ("carriers", self.carriers), ("currencies", self.currencies)];
        for (name, some) in named {
            if !some.is_empty() {
                body[name] = json!(some);
            }
        }
        body
    }
}

impl KeyCommand {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Create { account_id, expires_at } => {
                let body = expires_at.map_or_else(|| json!({}), |at| json!({"expires_at": at}));
                let made = api.post(&["v1", "accounts", &account_id, "keys"], &body).await?;
                output::show(format, &made, key_text)
            }
            Self::Revoke { account_id, key_id } => {
                api.delete(&["v1", "accounts", &account_id, "keys", &key_id]).await?;
                Ok(())
            }
        }
    }
}

async fn list(api: &Api, format: Format, cursor: Option<String>, limit: u32) -> Result<()> {
    let answer = api.get(&["v1", "accounts"], &[("cursor", cursor), ("limit", Some(limit.to_string()))]).await?;
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let next = answer.get("next_cursor").and_then(Value::as_str);
    let row = |account: &AccountView| {
        let live = account.keys.iter().filter(|key| key.revoked_at.is_none()).count();
        [account.account_id.clone(), account.name.clone(), account.roles.join(","), live.to_string()]
    };
    output::list::<AccountView>(format, items, next, |accounts| table(["ACCOUNT", "NAME", "ROLES", "KEYS"], accounts.iter().map(row)))
}

fn account_text(account: &AccountView) -> String {
    let named = |some: &Option<Vec<String>>| some.as_ref().map_or_else(|| "all".to_owned(), |some| some.join(", "));
    let mut lines = vec![
        format!("{}: {}", account.account_id, account.name),
        format!("roles {}; facilities {}; channels {}", account.roles.join(", "), named(&account.facilities), named(&account.channels)),
    ];
    if !account.keys.is_empty() {
        let row = |key: &KeyView| [key.key_id.clone(), or_dash(key.last_used_at), or_dash(key.expires_at), or_dash(key.revoked_at)];
        lines.push(table(["KEY", "LAST USED", "EXPIRES", "REVOKED"], account.keys.iter().map(row)));
    }
    lines.join("\n")
}

fn key_text(made: &MadeKeyView) -> String {
    match &made.key {
        Some(key) => format!("{key}\nThis is key {}. It is shown here and never again.", made.made.key_id),
        None => format!("Key {} was made before, and shown then: revoke it and make another if that was lost.", made.made.key_id),
    }
}
