//! Listening, and stopping in order. Every connection has its bounds: who sends half a request, or none, holds nothing for long.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::util::MapRequest;

use crate::{
    identity::Peer,
    proxies::TrustedProxies,
    routes::router,
    state::{AppState, Limits},
};

/// When no connection can be taken, for want of file descriptors say, the next try waits.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Serves until `shutdown` completes: then no new connections are taken, and requests in work have `shutdown_grace` to end.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (limits, proxies, live) = (state.limits, state.proxies.clone(), state.live.clone());
    // Streams end first: they would hold the stop for as long as it may take.
    let stopped = async move {
        shutdown.await;
        live.end();
    };
    serve_routes(router(state), limits, proxies, listener, stopped).await
}

/// The same, whatever is served.
async fn serve_routes(
    routes: Router,
    limits: Limits,
    proxies: TrustedProxies,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (connections, http, proxies) = (Connections::new(limits), http(limits), Arc::new(proxies));
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut shutdown => break,
        };
        // A proxy's connections are many people's.
        let bound = if proxies.trust(peer.ip()) { limits.connections_max } else { limits.connections_per_address_max };
        let Some(place) = connections.admit(peer.ip(), bound) else { continue };
        let proxies = Arc::clone(&proxies);
        let service = MapRequest::new(routes.clone(), move |mut request: Request<_>| {
            let client = proxies.client(peer.ip(), request.headers());
            request.extensions_mut().insert(Peer(client));
            request
        });
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        let stopping = stopping.clone();
        tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let end = async {
                // Either way it ends in order.
                let _aged = tokio::time::timeout(limits.connection_age_max, stopping.cancelled()).await;
            };
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = end => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error.message = %error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    stopping.cancel();
    tasks.close();
    if tokio::time::timeout(limits.shutdown_grace, tasks.wait()).await.is_err() {
        tracing::warn!("requests were still in work when the server stopped");
    }
    Ok(())
}

/// HTTP/1 alone: where either is taken, nothing times how long a client takes over the words that HTTP/2 begins with.
fn http(limits: Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    // Between two requests of a connection, too: an idle one is closed after as long.
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_deadline);
    http
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error.message = %error, "small answers on this connection may be late");
                }
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(error.message = %error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Open connections, by address. What is beyond the bounds is closed at once.
#[derive(Clone)]
struct Connections {
    limits: Limits,
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection's place; dropping it frees the place.
struct Place {
    peer: IpAddr,
    of: Connections,
}

impl Connections {
    fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// A place among so many that an address may have.
    fn admit(&self, peer: IpAddr, at_most: usize) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (in_all, here) = (open.values().sum::<usize>(), open.get(&peer).copied().unwrap_or_default());
        if in_all >= self.limits.connections_max || here >= at_most {
            return None;
        }
        *open.entry(peer).or_default() += 1;
        Some(Place { peer, of: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = open.get_mut(&self.peer) {
            *here -= 1;
            if *here == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Far longer than a header may take here.
    const IN_VAIN: Duration = Duration::from_secs(20);

    /// Whether whoever says this and nothing more is let go.
    async fn is_let_go(address: SocketAddr, said: &[u8]) -> bool {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        // Answered or not, and by a reset or not: it is over.
        tokio::time::timeout(IN_VAIN, stream.read_to_end(&mut Vec::new())).await.is_ok()
    }

    #[tokio::test]
    async fn who_says_nothing_or_half_a_header_holds_no_connection() {
        let limits = Limits { header_deadline: Duration::from_millis(50), ..Limits::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve_routes(Router::new(), limits, Default::default(), listener, std::future::pending()));
        let sayings: [&[u8]; 5] =
            [b"", b"G", b"GET / HTTP/1.1\r\nhost: oms", b"PRI * HTTP/2.0\r\n\r\nS", b"GET / HTTP/1.1\r\nhost: oms\r\n\r\n"];
        for said in sayings {
            assert!(is_let_go(address, said).await, "{}", said.escape_ascii());
        }
        serving.abort();
    }

    #[tokio::test]
    async fn a_connection_ends_in_order_when_it_is_old() {
        let limits = Limits { connection_age_max: Duration::from_millis(200), ..Limits::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve_routes(Router::new(), limits, Default::default(), listener, std::future::pending()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut answers, asked) = (Vec::new(), b"GET / HTTP/1.1\r\nhost: oms\r\n\r\n");
        stream.write_all(asked).await.unwrap();
        tokio::time::timeout(IN_VAIN, stream.read_to_end(&mut answers)).await.expect("it is closed").unwrap();
        assert!(answers.starts_with(b"HTTP/1.1 404"), "{}", answers.escape_ascii());
        serving.abort();
    }

    #[test]
    fn places_are_bounded_by_address_and_in_all_and_come_free() {
        let connections = Connections::new(Limits { connections_max: 3, ..Limits::default() });
        let admit = |address| connections.admit(address, 2);
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse::<IpAddr>().unwrap());
        let places = [admit(one), admit(one), admit(two)];
        assert!(places.iter().all(Option::is_some));
        assert!(admit(one).is_none() && admit(two).is_none());
        drop(places);
        assert!(admit(one).is_some());
        assert!(connections.open.lock().unwrap().is_empty());
    }
}
