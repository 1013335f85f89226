//! Everything that a fault needs to be tried on: servers, simulators, proxies, and the product's processes.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use oms_devstack::{
    CarrierOptions, CarrierService, DataDir, DynamoDb, FraudOptions, FraudService, Home, Listen, PaymentGateway, PaymentGatewayOptions,
    Postgres, Progress, Temporal, TemporalOptions, TemporalStore, Tools,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};

use crate::{
    gone::Gone,
    http_proxy::HttpProxy,
    process::{Process, Program, product},
    tcp_proxy::TcpProxy,
};

/// Under load on a small machine a start takes its time.
const READY_WITHIN: Duration = Duration::from_secs(90);
const WORKERS: usize = 3;
/// The exit code that says so.
const REFUSED_BY_RULE: i32 = 4;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What everybody outside shows the API, and the account that it is of: as an operator would write it down.
pub const KEY: &str = "oms_00000000000fa017_0903ec6ad6915b8670cc066d7a7007d84c650df301e09a297d40d04a7504fbbe";
const ACCOUNTS: &str = r#"[{"name":"faults","roles":["checkout","support","associate","ops","integration","carrier"],
    "key_sha256":"85882ec63a5598667e49f1e2edd31073ac2ee839c913d7eb515b8a6a46deaea2"}]"#;

/// A client of the API that shows it, and waits no longer than a person would.
pub static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| client().expect("a client"));

fn client() -> Result<reqwest::Client> {
    let mut shown = HeaderValue::from_str(&format!("Bearer {KEY}"))?;
    shown.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, shown)]);
    Ok(reqwest::Client::builder().timeout(ANSWER_WITHIN).default_headers(headers).build()?)
}

/// What a scenario needs otherwise than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Workers of a build, in a deployment.
    Build(&'static str),
    /// As [`Needs::Build`], and all of it, the schema too, is of an earlier build.
    EarlierBuild(&'static str),
}

impl Needs {
    /// The build of the first workers, where they are in a deployment.
    pub fn build(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Build(build) | Self::EarlierBuild(build) => Some(build),
        }
    }
}

/// The ways between the product and what it talks to.
pub struct Ways {
    /// The workers' to Temporal; the server has its own, which is never cut.
    pub temporal: TcpProxy,
    pub postgres: TcpProxy,
    pub dynamodb: HttpProxy,
    pub gateway: HttpProxy,
    pub carrier: HttpProxy,
    pub fraud: HttpProxy,
}

/// The simulators themselves: their ledgers are asked beside the proxies.
pub struct Companies {
    pub gateway: PaymentGateway,
    pub carrier: CarrierService,
    fraud: FraudService,
}

/// A whole installation.
pub struct Ground {
    pub temporal: Temporal,
    pub postgres: Postgres,
    pub companies: Companies,
    pub ways: Ways,
    pub server: Process,
    pub workers: Vec<Process>,
    pub api: String,
    /// A pool that no proxy stands before.
    pub sql: PgPool,
    /// What a repair has named as gone.
    pub gone: Gone,
    /// None while it is away.
    pub dynamodb: Option<DynamoDb>,
    pub temporal_postgres: Postgres,
    /// Of what is not Temporal's.
    pub home: Arc<Home>,
    env: Vec<(String, String)>,
    folder: TempDir,
}

