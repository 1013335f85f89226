//! Stations: enrolled once by whoever answers for the facility, and taken over by those who work there with a badge and a PIN.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, Method, StatusCode},
    response::Response,
};
use oms_api::{
    page::Page,
    person::SessionView,
    problem::Problem,
    station::{BadgeBody, BadgeView, StationBody, StationView, TakeOverBody},
};
use oms_domain::{
    access::{Actor, By, PrincipalKind},
    error::ErrorCode,
    ids::{AccountId, FacilityId, RequestId, StationId},
};
use oms_store::{BadgeCode, LoginTry, NewStation, Station, Token, TokenKind};
use secrecy::ExposeSecret;

use super::{
    paging::after,
    sessions::{too_many, welcome},
};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    identity::{self, Credential, Refused},
    state::AppState,
    views::Shown,
};

#[utoipa::path(
    post, path = "/v1/stations", tag = "accounts", operation_id = "create_station", request_body = StationBody,
    responses(
        (status = 201, description = "The station, with the token that it shows from now on: here and never again", body = StationView),
        (status = 409, description = "Another station has the id", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(Acting(state): Acting, caller: Caller, body: JsonBody) -> Result<Response, Failure> {
    let StationBody { station_id, name, facility_id, printer } = body.read(StationBody::read)?;
    if !caller.sees_facility(&facility_id) {
        return Err(ErrorCode::UnknownFacility.into());
    }
    let token = Token::random(TokenKind::Station);
    let station_id = station_id.map_or_else(made_up, Ok)?;
    let made = state.store.add_station(&NewStation { station_id, name, facility_id, printer }, &token).await?;
    let shown = Shown::Station(made.station_id.clone());
    let view = StationView { token: Some(token.text().expose_secret().to_owned()), ..convert::station(made) };
    let mut response = shown.answer(view);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

fn made_up() -> Result<StationId, Failure> {
    StationId::parse(format!("sta-{}", uuid::Uuid::now_v7().simple())).map_err(|_| ErrorCode::Internal.into())
}

#[utoipa::path(
    get, path = "/v1/stations", tag = "accounts", operation_id = "list_stations",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Stations of the caller's facilities, by id", body = Page<StationView>))
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Page<StationView>>, Failure> {
    let (limit, after) = after::<StationId>(&params)?;
    let facilities: Option<Vec<String>> = caller.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect());
    let page = state.store.stations_page(facilities.as_deref(), after.as_ref().map(StationId::as_str), limit).await?;
    Ok(Json(Page::new(page.items.into_iter().map(convert::station).collect(), page.next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/stations/{station_id}", tag = "accounts", operation_id = "get_station", params(("station_id" = String, Path)),
    responses((status = 200, description = "The station", body = StationView))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<StationId>,
) -> Result<Json<StationView>, Failure> {
    Ok(Json(convert::station(seen(&state, &caller, &id).await?)))
}

/// A station elsewhere is none.
async fn seen(state: &AppState, caller: &Caller, id: &StationId) -> Result<Station, Failure> {
    let found = state.store.station(id).await?.filter(|station| caller.sees_facility(&station.facility_id));
    found.ok_or_else(|| ErrorCode::StationNotFound.into())
}

#[utoipa::path(
    delete, path = "/v1/stations/{station_id}", tag = "accounts", operation_id = "remove_station", params(("station_id" = String, Path)),
    responses((status = 204, description = "It is no station any more, and whoever had taken it over is out"))
)]
pub(crate) async fn remove(Acting(state): Acting, caller: Caller, InPath(id): InPath<StationId>) -> Result<StatusCode, Failure> {
    seen(&state, &caller, &id).await?;
    state.store.remove_station(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    post, path = "/v1/people/{person_id}/badge", tag = "accounts", operation_id = "give_badge", params(("person_id" = String, Path)),
    request_body = BadgeBody,
    responses((status = 201, description = "A badge to print, in place of the one that they had: it opens stations, together with the PIN",
        body = BadgeView))
)]
pub(crate) async fn give_badge(
    Acting(state): Acting,
    caller: Caller,
    InPath(id): InPath<AccountId>,
    body: JsonBody,
) -> Result<Response, Failure> {
    let BadgeBody { pin } = body.read(BadgeBody::read)?;
    refuse_elsewhere(&state, &caller, &id).await?;
    let (badge, pin_hash) = (BadgeCode::random(), state.identity.passwords.hash(pin.into()).await?);
    state.store.give_badge(&id, &badge.hash(), &pin_hash).await?;
    let view = BadgeView { person_id: id.to_string(), badge: Some(badge.text().expose_secret().to_owned()) };
    let mut response = Shown::Badge(id).answer(view);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Whoever answers for some facilities gives badges to those who work there and nowhere else.
async fn refuse_elsewhere(state: &AppState, caller: &Caller, id: &AccountId) -> Result<(), Failure> {
    let Some(own) = caller.scope.facilities.only() else { return Ok(()) };
    let person = state.store.person(id).await?.ok_or(ErrorCode::PersonNotFound)?;
    let is_own = |theirs: &std::collections::BTreeSet<FacilityId>| theirs.is_subset(own);
    if person.scope.facilities.only().is_some_and(is_own) { Ok(()) } else { Err(ErrorCode::PersonNotFound.into()) }
}

/// The station whose token is shown.
async fn standing(state: &AppState, headers: &HeaderMap) -> Result<Station, Failure> {
    let shown = Credential::of(headers, &Method::POST).and_then(|shown| Token::parse(TokenKind::Station, shown.text()));
    let Some(token) = shown else { return Err(state.identity.refuse(Refused::Malformed, None)) };
    let found = state.store.station_of(&token.hash()).await?;
    found.ok_or_else(|| state.identity.refuse(Refused::Unknown, None))
}

#[utoipa::path(
    post, path = "/v1/stations/take-over", tag = "accounts", operation_id = "take_over_station", request_body = TakeOverBody,
    responses(
        (status = 201, description = "In, at this station, for what is done at its facility; whoever was there before is out", body = SessionView),
        (status = 401, description = "It is no station's token, or nobody's badge and PIN", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "They do not work at its facility", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong PINs: `Retry-After` says when the next one is looked at", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn take_over(
    State(state): State<AppState>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Failure> {
    let station = standing(&state, &headers).await?;
    let TakeOverBody { badge, pin } = body.read(TakeOverBody::read)?;
    let badge = BadgeCode::parse(&badge).map(|code| code.hash());
    // A PIN is tried at a badge, wherever: several stations are not several guesses.
    let place_hash = state.store.login_place_hash(&badge.as_ref().map_or_else(String::new, ToString::to_string), "a station");
    if let LoginTry::TooMany { again_in } = state.store.try_login(&place_hash).await? {
        return Ok(too_many(again_in.as_secs() + 1));
    }
    let known = match badge {
        Some(badge) => state.store.badge(&badge).await?,
        None => None,
    };
    let (person_id, kept) = known.map(|badge| (badge.person_id, badge.pin_hash)).unzip();
    let is_theirs = state.identity.passwords.matches(pin.into(), kept).await?;
    let refused = || state.identity.refuse(Refused::WrongPassword, person_id.as_ref().map(ToString::to_string));
    let person_id = person_id.clone().filter(|_| is_theirs).ok_or_else(refused)?;
    let person = state.store.person(&person_id).await?.ok_or(ErrorCode::Unauthenticated)?;
    if identity::person(person).at_station(station.station_id.clone(), &station.facility_id).is_none() {
        return Err(Problem::new(ErrorCode::Forbidden).detail("they do not work at the facility of this station").into());
    }
    let actor = Actor { kind: PrincipalKind::Person, id: person_id.clone(), station: Some(station.station_id.clone()) };
    let token = Token::random(TokenKind::Session);
    let by = By { actor, request_id: request_id.map(|id| id.0) };
    if !state.store.by(by).take_over(&token, &person_id, &station.station_id, &place_hash).await? {
        return Err(ErrorCode::Unauthenticated.into());
    }
    let principal = state.identity.of(Some(Credential::Bearer(token.text().expose_secret()))).await?;
    welcome(&headers, &principal, &token)
}
