//! One runtime for all tests of the binary: a connection lives in the runtime it was made in, and the shared system outlives every test.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};
use tokio::{runtime::Runtime, time::Instant};

/// Longest wait for a condition. Generous: the machine may be busy, and who waits in vain has failed anyway.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What the threads of workers, servers and relays are called.
pub const HOUSE_THREAD: &str = "house";

/// Panics on the threads of the house.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    watch_panics();
    rustls::crypto::ring::default_provider().install_default().expect("nobody installs a TLS provider before");
    super::logs::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).thread_name(HOUSE_THREAD).enable_all().build();
    runtime.expect("a runtime for the tests")
});

/// No worker and no server may panic, whatever it is given; the runtime or the SDK would hide it.
fn watch_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name().is_some_and(|name| name.starts_with(HOUSE_THREAD)) {
            PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
        }
        print(panic);
    }));
}

/// Runs a test to its end. A panic of the house fails whatever test ends next.
pub fn run(test: impl Future<Output = Result<()>>) -> Result<()> {
    RUNTIME.block_on(test)?;
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(panics.is_empty(), "the house panicked: {panics:?}");
    Ok(())
}

/// Waits until the condition gives something; fails with what was waited for.
pub async fn until<T>(what: &str, condition: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    until_within(PATIENCE, what, condition).await
}

/// The same, with a patience of one's own.
pub async fn until_within<T>(patience: Duration, what: &str, mut condition: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(found) = condition().await? {
            return Ok(found);
        }
        ensure!(Instant::now() < give_up, "waited in vain for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
