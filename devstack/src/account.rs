//! PostgreSQL refuses to run as root, so a stack started by root runs it under an unprivileged account, and keeps what
//! that account must reach in a place that it can reach.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use crate::error::{Error, Result, io};

/// The account that every Unix has, and that owns nothing.
const UNPRIVILEGED: &str = "nobody";

/// A user and its group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The account to run PostgreSQL under: none when we are an ordinary user already.
    ///
    /// # Errors
    /// When we are root and the machine has no unprivileged account.
    pub(crate) fn unprivileged() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let found = User::from_name(UNPRIVILEGED).map_err(|errno| Error::failed(format!("look up the account {UNPRIVILEGED}"), errno))?;
        let user = found.ok_or_else(|| Error::Unavailable {
            tool: "PostgreSQL",
            why: format!(
                "it refuses to run as root and there is no account `{UNPRIVILEGED}`; \
                 start the stack as an ordinary user, or set DATABASE_URL"
            ),
        })?;
        Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
    }
}

/// `wanted`, unless we are root and other accounts cannot get there (`/root` is often closed): then a folder of the same
/// name under the system's own `fallback` (`/var/lib`, `/var/cache`), where none but root can have put anything.
///
/// # Errors
/// When the fallback cannot be made, or somebody else could write to it.
pub(crate) fn reachable(wanted: PathBuf, fallback: &Path) -> Result<PathBuf> {
    if !Uid::effective().is_root() || everybody_may_pass(&wanted) {
        return Ok(wanted);
    }
    // The whole path in the name: two data folders never share a database.
    let name = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, wanted.as_os_str().as_encoded_bytes());
    let label = wanted.file_name().unwrap_or_default().to_string_lossy();
    Ok(root_owned(fallback)?.join(format!("{label}-{}", name.simple())))
}

/// Whether every account may enter each folder above the path; those that do not exist yet will be made so.
fn everybody_may_pass(path: &Path) -> bool {
    let above = path.ancestors().skip(1).filter_map(|folder| folder.metadata().ok());
    above.into_iter().all(|metadata| metadata.mode() & 0o001 != 0)
}

/// Makes `<system>/oms-dev`, or takes it when it is a real folder that root alone may write to.
fn root_owned(system: &Path) -> Result<PathBuf> {
    let place = system.join("oms-dev");
    let what = || format!("create {}", place.display());
    if let Err(error) = DirBuilder::new().mode(0o755).create(&place)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(io(what)(error));
    }
    let metadata = place.symlink_metadata().map_err(io(what))?;
    if !metadata.is_dir() || metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        let why = "it is not a folder that root alone can write to; remove it and start again";
        return Err(Error::failed(format!("use of {}", place.display()), why));
    }
    Ok(place)
}

/// Makes a folder that only its owner enters, and gives it to the account.
///
/// # Errors
/// When it cannot be made or given away, or when what is there is not a folder.
pub(crate) fn private_folder(path: &Path, account: Option<Account>) -> Result<()> {
    let what = || format!("create {}", path.display());
    std::fs::create_dir_all(path).map_err(io(what))?;
    let metadata = path.symlink_metadata().map_err(io(what))?;
    if !metadata.is_dir() {
        return Err(Error::failed(what(), "it is not a folder"));
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(io(what))?;
    give(path, account)
}

/// Makes the account the owner of a file or folder.
///
/// # Errors
/// When the system refuses.
pub(crate) fn give(path: &Path, account: Option<Account>) -> Result<()> {
    match account {
        Some(account) => chown(path, Some(account.uid), Some(account.gid)).map_err(io(|| format!("give {} away", path.display()))),
        None => Ok(()),
    }
}
