//! S3 as moto has it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    neighbours::home,
    support::{http::client, runtime::until},
};

/// A server of its own, which ends with this.
pub struct Moto {
    url: String,
    server: Child,
}

impl Moto {
    pub async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let mut command = Command::new(home()?.join("bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        let moto = Self { url: format!("http://127.0.0.1:{port}"), server: command.spawn().context("moto: .ci/neighbours installs it")? };
        until("moto to answer", async || Ok(client().get(format!("{}/moto-api/", moto.url)).send().await.ok().map(drop))).await?;
        Ok(moto)
    }

    pub async fn make_bucket(&self, name: &str) -> Result<()> {
        let answer = client().put(format!("{}/{name}", self.url)).send().await?;
        ensure!(answer.status().is_success(), "{name}: {}", answer.status());
        Ok(())
    }

    /// What AWS's own tools read.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let fixed = [("AWS_ACCESS_KEY_ID", "of-the-tests"), ("AWS_SECRET_ACCESS_KEY", "of-the-tests"), ("AWS_REGION", "us-east-1")];
        let fixed = fixed.into_iter().map(|(name, value)| (name, value.to_owned()));
        fixed.chain([("AWS_ENDPOINT_URL_S3", self.url.clone())]).collect()
    }

    pub fn stop(mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It has ended where the test came to its end.
        drop(self.server.kill());
    }
}
