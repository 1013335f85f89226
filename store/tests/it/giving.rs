//! What is given away counts once, never beyond what may be, also at the same time; and a second person lets one thing through, once.

use oms_domain::{
    access::{Actor, By, PrincipalKind, approval::ApprovalStatus},
    ids::OrderId,
    order::{Giving, GivingKind},
};
use oms_store::{Approval, AskedGiving, GivingLimit, Store};

use crate::{
    stack::{fresh_config, fresh_store},
    support::order,
};

fn person(id: &str) -> By {
    By { actor: Actor { kind: PrincipalKind::Person, id: id.parse().unwrap(), station: None }, request_id: None }
}

/// A store of its own: limits are for all.
async fn limited(per_day_minor: Option<i64>, per_order_minor: Option<i64>) -> Store {
    let store = Store::connect(&fresh_config().await).await.unwrap();
    store.setup().await.unwrap();
    let currency = "GBP".parse().unwrap();
    store.by(person("per-boss")).put_giving_limit(&GivingLimit { currency, per_day_minor, per_order_minor }).await.unwrap();
    store
}

fn refund(amount_minor: i64) -> Giving {
    Giving { kind: GivingKind::Refund, what: "order ".into(), amount_minor }
}

async fn give_at(store: &Store, of: &OrderId, version: u64, command_id: &str, amount_minor: i64) -> Option<Approval> {
    let giving = refund(amount_minor);
    let asked = AskedGiving { giving: &giving, order_id: of, order_version: version, currency: "GBP".parse().unwrap(), command_id };
    store.count_giving(&asked).await.unwrap()
}

async fn give(store: &Store, of: &str, command_id: &str, amount_minor: i64) -> Option<Approval> {
    give_at(store, &order(of), 7, command_id, amount_minor).await
}

#[tokio::test]
async fn without_a_limit_everything_may_be_given() {
    let store = fresh_store().await.by(person("per-free"));
    assert_eq!(give(&store, "free", "c1", 1_000_000_000).await, None);
}

#[tokio::test]
async fn a_day_has_one_sum_for_each_person_and_a_command_counts_once() {
    let store = limited(Some(1_000), None).await;
    let (kim, lee) = (store.by(person("per-kim")), store.by(person("per-lee")));
    assert_eq!(give(&kim, "d1", "c1", 600).await, None);
    assert_eq!(give(&kim, "d1", "c1", 600).await, None, "the same command again");
    assert!(give(&kim, "d2", "c2", 401).await.is_some());
    assert_eq!(give(&kim, "d2", "c2", 400).await, None);
    assert_eq!(give(&lee, "d2", "c3", 1_000).await, None, "somebody else's day");
    // Refused by its order: there is room again.
    kim.take_back_giving(&order("d1"), "c1").await.unwrap();
    kim.take_back_giving(&order("d1"), "c1").await.unwrap();
    assert_eq!(give(&kim, "d3", "c4", 600).await, None);
    assert!(give(&kim, "d3", "c5", 1).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_give_no_more_than_may_be_given() {
    let store = limited(Some(1_000), None).await.by(person("per-busy"));
    let gifts = (0..20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { give(&store, &format!("m{n}"), &format!("c{n}"), 100).await.is_none() })
    });
    let given = futures_util::future::join_all(gifts).await.into_iter().filter(|given| *given.as_ref().unwrap()).count();
    assert_eq!(given, 10);
}

#[tokio::test]
async fn an_order_has_one_sum_whoever_gives() {
    let store = limited(None, Some(500)).await;
    assert_eq!(give(&store.by(person("per-kim")), "o1", "c1", 300).await, None);
    assert!(give(&store.by(person("per-lee")), "o1", "c2", 201).await.is_some());
    assert_eq!(give(&store.by(person("per-lee")), "o1", "c3", 200).await, None);
    assert_eq!(give(&store.by(person("per-lee")), "o2", "c4", 500).await, None);
}

#[tokio::test]
async fn an_approval_lets_just_this_through_once_while_the_order_is_as_it_was() {
    let store = limited(Some(100), None).await;
    let (kim, lee) = (store.by(person("per-kim")), store.by(person("per-lee")));
    let asked = give(&kim, "a1", "c1", 500).await.unwrap();
    assert_eq!(give(&kim, "a1", "c2", 500).await.as_ref(), Some(&asked), "it is asked once");
    assert_eq!((asked.status(asked.asked_at), asked.order_id.clone()), (ApprovalStatus::Pending, Some(order("a1"))));
    assert_eq!(store.approvals_page(Some(ApprovalStatus::Pending), None, 10).await.unwrap().items, std::slice::from_ref(&asked));

    let decided = lee.decide_approval(&asked.approval_id, true).await.unwrap().unwrap();
    assert_eq!((decided.status(asked.asked_at), decided.decided_by), (ApprovalStatus::Approved, Some(person("per-lee"))));
    assert_eq!(lee.decide_approval(&asked.approval_id, false).await.unwrap(), None, "once");
    // Another amount, another version, somebody else: other things.
    assert!(give(&kim, "a1", "c3", 501).await.is_some());
    assert!(give_at(&kim, &order("a1"), 8, "c3", 500).await.is_some());
    assert!(give(&lee, "a1", "c3", 500).await.is_some());
    assert_eq!(give(&kim, "a1", "c4", 500).await, None);
    assert_eq!(give(&kim, "a1", "c4", 500).await, None, "the same command again");
    let next = give(&kim, "a1", "c5", 500).await.unwrap();
    assert!(next.approval_id != asked.approval_id, "it was used");
    // Its order has refused it after all: it was not used.
    kim.take_back_giving(&order("a1"), "c4").await.unwrap();
    let known = store.approval(&asked.approval_id).await.unwrap().unwrap();
    assert_eq!(known.status(known.asked_at), ApprovalStatus::Approved);
}

#[tokio::test]
async fn what_was_declined_stays_declined_and_what_nobody_has_decided_ends() {
    let store = limited(Some(0), None).await;
    let kim = store.by(person("per-kim"));
    let asked = give(&kim, "e1", "c1", 5).await.unwrap();
    store.by(person("per-lee")).decide_approval(&asked.approval_id, false).await.unwrap();
    let again = give(&kim, "e1", "c1", 5).await.unwrap();
    assert_eq!((again.approval_id.clone(), again.status(again.asked_at)), (asked.approval_id, ApprovalStatus::Declined));
    let other = give(&kim, "e2", "c1", 5).await.unwrap();
    assert_eq!(other.status(other.expires_at), ApprovalStatus::Expired);
}

#[tokio::test]
async fn a_bulk_operation_is_let_through_once() {
    let store = fresh_store().await;
    let (kim, lee) = (store.by(person("per-kim")), store.by(person("per-lee")));
    let asked = kim.use_approval_of_bulk("cancel abc", 500).await.unwrap().unwrap();
    assert_eq!((asked.orders, asked.amount_minor), (Some(500), None));
    lee.decide_approval(&asked.approval_id, true).await.unwrap();
    assert!(kim.use_approval_of_bulk("cancel abc", 501).await.unwrap().is_some(), "more orders than were approved");
    assert_eq!(kim.use_approval_of_bulk("cancel abc", 500).await.unwrap(), None);
    assert!(kim.use_approval_of_bulk("cancel abc", 500).await.unwrap().is_some(), "once");
}
