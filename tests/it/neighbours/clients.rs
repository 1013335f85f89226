//! Clients that others would make of the description: they compile, and place, ship and return an order.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result, ensure};
use oms_domain::{ids::Sku, policy::Policy};
use serde_json::Value;

use super::{fixture, home, run};
use crate::support::{Shop, basket::unique, http, in_own_shop, runtime::until, system::LEEDS};

/// The description that the running server gives, as a file.
async fn described(shop: &Shop, folder: &Path) -> Result<()> {
    let description = shop.get("/openapi.json").await?;
    ensure!(description.status == 200, "{}", description.status);
    Ok(fs::write(folder.join("openapi.json"), description.body.to_string())?)
}

/// An order id, and what a client is told of the shop.
fn arguments<'a>(shop_url: &'a str, order_id: &'a str, sku: &'a Sku) -> [&'a str; 5] {
    [shop_url, http::key(), order_id, sku.as_str(), LEEDS]
}

/// The client said what became of its order, and that is so.
async fn has_served(shop: &Shop, order_id: &str, said: &str) -> Result<()> {
    shop.note(order_id.parse()?);
    let said: Value = serde_json::from_str(said.trim()).with_context(|| said.to_owned())?;
    ensure!(said["order_id"] == order_id && said["refunded_minor"].as_i64() > Some(0), "{said}");
    let order = shop.order(&order_id.parse()?).await?;
    ensure!(
        order.status == "completed" && order.totals.refunded_minor == said["refunded_minor"].as_i64().context("an amount")?,
        "{order:?}"
    );
    until("the return to close", async || {
        let closed: Value = shop.get(&format!("/v1/returns/{order_id}-R1")).await?.view(200)?;
        Ok((closed["status"] == "closed").then_some(()))
    })
    .await
}

#[test]
fn a_typescript_client_compiles_and_places_ships_and_returns_an_order() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        described(shop, folder).await?;
        for name in ["orders.ts", "tsconfig.json", "package.json"] {
            fs::copy(fixture("typescript").join(name), folder.join(name))?;
        }
        symlink(home()?.join("node_modules"), folder.join("node_modules"))?;
        run("node_modules/.bin/openapi-typescript", folder, &["openapi.json", "-o", "oms.d.ts"], &[]).await?;
        run("node_modules/.bin/tsc", folder, &["-p", "."], &[]).await?;
        let (url, order_id, sku) = (shop.url(""), unique("TS"), shop.stocked(&[(LEEDS, 10)]).await?);
        let arguments = [&["made/orders.js"], &arguments(&url, &order_id, &sku)[..]].concat();
        has_served(shop, &order_id, &run("bin/node", folder, &arguments, &[]).await?).await
    })
}

#[test]
fn a_python_client_is_well_typed_and_places_ships_and_returns_an_order() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        described(shop, folder).await?;
        fs::copy(fixture("python/orders.py"), folder.join("orders.py"))?;
        let made = ["generate", "--path", "openapi.json", "--output-path", "oms_client", "--meta", "none"];
        run("bin/openapi-python-client", folder, &made, &[]).await?;
        run("bin/mypy", folder, &["--strict", "--follow-imports=silent", "orders.py"], &[]).await?;
        let (url, order_id, sku) = (shop.url(""), unique("PY"), shop.stocked(&[(LEEDS, 10)]).await?);
        let arguments = [&["orders.py"], &arguments(&url, &order_id, &sku)[..]].concat();
        has_served(shop, &order_id, &run("bin/python", folder, &arguments, &[]).await?).await
    })
}
