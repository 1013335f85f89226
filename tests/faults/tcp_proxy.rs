//! A way for bytes that can be cut, and on which something can happen when certain bytes come by.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::http_proxy::Trap;

const AT_ONCE: usize = 64 << 10;

#[derive(Default)]
struct Shared {
    trap: Mutex<Option<Trap>>,
    sprung: Notify,
}

/// Stands between clients and a server. Dropping it cuts for good.
pub struct TcpProxy {
    address: SocketAddr,
    open: watch::Sender<bool>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// In front of `host:port`.
    pub async fn start(to: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (open, is_open) = watch::channel(true);
        let shared = Arc::<Shared>::default();
        let of_each = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to.clone(), of_each.clone(), is_open.clone()));
            }
        });
        Ok(Self { address, open, shared, accepting })
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends every connection, and refuses new ones.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    pub fn mend(&self) {
        self.open.send_replace(true);
    }

    /// What comes by with these bytes in it, or what is answered to it, goes no further.
    pub fn arm(&self, trap: Trap) {
        *self.shared.trap() = Some(trap);
    }

    pub fn disarm(&self) {
        *self.shared.trap() = None;
    }

    /// Waits until something was caught.
    pub async fn sprung(&self) {
        self.shared.sprung.notified().await;
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Shared {
    fn trap(&self) -> MutexGuard<'_, Option<Trap>> {
        self.trap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until one side ends, or the way is cut.
async fn carry(client: TcpStream, to: String, shared: Arc<Shared>, mut open: watch::Receiver<bool>) {
    if !*open.borrow() {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else { return };
    // Questions and answers are many and small.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let ((questions, to_client), (answers, to_server)) = (client.into_split(), server.into_split());
    let silent = AtomicBool::new(false);
    tokio::select! {
        // Either side may break off: that is the connections' affair.
        _ = ask(questions, to_server, &shared, &silent) => {}
        _ = answer(answers, to_client, &silent) => {}
        _ = open.wait_for(|open| !open) => {}
    }
}

async fn ask(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    silent: &AtomicBool,
) -> std::io::Result<()> {
    let mut bytes = vec![0; AT_ONCE];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        let trap = shared.trap().take_if(|trap| contains(&bytes[..length], trap.in_call.as_bytes()));
        let Some(trap) = trap else {
            to.write_all(&bytes[..length]).await?;
            continue;
        };
        if trap.after {
            // The statement is named first, and carried out by what follows the answer to that.
            to.write_all(&bytes[..length]).await?;
            let length = from.read(&mut bytes).await?;
            silent.store(true, Ordering::SeqCst);
            to.write_all(&bytes[..length]).await?;
        }
        shared.sprung.notify_one();
        while from.read(&mut bytes).await? > 0 {}
        return Ok(());
    }
}

async fn answer(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, silent: &AtomicBool) -> std::io::Result<()> {
    let mut bytes = vec![0; AT_ONCE];
    loop {
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        if !silent.load(Ordering::SeqCst) {
            to.write_all(&bytes[..length]).await?;
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
