use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::progress::Progress;

/// An archive as the download service has them, with a program that prints its version.
fn archive(program: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, "temporal", program.as_bytes()).expect("an entry");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&builder.into_inner().expect("an archive")).expect("memory");
    gzip.finish().expect("memory")
}

/// Serves the archive and counts how often.
async fn downloads(archive: Vec<u8>) -> (String, Arc<AtomicU32>) {
    let served = Arc::new(AtomicU32::new(0));
    let count = served.clone();
    let answer = async move || {
        count.fetch_add(1, Ordering::SeqCst);
        archive
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().route(&format!("/{}", cli::VERSION), get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, served)
}

#[tokio::test]
async fn many_that_need_it_download_it_once() -> Result<()> {
    let cache = tempfile::tempdir().expect("a folder");
    let (url, served) = downloads(archive("#!/bin/sh\necho 'temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)'\n")).await;
    // Each with its own lock handle, as processes have them.
    let tools: Vec<_> = (0..3).map(|_| Tools::new(cache.path(), Progress::Silent)).collect();
    let (a, b, c) =
        tokio::try_join!(tools[0].temporal_installed(&url), tools[1].temporal_installed(&url), tools[2].temporal_installed(&url))?;
    assert!(a == b && b == c && matches!(a, TemporalPrograms::Cli(_)), "{a:?}");
    assert_eq!(tools[0].temporal_installed(&url).await?, a);
    assert_eq!(served.load(Ordering::SeqCst), 1);
    Ok(())
}

#[tokio::test]
async fn a_download_that_does_not_run_here_is_not_taken() {
    let cache = tempfile::tempdir().expect("a folder");
    let (url, _) = downloads(archive("not a program of this machine")).await;
    let tools = Tools::new(cache.path(), Progress::Silent);
    let refused = tools.download_cli(&url).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("does not run here")));
}

#[test]
fn the_server_in_a_command_line_is_known_by_its_version() {
    assert_eq!(cli::server_version("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)\n"), Some((1, 32)));
    assert_eq!(cli::server_version("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"), Some((1, 29)));
    assert_eq!(cli::server_version("temporal version DEV"), None);
}
