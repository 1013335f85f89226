//! As much of S3 as an export needs: an object is put, and read back. The calls are signed by the AWS SDK's own crate; the whole SDK for S3 takes
//! longer to build than everything else that this house has of it.

use std::{fmt::Write as _, time::SystemTime};

use anyhow::{Context, Result, bail};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use oms_domain::error::ErrorCode;
use reqwest::{Body, Client, Method, Response, StatusCode, header::CONTENT_LENGTH};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::day::{Written, of_nothing};
use crate::exit::Coded;

/// A manifest is a few kB; nothing else is read.
const READ_MAX_BYTES: u64 = 1024 * 1024;
/// Of an answer that says no.
const WHY_MAX_CHARS: usize = 300;

/// A bucket, and whoever may write to it.
pub struct Bucket {
    http: Client,
    aws: SdkConfig,
    region: String,
    /// Up to the objects' names.
    url: String,
}

impl Bucket {
    /// Credentials and region as the AWS environment of the process has them.
    ///
    /// # Errors
    /// `validation_failed` when nobody says which region.
    pub async fn open(bucket: &str, prefix: &str, endpoint: Option<&str>) -> Result<Self> {
        // The TLS provider is named, so that none has to be installed for the process.
        let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let unknown = || Coded::new(ErrorCode::ValidationFailed, "nobody says in which region the bucket is").hint("set AWS_REGION");
        let region = aws.region().ok_or_else(unknown)?.to_string();
        let host = endpoint.map_or_else(|| format!("https://s3.{region}.amazonaws.com"), |url| url.trim_end_matches('/').to_owned());
        let mut url = format!("{host}/{bucket}/");
        if !prefix.is_empty() {
            let _ = write!(url, "{}/", encoded(prefix));
        }
        Ok(Self { http: Client::builder().build()?, aws, region, url })
    }

    /// The object; None: there is none.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let answer = self.send(Method::GET, name, of_nothing(), None).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = done(answer, name).await?;
        if answer.content_length().is_some_and(|bytes| bytes > READ_MAX_BYTES) {
            bail!("{name} is longer than a manifest is");
        }
        Ok(Some(answer.bytes().await?.to_vec()))
    }

    /// The whole object, or none of it.
    pub async fn put(&self, name: &str, written: &Written) -> Result<()> {
        let answer = self.send(Method::PUT, name, written.sha256.clone(), Some(written)).await?;
        done(answer, name).await.map(drop)
    }

    async fn send(&self, method: Method, name: &str, sha256: String, body: Option<&Written>) -> Result<Response> {
        let url = format!("{}{}", self.url, encoded(name));
        let mut request = self.http.request(method.clone(), &url);
        for (name, value) in self.signed(&method, &url, sha256).await? {
            request = request.header(name, value);
        }
        if let Some(written) = body {
            let file = File::open(&written.path).await.with_context(|| written.path.display().to_string())?;
            request = request.header(CONTENT_LENGTH, written.bytes).body(Body::wrap_stream(ReaderStream::new(file)));
        }
        request.send().await.context("the bucket does not answer")
    }

    /// What shows who asks. The URL is signed as it is: S3 takes no other.
    async fn signed(&self, method: &Method, url: &str, sha256: String) -> Result<Vec<(String, String)>> {
        let provider = self.aws.credentials_provider().context("there are no AWS credentials")?;
        let identity = provider.provide_credentials().await.context("the AWS credentials")?.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = v4::SigningParams::builder().identity(&identity).region(&self.region).name("s3").time(SystemTime::now());
        let params = params.settings(settings).build()?.into();
        let request = SignableRequest::new(method.as_str(), url, std::iter::empty(), SignableBody::Precomputed(sha256))?;
        let (instructions, _) = sign(request, &params)?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// What it says when it says no.
async fn done(answer: Response, name: &str) -> Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let why: String = answer.text().await.unwrap_or_default().chars().take(WHY_MAX_CHARS).collect();
    bail!("{name}: the bucket answers {status}: {why}")
}

/// Each part of a name percent-encoded, as S3 does before it compares signatures.
fn encoded(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            other => drop(write!(text, "%{other:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_signed() {
        assert_eq!(encoded("table=orders/dt=2026-11-28/part-0.parquet"), "table%3Dorders/dt%3D2026-11-28/part-0.parquet");
        assert_eq!(encoded("a b+c~"), "a%20b%2Bc~");
    }
}
