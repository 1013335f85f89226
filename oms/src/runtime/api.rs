//! The HTTP API with the console, and the messengers beside it, as tasks of this process.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use oms_allocation::RulesInForce;
use oms_server::{AppState, Door, Messengers};
use oms_starter::Starter;
use oms_store::Store;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A running API server. Dropping it tells it to stop; [`ApiServer::stop`] also waits until it has.
pub struct ApiServer {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
    /// What they were doing is taken up by whoever comes next.
    messengers: Option<Messengers>,
}

impl ApiServer {
    /// Serves on the listener, behind the door; on IPv4's loopback, on IPv6's, too. Promises go by the rules.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, store: Store, starter: Starter, rules: RulesInForce, door: Door) -> Result<Self> {
        let address = listener.local_addr().context("the API's address")?;
        let stop = CancellationToken::new();
        let state = AppState::new(store, starter).ruled_by(rules).behind(door).with_console(oms_console::router);
        let messengers = Messengers::start(&state);
        let (second, stopped) = (beside(address), stop.clone());
        let server = tokio::spawn(async move {
            let first = oms_server::serve(state.clone(), listener, stopped.clone().cancelled_owned());
            match second {
                Some(second) => tokio::try_join!(first, oms_server::serve(state, second, stopped.cancelled_owned())).map(drop),
                None => first.await,
            }
        });
        Ok(Self { address, stop, server, messengers: Some(messengers) })
    }

    /// Base URL for clients on this machine.
    pub fn url(&self) -> String {
        let host = if self.address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { self.address.ip().to_string() };
        format!("http://{host}:{}", self.address.port())
    }

    /// Completes when the server ends without having been asked to.
    pub async fn ended(&mut self) -> Result<()> {
        Ok((&mut self.server).await.context("the API server panicked")??)
    }

    /// Takes no new requests, lets those in work end, and returns. A message being delivered meanwhile is delivered again later.
    ///
    /// # Errors
    /// What the server failed with.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        let ended = self.ended().await;
        if let Some(messengers) = self.messengers.take() {
            messengers.stop().await;
        }
        ended
    }
}

/// The other loopback address, which `localhost` may be: one that is not to be had is only missed.
fn beside(address: SocketAddr) -> Option<TcpListener> {
    if address.ip() != Ipv4Addr::LOCALHOST {
        return None;
    }
    let second = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).ok()?;
    second.set_nonblocking(true).ok()?;
    TcpListener::from_std(second).ok()
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
