//! People: made, invited, given roles, and shut out by whoever answers for that.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use oms_api::{
    page::Page,
    person::{InvitationView, PersonBody, PersonChangeBody, PersonView, ReachBody},
    problem::Problem,
};
use oms_domain::{
    access::{Reach, Scope, login::INVITATION_S},
    error::ErrorCode,
    ids::AccountId,
};
use oms_store::{NewPerson, PersonChange, Token, TokenKind};
use secrecy::ExposeSecret;

use super::paging::page;
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    state::AppState,
    views::Shown,
};

#[utoipa::path(
    post, path = "/v1/people", tag = "accounts", operation_id = "create_person", request_body = PersonBody,
    responses(
        (status = 201, description = "The person, with an invitation that is shown here and never again", body = PersonView),
        (status = 409, description = "Another person has the address", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(Acting(state): Acting, body: JsonBody) -> Result<Response, Failure> {
    let PersonBody { email, name, roles, facilities, channels } = body.read(PersonBody::read)?;
    let new = NewPerson { email, name, roles, scope: scope(ReachBody { facilities, channels }) };
    let person = state.store.add_person(&new).await?;
    let (id, invitation) = (person.person_id.clone(), invitation(&state, &person.person_id).await?);
    let mut response = Shown::Person(id.clone()).answer(PersonView { invitation: Some(invitation), ..convert::person(person) });
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/people/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn invitation(state: &AppState, id: &AccountId) -> Result<InvitationView, Failure> {
    let token = Token::random(TokenKind::Invitation);
    let expires_at = state.store.invite(id, &token, Duration::from_secs(INVITATION_S.into())).await?;
    Ok(InvitationView { token: token.text().expose_secret().to_owned(), expires_at })
}

fn scope(reach: ReachBody) -> Scope {
    Scope { facilities: Reach::from(reach.facilities), channels: Reach::from(reach.channels), ..Scope::default() }
}

#[utoipa::path(
    get, path = "/v1/people", tag = "accounts", operation_id = "list_people",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "People with a password of the house's, those who were made first at the top", body = Page<PersonView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<PersonView>>, Failure> {
    let (limit, cursor) = page(&params)?;
    let found = state.store.people_page(cursor.as_deref(), limit).await?;
    Ok(Json(Page::new(found.items.into_iter().map(convert::person).collect(), found.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/people/{person_id}", tag = "accounts", operation_id = "get_person", params(("person_id" = String, Path)),
    responses((status = 200, description = "The person", body = PersonView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(id): InPath<AccountId>) -> Result<Json<PersonView>, Failure> {
    Ok(Json(convert::person(state.store.person(&id).await?.ok_or(ErrorCode::PersonNotFound)?)))
}

#[utoipa::path(
    patch, path = "/v1/people/{person_id}", tag = "accounts", operation_id = "change_person", params(("person_id" = String, Path)),
    request_body = PersonChangeBody,
    responses(
        (status = 200, description = "As they are now; they log in anew", body = PersonView),
        (status = 409, description = "Nobody takes from themselves what lets them give it back", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change(
    Acting(state): Acting,
    caller: Caller,
    InPath(id): InPath<AccountId>,
    body: JsonBody,
) -> Result<Json<PersonView>, Failure> {
    let PersonChangeBody { roles, reach, disabled } = body.read(PersonChangeBody::read)?;
    if caller.id == id {
        return Err(Problem::new(ErrorCode::RefusedByRule)
            .detail("nobody changes what they may themselves: have another admin do it")
            .into());
    }
    let change = PersonChange { roles, scope: reach.map(scope), disabled };
    Ok(Json(convert::person(state.store.change_person(&id, &change).await?)))
}

#[utoipa::path(
    post, path = "/v1/people/{person_id}/invitations", tag = "accounts", operation_id = "invite_person", params(("person_id" = String, Path)),
    responses((status = 201, description = "The person, with a new invitation: with it they set a password, also another one. Those before are good for nothing",
        body = PersonView))
)]
pub(crate) async fn invite(Acting(state): Acting, InPath(id): InPath<AccountId>, body: JsonBody) -> Result<Response, Failure> {
    body.read(|node| node.object(|_| Some(())))?;
    let invitation = invitation(&state, &id).await?;
    let person = state.store.person(&id).await?.ok_or(ErrorCode::PersonNotFound)?;
    let mut response = Shown::Person(id).answer(PersonView { invitation: Some(invitation), ..convert::person(person) });
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}
