//! What other commands need to reach the parts of a development system, as a file for the shell.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use secrecy::ExposeSecret;

use crate::runtime::Dev;

/// The file, there as long as the system runs.
pub struct EnvFile(PathBuf);

impl EnvFile {
    /// Writes it, readable by its owner alone: it holds the database's password.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(path: &Path, dev: &Dev) -> Result<Self> {
        let (system, stack) = (&dev.system, &dev.stack);
        let variables = [
            ("OMS_API", system.api_url.as_str()),
            ("OMS_API_KEY", system.api_key.text().expose_secret()),
            ("OMS_PRIVACY_KEY", dev.privacy_key.expose_secret()),
            ("OMS_PAYMENT_GATEWAY_URL", &stack.payment_gateway_url),
            ("OMS_CARRIER_URL", &stack.carrier_url),
            ("OMS_FRAUD_URL", &stack.fraud_url),
            ("DATABASE_URL", stack.database_url.expose_secret()),
            ("TEMPORAL_ADDRESS", &stack.temporal_address),
            ("AWS_ENDPOINT_URL_DYNAMODB", &stack.dynamodb_endpoint),
            // The embedded DynamoDB takes any; the AWS client asks for some.
            ("AWS_ACCESS_KEY_ID", "oms"),
            ("AWS_SECRET_ACCESS_KEY", "oms"),
            ("AWS_REGION", "eu-west-1"),
        ];
        let text: String = variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
        let written = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("write {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "could not remove the environment file");
        }
    }
}

/// As a POSIX shell reads it back.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_out_of_the_shell_as_it_went_in() {
        assert_eq!(quoted("postgres://oms:it's$HOME@127.0.0.1/oms"), r"'postgres://oms:it'\''s$HOME@127.0.0.1/oms'");
    }
}
