//! Where the parts listen.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::error::{Error, Result, io};

/// The address everything listens on: the stack is for this machine alone.
pub(crate) const HOST: &str = "127.0.0.1";

/// Where a simulator listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// On the loopback interface: on this port when it is free, else, or when there is none, on any free one.
    Loopback { port: Option<u16> },
    /// Exactly there, where other machines and containers may reach it.
    At(SocketAddr),
}

impl Listen {
    /// # Errors
    /// When the address, or any free port, cannot be had.
    pub(crate) fn bind(self) -> Result<TcpListener> {
        match self {
            Self::Loopback { port } => listen(port),
            Self::At(address) => TcpListener::bind(address).map_err(io(|| format!("listen on {address}"))),
        }
    }
}

/// Base URL of a service for clients on this machine.
pub(crate) fn url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { HOST.into() } else { address.ip().to_string() };
    format!("http://{host}:{}", address.port())
}

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
///
/// # Errors
/// When not even a free port can be had.
pub(crate) fn free(preferred: Option<u16>) -> Result<u16> {
    let address = listen(preferred)?.local_addr().map_err(io(|| "read a local address".into()))?;
    Ok(address.port())
}

/// The right to start a server on this port, until it is dropped; none while another stack has it. Two that saw the port free would else take
/// the answer of the one server for that of the other.
fn claim(port: u16) -> Option<File> {
    let lock = File::create(std::env::temp_dir().join(format!("oms-port-{port}.lock"))).ok()?;
    lock.try_lock().is_ok().then_some(lock)
}

/// Starts a server on the preferred port, and on another one when somebody was quicker, three times at most.
///
/// # Errors
/// The last start's error.
pub(crate) async fn with_fresh_port<T>(mut preferred: Option<u16>, mut start: impl AsyncFnMut(u16) -> Result<T>) -> Result<T> {
    const ATTEMPTS: u32 = 3;
    let claimed = preferred.and_then(claim);
    preferred = preferred.filter(|_| claimed.is_some());
    let mut attempt = 1;
    loop {
        let port = free(preferred)?;
        match start(port).await {
            Err(error) if attempt < ATTEMPTS && lost_a_port(&error) => {
                tracing::debug!(port, %error, "a port was taken meanwhile, trying another");
                preferred = None;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// All servers log it in the words of the C library.
fn lost_a_port(error: &Error) -> bool {
    match error {
        // Temporal's development server panics while it starts when a port that it chose itself was taken meanwhile.
        Error::NotStarted { log_tail, .. } => {
            log_tail.to_lowercase().contains("address already in use") || log_tail.contains("NewTemporalServerStartDevCommand")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_started(log_tail: &str) -> Error {
        Error::NotStarted { name: "a server", why: "it ended".into(), log: "a.log".into(), log_tail: log_tail.into() }
    }

    #[tokio::test]
    async fn a_server_that_loses_its_port_is_started_on_another() -> Result<()> {
        let mut tried = Vec::new();
        let port = with_fresh_port(None, async |port| {
            tried.push(port);
            match tried.len() {
                1 => Err(not_started("listen tcp 127.0.0.1:7233: bind: address already in use")),
                _ => Ok(port),
            }
        })
        .await?;
        assert_eq!(tried.len(), 2);
        assert_eq!(tried.last(), Some(&port));
        Ok(())
    }

    #[tokio::test]
    async fn a_port_on_which_another_stack_starts_is_left_to_it() -> Result<()> {
        let preferred = free(None)?;
        let (one, other) = with_fresh_port(Some(preferred), async |one| {
            let other = with_fresh_port(Some(preferred), async |other| Ok(other)).await?;
            Ok((one, other))
        })
        .await?;
        assert_eq!(one, preferred);
        assert_ne!(other, preferred, "nothing listens there yet, and yet it is taken");
        let again = with_fresh_port(Some(preferred), async |again| Ok(again)).await?;
        assert_eq!(again, preferred, "it was left when the start was over");
        Ok(())
    }

    #[tokio::test]
    async fn other_failures_and_endless_ones_are_reported() {
        let mut attempts = 0;
        let broken = with_fresh_port(None, async |_| -> Result<()> {
            attempts += 1;
            Err(not_started("no space left on device"))
        });
        assert!(broken.await.is_err());
        let unlucky = with_fresh_port(None, async |_| -> Result<()> {
            attempts += 1;
            Err(not_started("could not bind: Address already in use"))
        });
        assert!(unlucky.await.is_err());
        assert_eq!(attempts, 1 + 3);
    }
}
