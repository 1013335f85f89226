//! What an adapter shows to be let in: from the configuration, or from a file that may be replaced while the house runs.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use secrecy::SecretString;
use tokio::time::Instant;

use crate::ports::PortError;

/// How soon a file that was replaced is read again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A secret. Cheap to clone; never printed.
#[derive(Clone)]
pub struct Credential(Source);

#[derive(Clone)]
enum Source {
    Fixed(SecretString),
    File(Arc<File>),
}

struct File {
    path: PathBuf,
    look_every: Duration,
    read: Mutex<Option<Read>>,
}

struct Read {
    secret: SecretString,
    changed_at: Option<SystemTime>,
    looked_at: Instant,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(_) => f.write_str("Credential"),
            Source::File(file) => write!(f, "Credential({})", file.path.display()),
        }
    }
}

impl Credential {
    /// One that stays what it is.
    pub fn fixed(secret: SecretString) -> Self {
        Self(Source::Fixed(secret))
    }

    /// What a file has, without blanks around it: read again when the file has changed.
    pub fn file(path: PathBuf) -> Self {
        Self::looked_at(path, LOOK_EVERY)
    }

    fn looked_at(path: PathBuf, look_every: Duration) -> Self {
        Self(Source::File(Arc::new(File { path, look_every, read: Mutex::new(None) })))
    }

    /// What it is now. Errors: `Denied`, as for a wrong one, when it cannot be read and never was.
    pub(crate) fn current(&self) -> Result<SecretString, PortError> {
        let file = match &self.0 {
            Source::Fixed(secret) => return Ok(secret.clone()),
            Source::File(file) => file,
        };
        let mut known = file.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = known.as_ref().filter(|read| read.looked_at.elapsed() < file.look_every) {
            return Ok(read.secret.clone());
        }
        let changed_at = std::fs::metadata(&file.path).and_then(|metadata| metadata.modified()).ok();
        let is_known = |read: &&mut Read| changed_at.is_none() || read.changed_at == changed_at;
        if let Some(read) = known.as_mut().filter(is_known) {
            read.looked_at = Instant::now();
            return Ok(read.secret.clone());
        }
        // While it is being replaced it may be gone: the one that was read last is shown until then.
        match (std::fs::read_to_string(&file.path), known.as_ref()) {
            (Ok(text), _) if !text.trim().is_empty() => {
                let secret = SecretString::from(text.trim());
                *known = Some(Read { secret: secret.clone(), changed_at, looked_at: Instant::now() });
                Ok(secret)
            }
            (_, Some(read)) => Ok(read.secret.clone()),
            (_, None) => Err(PortError::Denied(format!("the credential in {} cannot be read", file.path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_read_again_and_one_that_is_gone_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let credential = Credential::looked_at(path.clone(), Duration::ZERO);
        assert!(matches!(credential.current(), Err(PortError::Denied(_))));
        let put = |text: &str, at: u64| {
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        };
        let shown = || credential.current().unwrap().expose_secret().to_owned();
        put("sk_1\n", 1_000);
        assert_eq!(shown(), "sk_1");
        put("sk_2", 2_000);
        assert_eq!(shown(), "sk_2");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(shown(), "sk_2");
        assert!(!format!("{credential:?}").contains("sk_"));
    }
}
