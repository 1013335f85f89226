//! A file on its way to the server: streamed, with a progress bar on standard error.

use std::path::{Path, PathBuf};

use anyhow::Result;
use futures_util::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Body;
use tokio::{fs::File, io::AsyncRead};
use tokio_util::io::ReaderStream;

use super::words::not_readable;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

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

struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
