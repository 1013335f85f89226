//! Listening, and stopping in order.

use std::{future::Future, io, sync::Arc};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, sync::Notify};

use crate::{routes::router, state::AppState};

/// Serves until `shutdown` completes: then no new connections are taken, and requests in work have `shutdown_grace` to end.
pub async fn serve(state: AppState, listener: TcpListener, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let grace = state.limits.shutdown_grace;
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(error.message = %error, "small answers on this connection may be late");
        }
    });
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(async move {
        shutdown.await;
        tell.notify_one();
    });
    tokio::select! {
        ended = server => ended,
        () = async { told.notified().await; tokio::time::sleep(grace).await } => {
            tracing::warn!("requests were still in work when the server stopped");
            Ok(())
        }
    }
}
