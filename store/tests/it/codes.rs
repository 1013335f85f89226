//! Codes that are shown at pickups, and authorizations that checkouts have made.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oms_domain::ids::{FulfillmentOrderId, PaymentId};
use oms_store::{CodeTries, CodeTry, Taken};

use crate::{stack::fresh_store, support::order};

#[tokio::test]
async fn a_few_codes_are_looked_at_and_then_ever_fewer() {
    let store = fresh_store().await;
    let (first, second) = (FulfillmentOrderId::parse("A-F1").unwrap(), FulfillmentOrderId::parse("A-F2").unwrap());
    let tries = CodeTries { at_once: 3, pause: Duration::from_secs(60) };
    let at_once = (0..12).map(|_| store.try_code(&first, tries));
    let counted = futures_util::future::try_join_all(at_once).await.unwrap();
    assert_eq!(counted.iter().filter(|tried| **tried == CodeTry::Counted).count(), 3, "{counted:?}");
    let CodeTry::TooMany { again_in } = store.try_code(&first, tries).await.unwrap() else { panic!("it is looked at") };
    assert!((Duration::from_secs(30)..=Duration::from_secs(60)).contains(&again_in), "{again_in:?}");
    assert_eq!(store.try_code(&second, tries).await.unwrap(), CodeTry::Counted, "another pickup is another");
    store.forget_tries(&first).await.unwrap();
    assert_eq!(store.try_code(&first, tries).await.unwrap(), CodeTry::Counted);

    // Each one after the pause doubles it.
    let quick = CodeTries { at_once: 1, pause: Duration::from_millis(100) };
    store.forget_tries(&first).await.unwrap();
    let mut counted = 0;
    let longest = loop {
        match store.try_code(&first, quick).await.unwrap() {
            CodeTry::Counted => counted += 1,
            CodeTry::TooMany { .. } if counted < 3 => tokio::task::yield_now().await,
            CodeTry::TooMany { again_in } => break again_in,
        }
    };
    assert!(longest > Duration::from_millis(200), "{longest:?} after {counted}");
}

#[tokio::test]
async fn an_authorization_pays_for_one_payment_of_one_order() {
    let store = fresh_store().await;
    let card = |id: &str| PaymentId::parse(id).unwrap();
    let later = Some(Timestamp::now() + SignedDuration::from_hours(24));
    let take =
        async |order_id: &str, payment: &str| store.take_authorization("auth_1", &order(order_id), &card(payment), later).await.unwrap();
    let (a, b) = tokio::join!(take("o1", "card"), take("o2", "card"));
    assert_eq!([a, b].iter().filter(|taken| **taken == Taken::Ours).count(), 1, "{a:?} {b:?}");
    let winner = if a == Taken::Ours { "o1" } else { "o2" };
    assert_eq!(take(winner, "card").await, Taken::Ours, "again");
    assert_eq!(take(winner, "another").await, Taken::ByAnother);
    assert_eq!(store.take_authorization("auth_2", &order("o3"), &card("card"), None).await.unwrap(), Taken::Ours);
}
