//! `oms person`: people who come in with a password, what they may, and their invitations.

use anyhow::Result;
use clap::{Args, Subcommand};
use oms_api::{person::PersonView, station::BadgeView};
use serde_json::{Value, json};

use super::Api;
use crate::output::{self, Format, table};

/// Most people the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Make a person, and an invitation with which they set a password.
    #[command(after_help = "Example:\n  oms person create kim@example.com --name Kim --role support")]
    Create(CreateArgs),
    /// List people, those who were made first at the top.
    #[command(after_help = "Example:\n  oms person list -o jsonl")]
    List {
        /// Go on after this person.
        #[arg(long, value_name = "PERSON_ID")]
        cursor: Option<String>,
        /// Most people to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Show a person.
    #[command(after_help = "Example:\n  oms person get per-0197f3")]
    Get { person_id: String },
    /// Give a person these roles instead of those they have; their sessions end.
    #[command(after_help = "Example:\n  oms person roles per-0197f3 --role support --role finance")]
    Roles {
        person_id: String,
        /// What they are to the house; may be given again.
        #[arg(long = "role", required = true, value_name = "ROLE")]
        roles: Vec<String>,
    },
    /// Let a person not come in any more, at once.
    #[command(after_help = "Example:\n  oms person disable per-0197f3")]
    Disable { person_id: String },
    /// Let a person come in again.
    #[command(after_help = "Example:\n  oms person enable per-0197f3")]
    Enable { person_id: String },
    /// Invite a person anew, who has lost the invitation or the password.
    #[command(after_help = "Example:\n  oms person invite per-0197f3")]
    Invite { person_id: String },
    /// Give a person a badge and a PIN, with which they take stations over; a badge that they had opens nothing any more.
    #[command(after_help = "Example:\n  oms person badge per-0197f3 --pin 4071")]
    Badge {
        person_id: String,
        /// 4 to 12 digits.
        #[arg(long, env = "OMS_PIN", hide_env_values = true, value_name = "DIGITS")]
        pin: String,
    },
}

/// `oms person create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// They log in with it.
    email: String,
    #[arg(long)]
    name: String,
    /// What they are to the house, such as support or finance; may be given again.
    #[arg(long = "role", required = true, value_name = "ROLE")]
    roles: Vec<String>,
    /// They know of this facility; may be given again [default: of all].
    #[arg(long = "facility", value_name = "FACILITY_ID")]
    facilities: Vec<String>,
    /// They know of this channel; may be given again [default: of all].
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
}

impl PersonCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let answer = match self {
            Self::List { cursor, limit } => return list(api, format, cursor, limit).await,
            Self::Badge { person_id, pin } => {
                let given = api.post(&["v1", "people", &person_id, "badge"], &json!({"pin": pin})).await?;
                return output::show(format, &given, badge_text);
            }
            Self::Create(args) => api.post(&["v1", "people"], &args.body()).await?,
            Self::Get { person_id } => api.get(&["v1", "people", &person_id], &[]).await?,
            Self::Roles { person_id, roles } => api.patch(&["v1", "people", &person_id], &json!({"roles": roles})).await?,
            Self::Disable { person_id } => api.patch(&["v1", "people", &person_id], &json!({"disabled": true})).await?,
            Self::Enable { person_id } => api.patch(&["v1", "people", &person_id], &json!({"disabled": false})).await?,
            Self::Invite { person_id } => api.post(&["v1", "people", &person_id, "invitations"], &json!({})).await?,
        };
        output::show(format, &answer, person_text)
    }
}

impl CreateArgs {
    fn body(self) -> Value {
        let mut body = json!({"email": self.email, "name": self.name, "roles": self.roles});
        for (name, some) in [("facilities", self.facilities), ("channels", self.channels)] {
            if !some.is_empty() {
                body[name] = json!(some);
            }
        }
        body
    }
}

async fn list(api: &Api, format: Format, cursor: Option<String>, limit: u32) -> Result<()> {
    let answer = api.get(&["v1", "people"], &[("cursor", cursor), ("limit", Some(limit.to_string()))]).await?;
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let next = answer.get("next_cursor").and_then(Value::as_str);
    let row = |person: &PersonView| [person.person_id.clone(), person.name.clone(), person.roles.join(","), person.status.clone()];
    output::list::<PersonView>(format, items, next, |people| table(["PERSON", "NAME", "ROLES", "STATUS"], people.iter().map(row)))
}

fn badge_text(given: &BadgeView) -> String {
    match &given.badge {
        Some(badge) => format!("{badge}\nThe badge of {}: print it as a barcode. It is shown here and never again.", given.person_id),
        None => format!("{} has the badge that was shown the first time.", given.person_id),
    }
}

fn person_text(person: &PersonView) -> String {
    let named = |some: &Option<Vec<String>>| some.as_ref().map_or_else(|| "all".to_owned(), |some| some.join(", "));
    let (facilities, channels) = (named(&person.facilities), named(&person.channels));
    let mut lines = vec![
        format!("{}: {} <{}>, {}", person.person_id, person.name, person.email, person.status),
        format!("roles {}; facilities {facilities}; channels {channels}", person.roles.join(", ")),
    ];
    if let Some(invitation) = &person.invitation {
        lines.push(format!(
            "{}\nThis invitation is good once, until {}, and shown here and never again.",
            invitation.token, invitation.expires_at
        ));
    }
    lines.join("\n")
}
