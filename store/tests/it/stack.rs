//! One PostgreSQL and one DynamoDB for all tests of the binary; a database and a table for each test.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::Context;
use oms_devstack::{DataDir, DynamoDb, DynamoDbLocal, Home, Postgres, Progress, Tools};
use oms_store::{Store, StoreConfig};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// The servers, which end with the process.
pub struct Servers {
    pub database_url: SecretString,
    pub dynamodb_endpoint: String,
    pub home: std::sync::Arc<Home>,
    _running: (Postgres, DynamoDb),
}

static SERVERS: OnceCell<Servers> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The tools of the house, where `oms` keeps them too.
pub fn tools() -> Tools {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home).unwrap_or_else(std::env::temp_dir).join("oms");
    Tools::new(std::env::var_os("OMS_CACHE_DIR").map_or(cache, PathBuf::from), Progress::on_stderr())
}

pub async fn servers() -> &'static Servers {
    SERVERS.get_or_init(async || start().await.expect("PostgreSQL and DynamoDB of the tests")).await
}

async fn start() -> anyhow::Result<Servers> {
    let home = Home::open(&DataDir::Ephemeral).await?;
    let postgres = Postgres::start(&home, &tools(), None).await?;
    let dynamodb = DynamoDb::start(&home, None)?;
    let servers = Servers {
        database_url: postgres.url().clone(),
        dynamodb_endpoint: dynamodb.endpoint().to_owned(),
        home,
        _running: (postgres, dynamodb),
    };
    // Migrated once; every test's database is a copy.
    execute(&servers, "CREATE DATABASE template_oms").await?;
    let store = Store::connect(&config(&servers, "template_oms", "template_oms")).await?;
    store.setup().await?;
    store.close().await;
    Ok(servers)
}

/// Statements about databases as such take no parameters; the names are the tests' own.
async fn execute(servers: &Servers, statement: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(servers.database_url.expose_secret()).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn config(servers: &Servers, database: &str, table: &str) -> StoreConfig {
    let url = servers.database_url.expose_secret();
    let (server, _) = url.rsplit_once('/').expect("a database's URL ends with its name");
    StoreConfig {
        dynamodb_endpoint: Some(servers.dynamodb_endpoint.clone()),
        table: table.to_owned(),
        ..StoreConfig::new(format!("{server}/{database}").into(), "the tests' key".into())
    }
}

/// The configuration of a database and table nobody else uses.
pub async fn fresh_config() -> StoreConfig {
    let servers = servers().await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let created = execute(servers, &format!("CREATE DATABASE {name} TEMPLATE template_oms")).await;
    created.context(name.clone()).expect("a database of the test's own");
    config(servers, &name, &name)
}

/// A store nobody else uses, without the DynamoDB table: most tests have no need of it.
pub async fn fresh_store() -> Store {
    Store::connect(&fresh_config().await).await.expect("the store")
}

/// A store nobody else uses, table included.
pub async fn fresh_whole_store() -> Store {
    let store = fresh_store().await;
    store.setup().await.expect("the table");
    store
}

/// Set to go without the tests on DynamoDB Local where there is no Java.
const WITHOUT_DYNAMODB_LOCAL: &str = "OMS_TEST_WITHOUT_DYNAMODB_LOCAL";

/// The endpoint of Amazon's own implementation. Where it cannot run, its tests fail, unless it was said to go without.
pub async fn dynamodb_local() -> Option<String> {
    static LOCAL: OnceCell<DynamoDbLocal> = OnceCell::const_new();
    if std::env::var_os(WITHOUT_DYNAMODB_LOCAL).is_some() {
        println!("not tried on DynamoDB Local: {WITHOUT_DYNAMODB_LOCAL} is set");
        return None;
    }
    let servers = servers().await;
    let start = async || {
        let started = DynamoDbLocal::start(&servers.home, &tools()).await;
        started.unwrap_or_else(|error| panic!("{error}\nset {WITHOUT_DYNAMODB_LOCAL}=1 to go without its tests"))
    };
    Some(LOCAL.get_or_init(start).await.endpoint().to_owned())
}

/// A client of the test's own, to look at what the store has written.
pub fn raw_client(config: &StoreConfig) -> aws_sdk_dynamodb::Client {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let builder = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(config.dynamodb_endpoint.as_deref().expect("the tests' own endpoint"))
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"));
    aws_sdk_dynamodb::Client::from_conf(builder.build())
}
