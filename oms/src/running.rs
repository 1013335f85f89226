//! Development systems that run on this machine for this user: where each is, and the key that it takes. The key goes to nobody else.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// One of them.
#[derive(Debug, Clone, Deserialize)]
pub struct Running {
    pub api: String,
    pub api_key: SecretString,
}

/// The file that says so, for as long as the system runs: it is locked, so that one which was left behind is known.
pub struct Notice {
    path: PathBuf,
    _locked: File,
}

/// The user's own folder for such files.
fn folder() -> Option<PathBuf> {
    Some(dirs::runtime_dir().or_else(dirs::cache_dir)?.join("oms").join("running"))
}

impl Notice {
    /// Writes it, for its owner alone to read; None: there is no folder for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(api: &str, api_key: &SecretString) -> Result<Option<Self>> {
        let Some(folder) = folder() else { return Ok(None) };
        Self::write_in(&folder, api, api_key).with_context(|| format!("write into {}", folder.display())).map(Some)
    }

    fn write_in(folder: &Path, api: &str, api_key: &SecretString) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{}.json", std::process::id()));
        // One of an earlier process with this number, whoever may read it.
        remove(&path)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.lock()?;
        file.write_all(json!({"api": api, "api_key": api_key.expose_secret()}).to_string().as_bytes())?;
        Ok(Self { path, _locked: file })
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the notice of a running system");
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// All that run now.
pub fn all() -> Vec<Running> {
    folder().map(|folder| all_in(&folder)).unwrap_or_default()
}

fn all_in(folder: &Path) -> Vec<Running> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| read(&file.path())).collect()
}

/// None also for what cannot be read: then the command says that a key is needed.
fn read(path: &Path) -> Option<Running> {
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        // Nobody holds it any more.
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The key of the system at this address, if it is one of ours that runs.
pub fn key_at(url: &str) -> Option<SecretString> {
    all().into_iter().find(|running| is_at(running, url)).map(|running| running.api_key)
}

/// Scheme, host and port, as they are written: another name may be another machine.
pub fn is_at(running: &Running, url: &str) -> bool {
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    origin(url).is_some_and(|asked| asked.is_tuple() && origin(&running.api) == Some(asked))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_running_system_is_found_by_its_address_until_it_ends() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("running");
        let notice = Notice::write_in(&folder, "http://127.0.0.1:8080", &"secret".into()).unwrap();
        assert_eq!(std::fs::metadata(&notice.path).unwrap().permissions().mode() & 0o777, 0o600);
        let [found] = &all_in(&folder)[..] else { panic!("it is not there") };
        assert_eq!(found.api_key.expose_secret(), "secret");
        assert!(is_at(found, "http://127.0.0.1:8080/") && is_at(found, "http://127.0.0.1:8080"));
        for other in ["http://127.0.0.1:8081", "https://127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1.example:8080", "x"] {
            assert!(!is_at(found, other), "{other}");
        }
        // What is left behind is not believed.
        let copy = folder.join("left.json");
        std::fs::copy(&notice.path, &copy).unwrap();
        assert_eq!(all_in(&folder).len(), 1);
        drop(notice);
        assert!(all_in(&folder).is_empty());
    }
}
