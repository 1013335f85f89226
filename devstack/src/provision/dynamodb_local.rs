//! DynamoDB Local's jars, by Maven.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::{Tools, put, run, runs};
use crate::error::{Error, Result, io};

const VERSION: &str = "2.6.1";
const OLDEST_JAVA: u32 = 17;
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(15 * 60);

impl Tools {
    /// The folder with all its jars and native libraries.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without Java 17 and Maven, or when Maven fails.
    pub(crate) async fn dynamodb_local(&self) -> Result<PathBuf> {
        if java_version().await.is_none_or(|version| version < OLDEST_JAVA) {
            return Err(unavailable(format!("no `java` of version {OLDEST_JAVA} or newer on the path; install it")));
        }
        let place = self.cache.join(format!("dynamodb-local-{VERSION}"));
        if place.exists() {
            return Ok(place);
        }
        let _turn = self.turn("dynamodb-local").await?;
        if place.exists() {
            return Ok(place);
        }
        if !runs("mvn", "--version").await {
            return Err(unavailable("no `mvn` on the path to download it with; install Maven"));
        }
        self.copy_jars(&place).await.map_err(unavailable)?;
        Ok(place)
    }

    async fn copy_jars(&self, place: &std::path::Path) -> Result<()> {
        let _step = self.progress.step("Downloading DynamoDB Local with Maven");
        let workshop = self.workshop("dynamodb-local")?;
        let what = || format!("prepare {}", workshop.display());
        std::fs::write(workshop.join("pom.xml"), pom()).map_err(io(what))?;
        let mut maven = Command::new("mvn");
        maven
            .args(["--batch-mode", "--quiet", "dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg("-DoutputDirectory=jars")
            .current_dir(&workshop);
        run(&mut maven, DOWNLOAD_DEADLINE).await?;
        put(&workshop.join("jars"), place)?;
        std::fs::remove_dir_all(&workshop).map_err(io(what))
    }
}

/// The major version, out of a line such as `openjdk 17.0.15 2025-04-15`.
async fn java_version() -> Option<u32> {
    let printed = run(Command::new("java").arg("--version"), Duration::from_secs(20)).await.ok()?;
    let version = printed.split_whitespace().nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

fn unavailable(why: impl std::fmt::Display) -> Error {
    Error::Unavailable { tool: "DynamoDB Local", why: why.to_string() }
}

/// A project whose only content is the dependency.
fn pom() -> String {
    format!(
        "<project><modelVersion>4.0.0</modelVersion>\
         <groupId>dev.oms</groupId><artifactId>dynamodb-local</artifactId><version>1</version>\
         <dependencies><dependency><groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId>\
         <version>{VERSION}</version></dependency></dependencies></project>"
    )
}
