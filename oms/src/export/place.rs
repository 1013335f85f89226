//! Where tables go: a folder of this machine, or a bucket. What is written comes there whole or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use oms_domain::error::ErrorCode;

use super::{bucket::Bucket, day::Written};
use crate::exit::Coded;

const S3: &str = "s3://";

/// A folder, or a bucket with the folder in which files are made for it.
pub enum Place {
    Folder(PathBuf),
    Bucket(Bucket, tempfile::TempDir),
}

impl Place {
    /// `s3://bucket/prefix`, or a folder. `endpoint`: where S3 is if it is not AWS's.
    ///
    /// # Errors
    /// `validation_failed` when it names no bucket, or nobody says in which region that is; when no temporary folder can be made.
    pub async fn open(to: &str, endpoint: Option<&str>) -> Result<Self> {
        let Some(named) = to.strip_prefix(S3) else { return Ok(Self::Folder(to.into())) };
        let (bucket, prefix) = named.split_once('/').unwrap_or((named, ""));
        let is_name = (3..=63).contains(&bucket.len()) && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        if !is_name {
            return Err(Coded::new(ErrorCode::ValidationFailed, format!("{to} names no bucket: s3://bucket/prefix")).into());
        }
        let aside = tempfile::tempdir().context("a folder to make files in")?;
        Ok(Self::Bucket(Bucket::open(bucket, prefix.trim_end_matches('/'), endpoint).await?, aside))
    }

    /// What is there; None: nothing.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Bucket(bucket, _) => bucket.get(name).await,
            Self::Folder(folder) => match fs::read(folder.join(name)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).with_context(|| folder.join(name).display().to_string()),
            },
        }
    }

    /// Where a file is made before it comes to its place. Names that begin with a dot are passed over by those who read the layout.
    pub fn aside(&self, name: &str) -> Result<PathBuf> {
        let path = match self {
            Self::Bucket(_, aside) => aside.path().join(name),
            Self::Folder(folder) => {
                let path = folder.join(name);
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                path.with_file_name(format!(".{file}.part"))
            }
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        Ok(path)
    }

    /// Puts what was made aside in its place.
    pub async fn put(&self, name: &str, written: Written) -> Result<()> {
        match self {
            Self::Bucket(bucket, _) => {
                bucket.put(name, &written).await?;
                fs::remove_file(&written.path).with_context(|| written.path.display().to_string())
            }
            Self::Folder(folder) => rename(&written.path, &folder.join(name)),
        }
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{} cannot be put in its place", to.display()))
}
