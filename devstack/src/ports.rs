//! Ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Result, io};

/// The address everything listens on: the stack is for this machine alone.
pub(crate) const HOST: &str = "127.0.0.1";

/// Listens on the preferred port, or on any free one when it is taken or none is preferred.
///
/// # Errors
/// When not even a free port can be had.
pub(crate) fn listen(preferred: Option<u16>) -> Result<TcpListener> {
    if let Some(port) = preferred
        && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
    {
        return Ok(listener);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io(|| format!("listen on {HOST}")))
}

/// A port for a server in another process. It is free now and may be taken before that server binds it, so callers
/// start such servers through [`with_fresh_port`].
fn free(preferred: Option<u16>) -> Result<u16> {
    let address = listen(preferred)?.local_addr().map_err(io(|| "read a local address".into()))?;
    Ok(address.port())
}

/// Starts a server on the preferred port, and on another one when somebody was quicker, three times at most.
///
/// # Errors
/// The last start's error.
pub(crate) async fn with_fresh_port<T>(mut preferred: Option<u16>, mut start: impl AsyncFnMut(u16) -> Result<T>) -> Result<T> {
    const ATTEMPTS: u32 = 3;
    let mut attempt = 1;
    loop {
        let port = free(preferred)?;
        match start(port).await {
            Err(error) if attempt < ATTEMPTS && lost_the_port(port) => {
                tracing::debug!(port, %error, "port was taken meanwhile, trying another");
                preferred = None;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Whether somebody else listens on the port now: the server that failed on it has ended.
fn lost_the_port(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}
