//! `oms setup`: brings the databases and Temporal to what this version needs.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use oms_domain::{
    access::{
        Actor, By, PrincipalKind, Role, Scope,
        login::{FIRST_INVITATION_S, plain_email},
    },
    error::ErrorCode,
    ids::AccountId,
};
use oms_store::{ApiKey, Guard, NewAccount, Protection, Store, Token, TokenKind};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{
    config::{ConfigFile, DatabaseLayer},
    exit::Coded,
    output::{self, Format},
    runtime::{Temporal, open_store, register_search_attributes},
};

/// `oms setup`
#[derive(Debug, Args)]
pub struct SetupArgs {
    #[command(flatten)]
    database: DatabaseLayer,
    /// Begin a new epoch of the events' positions: after a dump of the database was restored on the same server. On another server,
    /// and after a promotion or a restore of the server itself, one begins by itself.
    #[arg(long)]
    new_epoch: bool,
    /// Make the first account that may make accounts, under this name, and print its key, once. Not when somebody can do so already.
    #[arg(long, value_name = "NAME")]
    admin_key: Option<String>,
    /// Invite the first admin, who makes all other people and accounts, and print the link with which they set a password: it is good
    /// once, for an hour. Not when there is an admin already.
    #[arg(long, value_name = "EMAIL", conflicts_with = "admin_key")]
    admin: Option<String>,
    /// Where people reach the house: the link's beginning.
    #[arg(long, env = "OMS_PUBLIC_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    public_url: String,
}

impl SetupArgs {
    /// Does it. May be run again, and by many at once.
    ///
    /// # Errors
    /// When something is not configured, cannot be reached, or refuses.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let config = self.database.over(file.database).settings()?;
        let temporal = Temporal::from_environment()?;
        let (store, client) = tokio::try_join!(open_store(&config), temporal.connect())?;
        store.setup().await?;
        let epoch = if self.new_epoch { Some(store.begin_epoch().await?) } else { None };
        let protection = store.protect().await;
        let registered = register_search_attributes(&client).await?;
        let admin_key = match self.admin_key {
            Some(name) => Some(first_admin(&store, name).await?),
            None => None,
        };
        let invitation = match self.admin {
            Some(email) => Some(first_person(&store, &email, &self.public_url).await?),
            None => None,
        };
        store.close().await;
        // Whoever may make a table may not always be allowed to protect it.
        let (guards, refusal) = match &protection {
            Ok(protection) => (Some(*protection), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let done = json!({"database": "ready", "table": config.table, "registered_search_attributes": registered, "epoch": epoch,
            "protection": guards, "protection_refused": refusal,
            "admin_key": admin_key.as_ref().map(|key| key.text().expose_secret()), "admin_invitation": invitation});
        output::show::<serde_json::Value>(format, &done, |_| {
            let attributes =
                if registered.is_empty() { "were there already".to_owned() } else { format!("registered: {}", registered.join(", ")) };
            let guards =
                guards.map_or_else(|| format!("not asked for: {}", refusal.clone().unwrap_or_default()), |found| guards_text(&found));
            let epoch = epoch.map(|epoch| format!("\nevents have positions of epoch {epoch} from now on")).unwrap_or_default();
            let key = admin_key.map(|key| format!("\nkey of the first admin, shown once: {}", key.text().expose_secret()));
            let invited = invitation.map(|link| format!("\nthe first admin sets a password, once and within an hour, at {link}"));
            let admin = key.or(invited);
            format!(
                "PostgreSQL is migrated{epoch}\nDynamoDB has the table {}\nguards of the table: {guards}\nsearch attributes {attributes}{}",
                config.table,
                admin.unwrap_or_default()
            )
        })
    }
}

/// Whose doing it is.
fn setup() -> Result<By> {
    Ok(By { actor: Actor { kind: PrincipalKind::House, id: AccountId::parse("setup")?, station: None }, request_id: None })
}

/// The link of somebody who makes all others. What stands behind the `#` is sent to no server, and so to no log.
async fn first_person(store: &Store, email: &str, public_url: &str) -> Result<String> {
    let email = plain_email(email).ok_or_else(|| Coded::new(ErrorCode::ValidationFailed, "--admin must be an e-mail address"))?;
    let token = Token::random(TokenKind::Invitation);
    let lasts = Duration::from_secs(FIRST_INVITATION_S.into());
    if store.by(setup()?).first_admin(&email, &token, lasts).await?.is_none() {
        let hint = "have an admin make the person: `oms person create EMAIL --name NAME --role admin`";
        return Err(Coded::new(ErrorCode::PersonConflict, "there is an admin already").hint(hint).into());
    }
    Ok(format!("{}/console/invitation#{}", public_url.trim_end_matches('/'), token.text().expose_secret()))
}

/// An account that makes accounts, with its key; it may do nothing else.
async fn first_admin(store: &Store, name: String) -> Result<ApiKey> {
    if store.has_live(Role::Admin).await? {
        let hint = "have an admin make the account: `oms account create NAME --role admin`";
        return Err(Coded::new(ErrorCode::AccountConflict, "there is an admin already").hint(hint).into());
    }
    let by = setup()?;
    let account = store.add_account(&NewAccount { name, roles: [Role::Admin].into(), scope: Scope::default() }, &by).await?;
    let key = ApiKey::random();
    store.add_key(&account.account_id, &key, None, &by).await?;
    Ok(key)
}

/// The guards of the order store, in a line.
pub(super) fn guards_text(protection: &Protection) -> String {
    if protection.guards().iter().all(|(_, guard)| *guard == Guard::NotOffered) {
        return "none, this endpoint does not offer them".to_owned();
    }
    let word = |guard| match guard {
        Guard::On => "on",
        Guard::Off => "OFF",
        Guard::NotOffered => "not offered",
    };
    protection.guards().map(|(name, guard)| format!("{name} {}", word(guard))).join(", ")
}
