//! A server that dies while somebody scans, and another one that takes its place.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use oms_domain::policy::Policy;
use oms_server::AppState;
use oms_store::Store;
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Runtime};

use super::browser::{Browser, in_browser};
use crate::support::{
    Basket, Shop, http, in_shop,
    runtime::{HOUSE_THREAD, until},
    stack::temporal,
    system::{LEEDS, starter},
};

/// A server in a runtime of its own: when that goes, everything under way is cut off where it stands.
struct Server {
    runtime: Option<Runtime>,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    /// On this port, or any.
    async fn start(shop: &Shop, port: u16) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name(HOUSE_THREAD).enable_all().build()?;
        let addresses = shop.system.addresses.clone();
        let mut server = Self { runtime: Some(runtime), address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let handle = server.runtime.as_ref().context("it was just made")?.handle().clone();
        let started = handle.spawn(async move {
            let store = Store::connect(&addresses.store_config()).await?;
            let starter = starter(&temporal(&addresses.temporal).await?, &store, &addresses, Policy::default());
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            let address = listener.local_addr()?;
            let state = AppState::new(store, starter).declaring(http::accounts()?).with_console(oms_console::router);
            tokio::spawn(oms_server::serve(state, listener, std::future::pending()));
            anyhow::Ok(address)
        });
        server.address = started.await.context("the server's thread")??;
        Ok(server)
    }
}

async fn open(browser: &Browser<'_>, address: SocketAddr, path: &str) -> Result<()> {
    browser.driver.goto(&format!("http://{address}{path}")).await
}

#[test]
fn scans_go_on_where_they_were_when_the_server_was_killed_among_them() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 6, 100)).await?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
        in_browser(shop, "server-killed", async |browser| {
            // A browser shows its cookie to every port of a host.
            browser.come_in(&["associate"], &[LEEDS]).await?;
            let server = Server::start(shop, 0).await?;
            open(browser, server.address, &format!("/console/pack/{part}?facility={LEEDS}")).await?;
            let code = |n: usize| if n.is_multiple_of(2) { sku.to_string() } else { sku.as_str().to_lowercase() };
            browser.scan(&code(0)).await?;
            browser.until_says("Counted").await?;
            // The server is gone before it can have answered these.
            for n in 1..4 {
                browser.scan(&code(n)).await?;
            }
            let address = server.address;
            drop(server);
            for n in 4..6 {
                browser.scan(&code(n)).await?;
            }
            browser.until_says("waiting").await?;
            let _again = until("the port to be free", async || Ok(Server::start(shop, address.port()).await.ok())).await?;
            browser.until_says("All there: packed").await?;
            let bench: Value = shop.get(&format!("/v1/fulfillment-orders/{part}/bench")).await?.view(200)?;
            assert_eq!(bench["lines"][0]["counted"], 6, "{bench}");
            shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
            // What failed while no server was there is on the browser's console.
            browser.driver.console().await?;
            Ok(())
        })
        .await
    })
}
