//! A server in this process, on a thread and a runtime of its own: it outlives the runtime of the test that started it,
//! and its long synchronous steps hold up nobody else.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result, io};

/// How long requests in flight may take once the service is stopped.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Service {
    /// Runs `serve` until it is told to stop by the token it is given; what is still open some seconds later is cut.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn start(
        name: &'static str,
        listener: TcpListener,
        serve: impl AsyncFnOnce(tokio::net::TcpListener, CancellationToken) -> Result<(), String> + Send + 'static,
    ) -> Result<Self> {
        let address = listener.local_addr().map_err(io(|| "read a local address".into()))?;
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || run(listener, stopping, serve))
            .map_err(io(|| format!("start the thread of {name}")))?;
        Ok(Self { name, address, stop, thread: Some(thread) })
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        crate::ports::url(self.address)
    }

    /// Stops it after the requests in flight.
    ///
    /// # Errors
    /// When it had failed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let joined = tokio::task::spawn_blocking(move || self.shut_down()).await;
        joined.map_err(|error| Error::failed("stop of a service", error))?
    }

    /// # Errors
    /// When it has ended without having been asked to.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        self.shut_down()?;
        Err(Error::failed(self.name, "it has ended"))
    }

    fn shut_down(&mut self) -> Result<()> {
        self.stop.cancel();
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let ended = thread.join().unwrap_or_else(|_| Err("it panicked".into()));
        ended.map_err(|why| Error::failed(self.name, why))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::warn!(%error, "a service did not end well");
        }
    }
}

/// Serves the routes until it is told to stop.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(listener: tokio::net::TcpListener, app: axum::Router, stop: CancellationToken) -> Result<(), String> {
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await.map_err(|error| error.to_string())
}

fn run(
    listener: TcpListener,
    stop: CancellationToken,
    serve: impl AsyncFnOnce(tokio::net::TcpListener, CancellationToken) -> Result<(), String>,
) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    runtime.block_on(async {
        listener.set_nonblocking(true).map_err(text)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(text)?;
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_DEADLINE).await;
        };
        tokio::select! {
            ended = serve(listener, stop.clone()) => ended,
            // A client holds a request open: dropping the runtime ends its connection.
            () = late => Ok(()),
        }
    })
}
