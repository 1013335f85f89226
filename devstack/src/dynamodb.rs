//! DynamoDB in this process, served over HTTP to the real AWS client.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use tokio::sync::oneshot;

use crate::error::{Error, Result, io};
use crate::home::Home;
use crate::ports::listen;

/// How long requests in flight may take once it is stopped.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// A running DynamoDB. It takes any credentials and any region.
#[derive(Debug)]
pub struct DynamoDb {
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    /// A thread and a runtime of its own: it works in long synchronous steps, which must not hold up its callers.
    thread: Option<JoinHandle<Result<(), String>>>,
    _home: Arc<Home>,
}

impl DynamoDb {
    /// Starts it on the port, or on any free one; in a file when the home is kept, else in memory.
    ///
    /// # Errors
    /// When its file cannot be opened or no port can be had.
    pub async fn start(home: &Arc<Home>, port: Option<u16>) -> Result<Self> {
        let database = open(home)?;
        let listener = listen(port)?;
        let address = listener
            .local_addr()
            .map_err(io(|| "read a local address".into()))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("dynamodb".into())
            .spawn(move || serve(listener, database, stopped))
            .map_err(io(|| "start the DynamoDB thread".into()))?;
        Ok(Self {
            endpoint: format!("http://{address}"),
            stop: Some(stop),
            thread: Some(thread),
            _home: home.clone(),
        })
    }

    /// Its endpoint URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stops it after the requests in flight.
    ///
    /// # Errors
    /// When it had failed.
    pub async fn stop(mut self) -> Result<()> {
        let joined = tokio::task::spawn_blocking(move || self.shut_down()).await;
        joined.map_err(|error| Error::failed("stop of DynamoDB", error))?
    }

    fn shut_down(&mut self) -> Result<()> {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let ended = thread.join().unwrap_or_else(|_| Err("it panicked".into()));
        ended.map_err(|why| Error::failed("DynamoDB", why))
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::warn!(%error, "DynamoDB did not end well");
        }
    }
}

fn open(home: &Home) -> Result<Database> {
    let failed = |error| Error::failed("open of the DynamoDB file", error);
    if !home.is_kept() {
        return Database::memory().map_err(failed);
    }
    let file = home.folder("dynamodb")?.join("dynamodb.sqlite");
    Database::new(&file.to_string_lossy()).map_err(failed)
}

fn serve(
    listener: TcpListener,
    database: Database,
    stopped: oneshot::Receiver<()>,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        listener
            .set_nonblocking(true)
            .map_err(|error| error.to_string())?;
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
        let (began_stop, stopping) = oneshot::channel::<()>();
        let shutdown = async {
            // Either way it is time to stop: the owner let go of the sender.
            drop(stopped.await);
            drop(began_stop);
        };
        let late = async {
            drop(stopping.await);
            tokio::time::sleep(STOP_DEADLINE).await;
        };
        tokio::select! {
            ended = serve_with_shutdown(listener, database, shutdown) => ended,
            // A client holds a request open: dropping the runtime ends its connection.
            () = late => Ok(()),
        }
    })
}
