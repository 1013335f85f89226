//! The functions of the database: each stands once, and what stands in the files is what stands in the database.

use std::{collections::BTreeMap, fs};

use oms_store::{Store, StoreConfig};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::stack::fresh_config;

/// The text of every SQL file of a directory of this crate.
fn files(directory: &str) -> Vec<String> {
    let directory = fs::read_dir(format!("{}/{directory}", env!("CARGO_MANIFEST_DIR"))).unwrap().map(|file| file.unwrap().path());
    directory.filter(|file| file.extension().is_some_and(|end| end == "sql")).map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// Names of the functions that a text defines.
fn defined(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let names = words.windows(3).filter(|three| matches!(three[..2], ["CREATE" | "REPLACE", "FUNCTION"]));
    names.map(|three| three[2].split('(').next().unwrap().to_owned()).collect()
}

/// What a trigger calls stands with it, since it cannot be replaced under it: it does no more than to call what stands in the files, or to note.
fn without_triggers(text: &str) -> String {
    let is_other = |statement: &&str| !statement.contains("() RETURNS trigger ");
    text.split("CREATE FUNCTION").filter(is_other).collect::<Vec<_>>().join("CREATE FUNCTION")
}

async fn connect(config: &StoreConfig) -> (Store, PgConnection) {
    (Store::connect(config).await.unwrap(), PgConnection::connect(config.database_url.expose_secret()).await.unwrap())
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn function_of(connection: &mut PgConnection, name: &str) -> Option<String> {
    sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = $1").bind(name).fetch_optional(connection).await.unwrap()
}

#[test]
fn every_function_stands_once_and_none_in_a_migration() {
    let mut times = BTreeMap::<String, u32>::new();
    for name in files("functions").iter().flat_map(|text| defined(text)) {
        *times.entry(name).or_default() += 1;
    }
    assert!(times.contains_key("reserve") && times.values().all(|times| *times == 1), "{times:?}");
    let in_migrations: Vec<String> = files("migrations").iter().flat_map(|text| defined(&without_triggers(text))).collect();
    assert_eq!(in_migrations, Vec::<String>::new());
}

#[tokio::test]
async fn every_function_calls_only_what_there_is() {
    let (_, mut connection) = connect(&fresh_config().await).await;
    for file in files("functions") {
        run(&mut connection, &file).await;
    }
}

#[tokio::test]
async fn a_changed_function_is_replaced_a_gone_one_dropped_and_what_others_have_made_stays() {
    let config = fresh_config().await;
    let (store, mut connection) = connect(&config).await;
    let own = function_of(&mut connection, "demand_lock").await.unwrap();
    run(
        &mut connection,
        "CREATE FUNCTION somebody_elses() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION of_an_older_build() RETURNS int LANGUAGE sql AS 'SELECT 1';
        DROP FUNCTION demand_lock(text[], boolean);
        CREATE FUNCTION demand_lock(skus text[], exclusive boolean) RETURNS text LANGUAGE sql AS 'SELECT NULL';
        UPDATE applied_functions SET digest = 'older', signatures = signatures || 'of_an_older_build()'::text;",
    )
    .await;
    let (one, two) = tokio::join!(store.setup(), store.setup());
    one.and(two).unwrap();
    assert_eq!(function_of(&mut connection, "demand_lock").await.as_deref(), Some(own.as_str()));
    assert_eq!(function_of(&mut connection, "of_an_older_build").await, None);
    assert!(function_of(&mut connection, "somebody_elses").await.is_some());
}

#[tokio::test]
async fn an_older_build_leaves_the_functions_of_a_newer_contract_alone() {
    let config = fresh_config().await;
    let (store, mut connection) = connect(&config).await;
    run(
        &mut connection,
        "CREATE OR REPLACE FUNCTION shown_hold(id text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '\"newer\"'::jsonb $$;
        UPDATE applied_functions SET digest = 'newer', contract = contract + 1;",
    )
    .await;
    store.setup().await.unwrap();
    assert!(function_of(&mut connection, "shown_hold").await.unwrap().contains("newer"));
}
