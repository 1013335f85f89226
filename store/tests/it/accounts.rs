//! Accounts, their keys, and the trail of what was done to them.

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    access::{Actor, By, PrincipalKind, Reach, Role, Scope},
    error::ErrorCode,
    ids::AccountId,
};
use oms_store::{Account, ApiKey, AuditFilter, NewAccount, Store};

use crate::{stack::fresh_store, support::facility_id};

fn by() -> By {
    let actor = Actor { kind: PrincipalKind::House, id: AccountId::parse("tests").unwrap(), station: None };
    By { actor, request_id: None }
}

async fn account(store: &Store, name: &str, role: Role) -> Account {
    let scope = Scope { facilities: Reach::Only([facility_id("A-1")].into()), ..Scope::default() };
    store.add_account(&NewAccount { name: name.to_owned(), roles: [role].into(), scope }, &by()).await.unwrap()
}

#[tokio::test]
async fn a_key_is_found_by_its_id_with_its_account_and_only_its_hash_is_there() {
    let store = fresh_store().await;
    let made = account(&store, "till", Role::Associate).await;
    let key = ApiKey::random();
    store.add_key(&made.account_id, &key, None, &by()).await.unwrap();
    let found = store.keys(&[key.key_id.to_string(), "none".to_owned()], &[]).await.unwrap();
    let [found] = &found[..] else { panic!("{} keys", found.len()) };
    assert!(found.hash.matches(&key.hash()));
    assert_eq!((&found.account_id, &found.roles, &found.scope), (&made.account_id, &made.roles, &made.scope));
    assert_eq!(found.key.last_used_at, None);

    store.keys(&[], &[key.key_id.to_string()]).await.unwrap();
    let shown = store.account(&made.account_id).await.unwrap().unwrap();
    assert!(shown.keys[0].last_used_at.is_some());
    assert_eq!(store.accounts_page(None, 10).await.unwrap().items, [shown]);
}

#[tokio::test]
async fn an_account_has_two_live_keys_at_most_also_when_they_are_made_at_once() {
    let store = fresh_store().await;
    let made = account(&store, "busy", Role::Checkout).await;
    let keys: Vec<ApiKey> = (0..6).map(|_| ApiKey::random()).collect();
    let maker = by();
    let at_once = keys.iter().map(|key| store.add_key(&made.account_id, key, None, &maker));
    let outcomes = futures_util::future::join_all(at_once).await;
    assert_eq!(outcomes.iter().filter(|made| made.is_ok()).count(), 2, "{outcomes:?}");
    assert!(outcomes.into_iter().filter_map(Result::err).all(|refused| refused.code() == ErrorCode::TooManyKeys));

    let live = store.account(&made.account_id).await.unwrap().unwrap().keys;
    assert!(store.revoke_key(&made.account_id, &live[0].key_id, &by()).await.unwrap());
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    // One that has ended is not alive.
    store.add_key(&made.account_id, &ApiKey::random(), Some(past), &by()).await.unwrap();
    store.add_key(&made.account_id, &ApiKey::random(), None, &by()).await.unwrap();
    assert_eq!(store.add_key(&made.account_id, &ApiKey::random(), None, &by()).await.unwrap_err().code(), ErrorCode::TooManyKeys);
    let nobody = AccountId::parse("nobody").unwrap();
    assert_eq!(store.add_key(&nobody, &ApiKey::random(), None, &by()).await.unwrap_err().code(), ErrorCode::AccountNotFound);
}

#[tokio::test]
async fn somebody_can_come_in_as_long_as_a_key_of_the_role_is_in_force() {
    let store = fresh_store().await;
    assert!(!store.has_live(Role::Admin).await.unwrap());
    let made = account(&store, "first", Role::Admin).await;
    let key = ApiKey::random();
    assert!(!store.has_live(Role::Admin).await.unwrap());
    store.add_key(&made.account_id, &key, None, &by()).await.unwrap();
    assert!(store.has_live(Role::Admin).await.unwrap() && !store.has_live(Role::Ops).await.unwrap());
    store.revoke_key(&made.account_id, &key.key_id, &by()).await.unwrap();
    assert!(!store.has_live(Role::Admin).await.unwrap());
    let again =
        store.add_account(&NewAccount { name: "first".to_owned(), roles: [Role::Ops].into(), scope: Scope::default() }, &by()).await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::AccountConflict);

    let trail = store.audit_page(&AuditFilter::default(), None, 10).await.unwrap().items;
    let actions: Vec<&str> = trail.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["key_revoked", "key_made", "account_made"]);
    assert!(trail.iter().all(|row| row.by == Some(by()) && !row.detail.to_string().contains(&key.hash().to_string())));
}
