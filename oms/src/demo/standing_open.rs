//! `oms demo --console`: what was played stands open afterwards, to be clicked through, with some orders of today for those who want to work.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use oms_api::order::body::OrderBody;
use oms_domain::{clock::BusinessClock, ids::OrderId, placed::PlacedOrder, policy::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{data::Data, stage::Stage};
use crate::{
    client::Api,
    commands::{first_steps, signals::stop_signal},
    exit::Refused,
    runtime::{System, SystemOptions},
    style,
};

/// Orders that a shop like the recorded one takes in a month.
pub const MONTH_OF_ORDERS: u32 = 1_400;
/// Orders of today: as many as a facility's queue shows on a page.
const TODAY: usize = 60;
const AT_ONCE: usize = 8;
/// Where the pages are, or at the next port that is free.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Who may come in beside the developer, each as one sees the pages who works in one place.
const PEOPLE: [(&str, &str, &str); 3] = [
    ("support@oms.example", "Sam Support", "support"),
    ("packer@oms.example", "Pat Packer", "associate"),
    ("manager@oms.example", "Mia Manager", "facility_manager"),
];

/// Serves the pages until somebody stops it.
///
/// # Errors
/// When a part cannot be started, or ends by itself.
pub async fn stand_open(stage: &Stage, data: &Data) -> Result<()> {
    let stop = stop_signal()?;
    let (clock, policy) = (BusinessClock::default(), Policy::default());
    let mut system = System::start(SystemOptions { clock, policy, http_addr: ADDRESS, ..stage.options.clone() }).await?;
    let furnished = async {
        let password: SecretString = Uuid::new_v4().simple().to_string().into();
        first_steps::console_person(&system, &password).await?;
        let api = system.client()?;
        let facility = people(&api, &password).await?;
        let placed = today(&api, data).await?;
        announce(&system, &password, &facility, placed);
        anyhow::Ok(())
    };
    let ended = match furnished.await {
        Ok(()) => tokio::select! {
            ended = system.ended() => ended,
            () = stop => Ok(()),
        },
        Err(error) => Err(error),
    };
    let stopped = system.stop().await;
    ended.and(stopped)
}

/// Somebody of each role, at one facility where that is what they are.
async fn people(api: &Api, password: &SecretString) -> Result<String> {
    let found = api.get(&["v1", "facilities"], &[("limit", Some("1".to_owned()))]).await?;
    let facility = found["items"][0]["facility_id"].as_str().context("there is no facility")?.to_owned();
    for (email, name, role) in PEOPLE {
        let mut person = json!({"email": email, "name": name, "roles": [role]});
        if role != "support" {
            person["facilities"] = json!([facility]);
        }
        let made: Value = api.post(&["v1", "people"], &person).await?;
        let accepted = json!({"token": made["invitation"]["token"], "password": password.expose_secret()});
        api.post(&["v1", "invitations", "accept"], &accepted).await?;
    }
    Ok(facility)
}

/// The last orders once more, placed now. Some find nothing left, as in any shop; how many were taken.
async fn today(api: &Api, data: &Data) -> Result<usize> {
    let again = data.orders.iter().rev().take(TODAY).cloned().enumerate();
    let place = |(n, mut order): (usize, PlacedOrder)| async move {
        order.order_id = OrderId::parse(format!("today-{}", n + 1))?;
        order.placed_at = Timestamp::now();
        order.carried.order_number = None;
        order.carried.external_ids.clear();
        match api.post(&["v1", "orders"], &serde_json::to_value(OrderBody::from(&order))?).await {
            Ok(_) => Ok(1),
            Err(error) if error.is::<Refused>() => Ok(0),
            Err(error) => Err(error),
        }
    };
    let taken: Vec<usize> = stream::iter(again).map(place).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(taken.into_iter().sum())
}

fn announce(system: &System, password: &SecretString, facility: &str, placed: usize) {
    let mut lines = vec![String::new(), style::strong("What was played stands open."), format!("  {}/console", system.api_url)];
    let emails = PEOPLE.iter().map(|(email, _, role)| (*email, *role));
    for (email, role) in [(first_steps::CONSOLE_EMAIL, "everything")].into_iter().chain(emails) {
        lines.push(format!("  {email:<24}{role}"));
    }
    lines.push(format!("  Password: {}", password.expose_secret()));
    lines.push(format!("{placed} orders are of today; who packs and who manages works at {facility}."));
    lines.push(style::faint("Ctrl-C stops everything."));
    anstream::eprintln!("{}", lines.join("\n"));
}
