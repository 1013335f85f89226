//! People and their sessions: what is good once is good once, and what has ended has ended.

use std::time::Duration;

use oms_domain::{
    access::{Role, Scope, login},
    error::ErrorCode,
};
use oms_store::{LoginTry, NewPerson, PersonChange, Store, Token, TokenKind};

use crate::stack::{fresh_config, fresh_store};

const HOUR: Duration = Duration::from_secs(3_600);

fn new(email: &str, role: Role) -> NewPerson {
    NewPerson { email: email.to_owned(), name: "Kim".to_owned(), roles: [role].into(), scope: Scope::default() }
}

async fn own_store() -> Store {
    let store = Store::connect(&fresh_config().await).await.unwrap();
    store.setup().await.unwrap();
    store
}

#[tokio::test]
async fn an_invitation_is_good_for_one_of_many_at_once() {
    let store = fresh_store().await;
    let person = store.add_person(&new("once@example.com", Role::Ops)).await.unwrap();
    let (first, second) = (Token::random(TokenKind::Invitation), Token::random(TokenKind::Invitation));
    store.invite(&person.person_id, &first, HOUR).await.unwrap();
    store.invite(&person.person_id, &second, HOUR).await.unwrap();
    assert_eq!(
        store.accept_invitation(&first.hash(), "h").await.unwrap_err().code(),
        ErrorCode::InvitationNotFound,
        "a newer one was made"
    );
    let hash = second.hash();
    let at_once = futures_util::future::join_all((0..6).map(|_| store.accept_invitation(&hash, "h"))).await;
    assert_eq!(at_once.iter().filter(|accepted| accepted.is_ok()).count(), 1, "{at_once:?}");
    let ended = Token::random(TokenKind::Invitation);
    store.invite(&person.person_id, &ended, Duration::ZERO).await.unwrap();
    assert!(!store.is_invitation(&ended.hash()).await.unwrap());
    assert_eq!(store.accept_invitation(&ended.hash(), "h").await.unwrap_err().code(), ErrorCode::InvitationNotFound);
}

#[tokio::test]
async fn the_first_admin_is_invited_until_somebody_has_come() {
    let store = own_store().await;
    let tokens = [(); 3].map(|()| Token::random(TokenKind::Invitation));
    for token in &tokens[..2] {
        assert!(store.first_admin("boss@example.com", token, HOUR).await.unwrap().is_some());
    }
    assert_eq!(store.people_page(None, 10).await.unwrap().items.len(), 1);
    assert_eq!(store.accept_invitation(&tokens[0].hash(), "h").await.unwrap_err().code(), ErrorCode::InvitationNotFound);
    store.accept_invitation(&tokens[1].hash(), "h").await.unwrap();
    assert_eq!(store.first_admin("boss@example.com", &tokens[2], HOUR).await.unwrap(), None);
    assert_eq!(store.first_admin("other@example.com", &tokens[2], HOUR).await.unwrap(), None);
    assert_eq!(store.people_page(None, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_session_is_its_persons_as_they_are_now_and_ends() {
    let store = fresh_store().await;
    let person = store.add_person(&new("session@example.com", Role::Ops)).await.unwrap();
    let (id, token) = (&person.person_id, Token::random(TokenKind::Session));
    assert!(store.open_session(&token, id, "place").await.unwrap());
    assert_eq!(store.session(&token.hash()).await.unwrap().unwrap().person.roles, [Role::Ops].into());
    let other = Token::random(TokenKind::Session);
    assert_eq!(store.session(&other.hash()).await.unwrap(), None);
    assert!(store.end_session(&token.hash()).await.unwrap() && !store.end_session(&token.hash()).await.unwrap());
    assert_eq!(store.session(&token.hash()).await.unwrap(), None);
    let disabled = PersonChange { disabled: Some(true), ..PersonChange::default() };
    store.change_person(id, &disabled).await.unwrap();
    assert!(!store.open_session(&token, id, "place").await.unwrap(), "they may not come in");
}

#[tokio::test]
async fn tries_are_counted_by_place_and_forgotten_once_somebody_has_come_in() {
    let store = fresh_store().await;
    let (here, there) = (store.login_place_hash("a@b", "192.0.2.1"), store.login_place_hash("a@b", "192.0.2.2"));
    for _ in 0..login::LOGIN_TRIES_AT_ONCE {
        assert_eq!(store.try_login(&here).await.unwrap(), LoginTry::Counted);
    }
    let LoginTry::TooMany { again_in } = store.try_login(&here).await.unwrap() else { panic!("it is looked at") };
    assert!(again_in <= Duration::from_secs(u64::from(login::LOGIN_PAUSE_S)), "{again_in:?}");
    assert_eq!(store.try_login(&there).await.unwrap(), LoginTry::Counted, "somewhere else");
    let person = store.add_person(&new("tries@example.com", Role::Ops)).await.unwrap();
    store.open_session(&Token::random(TokenKind::Session), &person.person_id, &here).await.unwrap();
    assert_eq!(store.try_login(&here).await.unwrap(), LoginTry::Counted);
}