impl Ground {
    /// `earlier` is the `oms` of an earlier build, for those who need it.
    pub async fn start(needs: Needs, earlier: Option<&Path>) -> Result<Self> {
        let program = match needs {
            Needs::EarlierBuild(_) => Program::Earlier(earlier.context("--earlier names no `oms` of an earlier build")?.to_owned()),
            Needs::Nothing | Needs::Build(_) => Program::This,
        };
        // PostgreSQL runs under an account of its own when we are root, and must get there.
        let folder = tempfile::Builder::new().prefix("oms-faults-").permissions(std::fs::Permissions::from_mode(0o755)).tempdir()?;
        // Kept homes: what is killed has to be durable, as in production.
        let home = |name: &str| {
            let data = DataDir::Kept(folder.path().join(name));
            async move { Home::open(&data).await }
        };
        let (ours, temporals) = (home("oms").await?, home("temporal").await?);
        let tools = tools()?;
        let (postgres, temporal_postgres) =
            tokio::try_join!(Postgres::start(&ours, &tools, None), Postgres::start(&temporals, &tools, None))?;
        let options = TemporalOptions { store: TemporalStore::Postgres(temporal_postgres.url().clone()), ..TemporalOptions::default() };
        let temporal = Temporal::start(&temporals, &tools, &options).await?;
        let dynamodb = DynamoDb::start(&ours, None)?;
        let companies = Companies::start(&ours)?;
        let ways = Ways {
            temporal: TcpProxy::start(temporal.address().to_owned()).await?,
            postgres: TcpProxy::start(host_and_port(postgres.url().expose_secret())?).await?,
            dynamodb: HttpProxy::start(dynamodb.endpoint().to_owned()).await?,
            gateway: HttpProxy::start(companies.gateway.url().to_owned()).await?,
            carrier: HttpProxy::start(companies.carrier.url().to_owned()).await?,
            fraud: HttpProxy::start(companies.fraud.url()).await?,
        };
        let sql = PgPool::connect(postgres.url().expose_secret()).await?;
        let address = free_address()?;
        let env = environment(&ways, postgres.url().expose_secret())?;
        let logs = folder.path().join("logs");
        std::fs::create_dir(&logs)?;
        let directly = with(&env, "TEMPORAL_ADDRESS", temporal.address());
        run_to_end(&program, &["setup"], &directly, &logs).await?;
        let server = Process::start(&program, "server", &["server", "--http-addr", &address], &directly, &logs)?;
        let mut ground = Self {
            temporal,
            postgres,
            companies,
            ways,
            server,
            workers: Vec::new(),
            api: format!("http://{address}"),
            sql,
            gone: Gone::default(),
            dynamodb: Some(dynamodb),
            temporal_postgres,
            home: ours,
            env,
            folder,
        };
        ground.add_workers(&program, WORKERS, needs.build())?;
        ground.until_ready().await?;
        Ok(ground)
    }

    /// Starts more workers.
    pub fn add_workers(&mut self, program: &Program, count: usize, build: Option<&str>) -> Result<()> {
        let args = build.map_or_else(|| vec!["worker"], |build| vec!["worker", "--deployment-name", "oms", "--build-id", build]);
        for _ in 0..count {
            let name = format!("worker-{}", self.workers.len() + 1);
            let worker = Process::start(program, &name, &args, &self.env, &self.folder.path().join("logs"))?;
            self.workers.push(worker);
        }
        Ok(())
    }

    /// Runs a command of the product to its end.
    pub async fn command(&self, args: &[&str]) -> Result<()> {
        let env = with(&self.env, "TEMPORAL_ADDRESS", self.temporal.address());
        run_to_end(&Program::This, args, &env, &self.folder.path().join("logs")).await
    }

    /// Makes the product's schema in another database.
    pub async fn set_up(&self, database_url: &str) -> Result<()> {
        let env = with(&with(&self.env, "TEMPORAL_ADDRESS", self.temporal.address()), "DATABASE_URL", database_url);
        run_to_end(&Program::This, &["setup"], &env, &self.folder.path().join("logs")).await
    }

    /// What a command of the product answers. It may say that not all is well, and nothing else.
    pub async fn ask(&self, args: &[&str]) -> Result<Value> {
        let env = with(&self.env, "TEMPORAL_ADDRESS", self.temporal.address());
        let mut command = tokio::process::Command::from(product(&Program::This, args, &env)?);
        let output = command.kill_on_drop(true).output().await?;
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(matches!(output.status.code(), Some(0 | REFUSED_BY_RULE)), "oms {}: {}\n{complained}", args.join(" "), output.status);
        serde_json::from_str(&said).with_context(|| format!("oms {}: {said}{complained}", args.join(" ")))
    }

    /// Where everything has its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client of Temporal that knows nothing of the product's payloads.
    pub async fn temporal_client(&self) -> Result<Client> {
        let url = Url::parse(&format!("http://{}", self.temporal.address()))?;
        let connection = Connection::connect(ConnectionOptions::new(url).build()).await?;
        Ok(Client::new(connection, ClientOptions::new("default").build())?)
    }

