//! A file on its way to the server: streamed, with a progress bar on standard error.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use oms_api::mapping::Mapping;
use reqwest::Body;
use tokio::{fs::File, io::AsyncRead, sync::mpsc};
use tokio_util::io::{ReaderStream, StreamReader, SyncIoBridge};

use super::words::not_readable;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Pieces of a foreign file that wait to be sent.
const CHUNKS_AHEAD: usize = 4;

/// A file to send; or standard input, whose length nobody knows.
pub struct Upload {
    path: PathBuf,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    bytes: Option<u64>,
}

impl Upload {
    /// Opens the file; - is standard input.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        if path == Path::new("-") {
            return Ok(Self { path, reader: Box::new(tokio::io::stdin()), bytes: None });
        }
        let unreadable = |error| not_readable(&path, &error);
        let file = File::open(&path).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        Ok(Self { reader: Box::new(file), path, bytes: Some(bytes) })
    }

    /// The same as it comes out of a table of columns, read piece by piece as it is sent.
    pub fn mapped(self, mapping: Option<Mapping>) -> Self {
        let Some(mapping) = mapping else { return self };
        let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let foreign = SyncIoBridge::new(self.reader);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = mapping.transform(foreign, Chunks(sender.clone())) {
                // It breaks off what is sent; when nobody sends any more, nobody is to be told.
                drop(sender.blocking_send(Err(io::Error::other(error))));
            }
        });
        let chunks = stream::unfold(chunks, async |mut chunks| chunks.recv().await.map(|chunk| (chunk, chunks)));
        Self { path: self.path, reader: Box::new(StreamReader::new(Box::pin(chunks))), bytes: None }
    }

    /// What the feed run is called by.
    pub fn name(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.filter(|name| name != "-").unwrap_or_else(|| "standard input".to_owned())
    }

    /// The body. The bar draws itself on a terminal only, and leaves with the body.
    pub fn into_body(self) -> Body {
        let bar = Bar(self.bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        bar.0.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.0.set_message(self.name());
        let chunks = ReaderStream::with_capacity(self.reader, CHUNK_BYTES);
        Body::wrap_stream(chunks.inspect_ok(move |chunk| bar.0.inc(chunk.len() as u64)))
    }
}

/// Where what comes out goes: a piece at a time, and not faster than it is sent.
struct Chunks(mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
