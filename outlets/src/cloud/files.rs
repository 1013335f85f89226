//! S3 as a source: objects under a prefix, each as it was when it was listed.

use aws_sdk_s3::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::io::AsyncRead;

use super::{Cloud, CloudError, failed};

/// What S3 says of an object that is not there, or is another by now.
const NOT_THAT: [&str; 3] = ["NoSuchKey", "NotFound", "PreconditionFailed"];

/// A place of files.
pub struct Files {
    client: Client,
    bucket: String,
    prefix: String,
}

/// An object, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// Of what is in it.
    pub etag: String,
    pub changed_at: Timestamp,
}

impl Object {
    /// The same for the same content under the same name.
    pub fn message_id(&self) -> String {
        let digest = Sha256::new().chain_update(&self.key).chain_update([0]).chain_update(&self.etag).finalize();
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("file-{hex}")
    }
}

impl Cloud {
    /// Objects under a prefix of a bucket.
    pub async fn files(&self, bucket: &str, prefix: &str) -> Files {
        // Stand-ins have no host for each bucket.
        let config = Builder::from(self.settings().await).force_path_style(self.stand_in.is_some()).build();
        Files { client: Client::from_conf(config), bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }
}

impl Files {
    /// A page of them, by key, and how to go on.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn list(&self, after: Option<String>) -> Result<(Vec<Object>, Option<String>), CloudError> {
        let asked = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).set_continuation_token(after);
        let answer = asked.send().await.map_err(failed)?;
        // What ends with a slash stands for a folder, and is empty.
        let objects = answer.contents.unwrap_or_default().into_iter().filter_map(object).filter(|object| !object.key.ends_with('/'));
        Ok((objects.collect(), answer.next_continuation_token))
    }

    /// What is in an object, unless that is another by now, or gone.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn read(&self, key: &str, etag: &str) -> Result<Option<Box<dyn AsyncRead + Send + Unpin>>, CloudError> {
        match self.client.get_object().bucket(&self.bucket).key(key).if_match(etag).send().await {
            Ok(object) => Ok(Some(Box::new(object.body.into_async_read()))),
            Err(error) if is_not_that(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

fn is_not_that<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code().is_some_and(|code| NOT_THAT.contains(&code))
}

fn object(found: types::Object) -> Option<Object> {
    let changed_at = Timestamp::from_second(found.last_modified?.secs()).ok()?;
    Some(Object { key: found.key?, etag: found.e_tag?, changed_at })
}