    pub async fn until_ready(&self) -> Result<()> {
        let ready = async {
            while !reqwest::get(format!("{}/readyz", self.api)).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(READY_WITHIN, ready)
            .await
            .with_context(|| format!("no answer from the server; see {}", self.folder.path().display()))
    }

    /// Where the logs stay after this program has ended.
    pub fn keep_logs(&mut self) -> String {
        self.folder.disable_cleanup(true);
        self.folder.path().join("logs").display().to_string()
    }

    /// Stops the product, then everything under it.
    pub async fn stop(mut self) -> Result<()> {
        for worker in &mut self.workers {
            worker.stop().await?;
        }
        self.server.stop().await?;
        self.sql.close().await;
        self.companies.stop().await?;
        self.temporal.stop().await?;
        if let Some(dynamodb) = self.dynamodb {
            dynamodb.stop().await?;
        }
        self.postgres.stop().await?;
        self.temporal_postgres.stop().await?;
        Ok(())
    }
}

impl Companies {
    fn start(home: &Arc<Home>) -> Result<Self> {
        let listen = || Listen::Loopback { port: None };
        Ok(Self {
            gateway: PaymentGateway::start(home, &PaymentGatewayOptions { listen: listen(), time_scale: 1 })?,
            // Parcels stay where they are: the driver sends their scans.
            carrier: CarrierService::start(home, &CarrierOptions { listen: listen(), time_scale: 1, events_url: None, events_key: None })?,
            fraud: FraudService::start(&FraudOptions { listen: listen() })?,
        })
    }

    async fn stop(self) -> Result<()> {
        self.gateway.stop().await?;
        self.carrier.stop().await?;
        Ok(self.fraud.stop().await?)
    }
}

/// Where `oms` keeps its tools too.
pub fn tools() -> Result<Tools> {
    let cache = std::env::var_os("OMS_CACHE_DIR").map(Into::into).or_else(|| dirs::cache_dir().map(|folder| folder.join("oms")));
    Ok(Tools::new(cache.context("there is no cache folder; set OMS_CACHE_DIR")?, Progress::on_stderr()))
}

fn environment(ways: &Ways, database_url: &str) -> Result<Vec<(String, String)>> {
    let proxied = database_url.replace(&host_and_port(database_url)?, &ways.postgres.address());
    let variables = [
        ("DATABASE_URL", proxied),
        ("TEMPORAL_ADDRESS", ways.temporal.address()),
        ("AWS_ENDPOINT_URL_DYNAMODB", ways.dynamodb.url()),
        ("AWS_ACCESS_KEY_ID", "any".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "any".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("OMS_PRIVACY_KEY", "a key of the faults".to_owned()),
        ("OMS_PAYMENT_GATEWAY_URL", ways.gateway.url()),
        ("OMS_CARRIER_URL", ways.carrier.url()),
        ("OMS_FRAUD_URL", ways.fraud.url()),
        ("OMS_FRAUD_CHECK", "true".to_owned()),
        ("OMS_ACCOUNTS", ACCOUNTS.to_owned()),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value)).into())
}

fn with(env: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    env.iter().map(|(known, other)| (known.clone(), if known == name { value.to_owned() } else { other.clone() })).collect()
}

fn host_and_port(database_url: &str) -> Result<String> {
    let url = Url::parse(database_url)?;
    Ok(format!("{}:{}", url.host_str().context("a host")?, url.port().context("a port")?))
}

fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

async fn run_to_end(program: &Program, args: &[&str], env: &[(String, String)], logs: &Path) -> Result<()> {
    let mut process = Process::start(program, args[0], args, env, logs)?;
    let ended = tokio::time::timeout(READY_WITHIN * 4, async {
        while process.runs() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    ended.await.with_context(|| format!("oms {} did not end", args.join(" ")))?;
    ensure!(process.succeeded(), "oms {} failed:\n{}", args.join(" "), process.said()?);
    Ok(())
}
