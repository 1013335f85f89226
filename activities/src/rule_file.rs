//! The allocation's rule file, looked at again and again: a change is in force with the next decision, without a restart.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use oms_allocation::{RuleMistakes, Rules, RulesInForce};

/// How soon a change is seen. The file is small and local.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A rule file and the rules it put in force.
#[derive(Debug)]
pub struct RuleFile {
    path: PathBuf,
    /// The text last looked at, good or bad; None: it could not be read.
    seen: Option<String>,
    in_force: RulesInForce,
}

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleFileError {
    #[error("the rule file {} cannot be read: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    /// One line for each mistake, with the file, its line and its column.
    #[error("{}", placed(.path, .mistakes))]
    Wrong { path: PathBuf, mistakes: RuleMistakes },
}

/// Mistakes as editors understand them: `rules.toml:3:7: …`.
fn placed(path: &Path, mistakes: &RuleMistakes) -> String {
    let lines: Vec<String> = mistakes.mistakes.iter().map(|mistake| format!("{}:{mistake}", path.display())).collect();
    lines.join("\n")
}

impl RuleFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// When it cannot be read, or has a mistake: a process does not start with rules other than those it was told.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, RuleFileError> {
        let path = path.into();
        let text = std::fs::read_to_string(&path).map_err(|error| RuleFileError::Unreadable { path: path.clone(), error })?;
        let rules = Rules::parse(&text).map_err(|mistakes| RuleFileError::Wrong { path: path.clone(), mistakes })?;
        Ok(Self { path, seen: Some(text), in_force: rules.into() })
    }

    /// The rules, which change with the file.
    pub fn in_force(&self) -> RulesInForce {
        self.in_force.clone()
    }

    /// Looks at the file. Gives the version that is in force from now on if it is another, and None if nothing is new. A file that is wrong changes
    /// nothing and is told once.
    ///
    /// # Errors
    /// When it cannot be read any more, or has a mistake.
    pub fn look(&mut self) -> Result<Option<String>, RuleFileError> {
        let read = std::fs::read_to_string(&self.path);
        if self.seen.as_deref() == read.as_deref().ok() {
            return Ok(None);
        }
        let path = || self.path.clone();
        self.seen = read.as_ref().ok().cloned();
        let text = read.map_err(|error| RuleFileError::Unreadable { path: path(), error })?;
        let rules = Rules::parse(&text).map_err(|mistakes| RuleFileError::Wrong { path: path(), mistakes })?;
        let version = rules.version.clone();
        self.in_force.replace(rules);
        Ok(Some(version))
    }

    /// Looks every second, until the task is dropped.
    pub async fn watch(mut self) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            look.tick().await;
            let file = self.path.display().to_string();
            match self.look() {
                Ok(None) => {}
                Ok(Some(version)) => tracing::info!(rules.file = file, rules.version = version, "new rules are in force"),
                Err(error) => {
                    let version = self.in_force.current().version.clone();
                    tracing::error!(rules.file = file, rules.version = version, %error, "the rules stay as they are; see `oms rules check`");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oms_allocation::BUILT_IN_RULES;

    use super::*;

    #[test]
    fn a_change_is_taken_over_and_a_mistake_leaves_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        assert!(matches!(RuleFile::open(&path), Err(RuleFileError::Unreadable { .. })));
        write(BUILT_IN_RULES);
        let mut file = RuleFile::open(&path).unwrap();
        let rules = file.in_force();
        assert_eq!(file.look().unwrap(), None);

        write(&BUILT_IN_RULES.replace("version = \"built-in-1\"\n\n[costs]", "version = \"autumn\"\n\n[costs]"));
        assert_eq!(file.look().unwrap().as_deref(), Some("autumn"));
        assert_eq!(rules.current().version, "autumn");

        write("version = \"winter\"\n  colour = 1\n");
        let error = file.look().unwrap_err().to_string();
        assert!(error.contains(&format!("{}:2:3: ", path.display())), "{error}");
        assert_eq!((file.look().unwrap(), rules.current().version.as_str()), (None, "autumn"), "told once, and nothing changed");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(file.look(), Err(RuleFileError::Unreadable { .. })));
        assert!(file.look().unwrap().is_none());
        write(BUILT_IN_RULES);
        assert_eq!(file.look().unwrap().as_deref(), Some("built-in-1"));
    }
}
