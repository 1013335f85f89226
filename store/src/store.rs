//! The handle everything hangs on.

use std::{
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use oms_domain::{
    access::By,
    ids::{CustomerId, FulfillmentOrderId},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Connection, FromRow, PgPool, Postgres,
    pool::PoolOptions,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::{QueryAs, QueryScalar},
    types::Json,
};

use crate::{
    combine::Lanes,
    config::{SnapshotGuard, StoreConfig},
    error::{POSTGRESQL, StoreError},
    functions, insights, keyed,
    outbox::settle_epoch,
    places::KnownPlaces,
    read_only,
    recent::RecentIntakes,
    table::Table,
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// A connection unused for longer is asked whether it still lives.
const RESTED: Duration = Duration::from_millis(500);

/// Both databases. Cheap to clone: clones share one pool and one client.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) table: Table,
    pub(crate) recent_intakes: Arc<RecentIntakes>,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) known_places: Arc<KnownPlaces>,
    pub(crate) snapshot_guard: SnapshotGuard,
    pub(crate) history_months: Option<u32>,
    pub(crate) email_key: Arc<SecretString>,
    /// Whose doing is what is written through this handle.
    acting: Option<Arc<By>>,
}

/// A query whose only column is a row as JSON.
pub(crate) type JsonQuery<'q, T> = QueryScalar<'q, Postgres, Json<T>, PgArguments>;

impl Store {
    /// Opens the pool and sees that PostgreSQL answers. DynamoDB is first asked when it is needed.
    pub async fn connect(config: &StoreConfig) -> Result<Self, StoreError> {
        let statement_timeout_ms = config.statement_timeout.as_millis().to_string();
        let options = PgConnectOptions::from_str(config.database_url.expose_secret())?.application_name("oms").options([
            ("statement_timeout", statement_timeout_ms.as_str()),
            // A transaction nobody ends would hold its locks, and the outbox, for ever.
            ("idle_in_transaction_session_timeout", statement_timeout_ms.as_str()),
            ("timezone", "UTC"),
            // Compiling a plan costs more than any query here runs.
            ("jit", "off"),
        ]);
        let pool = PoolOptions::<Postgres>::new()
            .max_connections(config.max_connections)
            .acquire_timeout(config.acquire_timeout)
            // Asking before each use would double the round trips. A connection in constant use shows its death by itself, and the
            // call is tried again; one that has rested is asked, so that a restarted server does not meet a pool full of corpses. One
            // that is older than the last refusal of a write may be one to a server that takes no writes any more: it is not used again.
            .test_before_acquire(false)
            .before_acquire(|connection, resting| {
                Box::pin(async move {
                    if read_only::met_since(resting.age) {
                        return Ok(false);
                    }
                    if resting.idle_for > RESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| Box::pin(async move { settle_epoch(connection).await }))
            .connect_with(options)
            .await
            .map_err(|error| match error {
                sqlx::Error::PoolTimedOut => StoreError::Unavailable { system: POSTGRESQL },
                other => other.into(),
            })?;
        let table = Table::open(config).await;
        Ok(Self {
            pool,
            table,
            recent_intakes: Arc::default(),
            lanes: Arc::default(),
            known_places: Arc::default(),
            snapshot_guard: config.snapshot_guard,
            history_months: config.history_months,
            email_key: Arc::new(config.email_key.clone()),
            acting: None,
        })
    }

    /// What stands for a name that somebody tries to come in under, and the place that they do it from.
    pub fn login_place_hash(&self, email: &str, place: &str) -> String {
        keyed::login_place_hash(&self.email_key, email, place)
    }

    /// The same for somebody: what is written through it is their doing.
    pub fn by(&self, by: By) -> Self {
        Self { acting: Some(Arc::new(by)), ..self.clone() }
    }

    /// Whose doing is what is written through this handle; None: the house's own.
    pub fn acting(&self) -> Option<&By> {
        self.acting.as_deref()
    }

    /// Brings both databases to this version's schema. May be run again, and by many at once: PostgreSQL's advisory lock lets
    /// one after the other do it.
    pub async fn setup(&self) -> Result<(), StoreError> {
        MIGRATIONS.run(&self.pool).await?;
        functions::apply(&self.pool).await?;
        insights::apply_views(&self.pool).await?;
        match self.make_months().await {
            // Others are at work, and nothing needs them yet: the next prune makes them.
            Err(error @ StoreError::Busy { .. }) => tracing::warn!(store.error = %error, "the months to come were not made"),
            done => drop(done?),
        }
        self.table.create().await
    }

    /// Whether both databases answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        self.table.ping().await
    }

    /// Ends the connections, once the calls under way are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// What stands for an email address wherever it must be found again.
    pub fn email_hash(&self, email: &str) -> String {
        keyed::email_hash(&self.email_key, email)
    }

    /// What stands for a customer wherever an order is spoken of, and nobody need know who that is.
    pub fn customer_hash(&self, customer_id: &CustomerId) -> CustomerId {
        let hash = CustomerId::parse(keyed::customer_hash(&self.email_key, customer_id));
        hash.expect("64 digits are an id")
    }

    /// What is kept of a code that a customer shows at a pickup.
    pub fn pickup_code_hash(&self, id: &FulfillmentOrderId, code: &str) -> String {
        keyed::pickup_code_hash(&self.email_key, id, code)
    }

    /// Calls a function of the database with one JSON argument; repeats the call if it lost against another transaction.
    pub(crate) async fn call<R>(&self, sql: &'static str, argument: &(impl Serialize + Sync)) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.called(|| sqlx::query_as(sql).bind(Json(argument))).await
    }

    /// The same with whoever acts as the second argument.
    pub(crate) async fn call_acting<R>(&self, sql: &'static str, argument: &(impl Serialize + Sync)) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.called(|| sqlx::query_as(sql).bind(Json(argument)).bind(Json(self.acting()))).await
    }

    async fn called<'q, R>(&self, query: impl Fn() -> QueryAs<'q, Postgres, R, PgArguments>) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut tries = Tries::default();
        loop {
            match query().fetch_all(&self.pool).await {
                Ok(rows) => return Ok(rows),
                Err(error) => tries.again(error).await?,
            }
        }
    }

