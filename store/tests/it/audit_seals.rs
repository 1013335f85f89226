//! Seals of the audit trail: whoever changes a row of it is found out by the roots.

use futures_util::future::join_all;
use oms_domain::access::{Actor, By, PrincipalKind};
use oms_store::{AuditAction, AuditEntry, Store, StoreConfig};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::stack::fresh_config;

async fn tell(store: &Store, what: &str) {
    let by = By { actor: Actor { kind: PrincipalKind::House, id: "tests".parse().unwrap(), station: None }, request_id: None };
    let entry = AuditEntry { by: Some(by), action: AuditAction::KeyMade.name(), subject: Some(what.to_owned()), detail: json!({"n": 1}) };
    store.audit(&[entry]).await.unwrap();
}

async fn opened() -> (StoreConfig, Store, PgConnection) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    let connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    (config, store, connection)
}

/// Seals that do not come to the roots that they say.
async fn broken(connection: &mut PgConnection) -> i64 {
    let query = "SELECT count(*) FROM audit_seals s
        WHERE s.root <> audit_root(coalesce((SELECT b.root FROM audit_seals b WHERE b.through_audit_id = s.after_audit_id), ''),
            s.after_audit_id, s.through_audit_id)";
    sqlx::query_scalar(query).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn what_is_new_is_sealed_over_what_was_and_a_changed_row_is_found_out() {
    let (_, store, mut connection) = opened().await;
    assert_eq!(store.seal_audit().await.unwrap(), None);
    tell(&store, "one").await;
    let first = store.seal_audit().await.unwrap().unwrap();
    assert_eq!(store.seal_audit().await.unwrap(), Some(first.clone()), "nothing is new");
    tell(&store, "two").await;
    tell(&store, "three").await;
    let second = store.seal_audit().await.unwrap().unwrap();
    assert!(second.through_audit_id > first.through_audit_id && second.root != first.root);
    assert_eq!(broken(&mut connection).await, 0);
    for statement in ["UPDATE audit SET subject = 'other' WHERE subject = 'one'", "DELETE FROM audit", "DELETE FROM audit_seals"] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    assert_eq!(broken(&mut connection).await, 0, "nobody changes it who is not its owner");
    sqlx::raw_sql("DROP RULE audit_keeps_what_it_has ON audit; UPDATE audit SET subject = 'other' WHERE subject = 'one'")
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(broken(&mut connection).await, 1);
    store.copy_seal(&second).await.unwrap();
    store.copy_seal(&second).await.unwrap();
}

#[tokio::test]
async fn many_who_write_and_seal_at_once_make_one_chain_over_every_row() {
    let (_, store, mut connection) = opened().await;
    let writing = async {
        for n in 0..40 {
            tell(&store, &format!("row-{n}")).await;
        }
    };
    let sealing = || async {
        for _ in 0..20 {
            // One that cannot have the table soon enough comes again.
            if let Err(error) = store.seal_audit().await {
                assert!(error.retryable(), "{error}");
            }
        }
    };
    tokio::join!(writing, join_all([sealing(), sealing(), sealing()]));
    let newest = store.seal_audit().await.unwrap().unwrap();
    let last: i64 = sqlx::query_scalar("SELECT max(audit_id) FROM audit").fetch_one(&mut connection).await.unwrap();
    assert_eq!((newest.through_audit_id, broken(&mut connection).await), (last, 0));
    let gaps: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_seals s WHERE s.after_audit_id <> 0
            AND NOT EXISTS (SELECT FROM audit_seals b WHERE b.through_audit_id = s.after_audit_id)",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(gaps, 0);
}