    /// All rows of a query that answers with JSON.
    pub(crate) async fn rows<T>(&self, query: JsonQuery<'_, T>) -> Result<Vec<T>, StoreError>
    where
        T: DeserializeOwned + Send + Unpin + 'static,
    {
        Ok(query.fetch_all(&self.pool).await?.into_iter().map(|Json(row)| row).collect())
    }

    /// The one row of a query that answers with JSON, if it is there.
    pub(crate) async fn row<T>(&self, query: JsonQuery<'_, T>) -> Result<Option<T>, StoreError>
    where
        T: DeserializeOwned + Send + Unpin + 'static,
    {
        Ok(query.fetch_optional(&self.pool).await?.map(|Json(row)| row))
    }
}

/// Counts the tries at a call that lost against another transaction, or found its connection gone after a restart of the
/// server. Only for calls that may be repeated, which all of this room's are.
#[derive(Default)]
pub(crate) struct Tries {
    failed: u32,
    first_failed_at: Option<Instant>,
}

impl Tries {
    const MOST: u32 = 4;
    /// After a restart of the server every connection of the pool is dead, and each is found out by a try of its own.
    const MOST_CONNECTIONS: u32 = 40;
    const DEAD_CONNECTIONS_WITHIN: Duration = Duration::from_secs(2);

    /// Waits before the next try, or says that there is none.
    pub async fn again(&mut self, error: impl Into<StoreError>) -> Result<(), StoreError> {
        let error = error.into();
        self.failed += 1;
        let since = self.first_failed_at.get_or_insert_with(Instant::now).elapsed();
        let may_be_a_dead_connection = matches!(error, StoreError::Unavailable { .. }) && since < Self::DEAD_CONNECTIONS_WITHIN;
        let most = if may_be_a_dead_connection { Self::MOST_CONNECTIONS } else { Self::MOST };
        if self.failed >= most || !error.worth_an_immediate_retry() {
            return Err(error);
        }
        tracing::debug!(store.error = %error, store.failed = self.failed, "trying again");
        let step = self.failed.min(Self::MOST);
        tokio::time::sleep(Duration::from_millis(u64::from(step * step) * 5)).await;
        Ok(())
    }
}
