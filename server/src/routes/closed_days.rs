//! Days on which a facility ships nothing more: a holiday, or the rest of today.

use axum::{Json, extract::State, http::StatusCode};
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use oms_api::{facility::ClosedDayView, page::Page, problem::Problem};
use oms_domain::{error::ErrorCode, ids::FacilityId};

use crate::{acting::Acting, extract::InPath, failure::Failure, state::AppState};

#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/closed-days", tag = "stock", operation_id = "list_closed_days",
    params(("facility_id" = String, Path)),
    responses((status = 200, description = "From yesterday on, soonest first", body = Page<ClosedDayView>))
)]
pub(crate) async fn list(State(state): State<AppState>, InPath(id): InPath<FacilityId>) -> Result<Json<Page<ClosedDayView>>, Failure> {
    // It may be another day there.
    let from = state.now().saturating_sub(SignedDuration::from_hours(24)).unwrap_or(state.now()).to_zoned(TimeZone::UTC).date();
    let days = state.store.closed_days(Some(&id), from).await?;
    let view = |day: oms_store::ClosedDay| ClosedDayView { date: day.local_day.to_string(), closed_by: day.closed_by };
    Ok(Json(Page::whole(days.into_iter().map(view).collect())))
}

#[utoipa::path(
    put, path = "/v1/facilities/{facility_id}/closed-days/{date}", tag = "stock", operation_id = "close_day",
    params(("facility_id" = String, Path), ("date" = String, Path, description = "A day where the facility is, such as `2026-12-24`")),
    responses((status = 204, description = "Plans leave it out within seconds: what comes for it leaves on the next working day. What is planned already stays"))
)]
pub(crate) async fn close(Acting(state): Acting, InPath((id, date)): InPath<(FacilityId, String)>) -> Result<StatusCode, Failure> {
    state.store.close_day(&id, day(&date)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete, path = "/v1/facilities/{facility_id}/closed-days/{date}", tag = "stock", operation_id = "open_day",
    params(("facility_id" = String, Path), ("date" = String, Path)),
    responses(
        (status = 204, description = "Plans count with it again"),
        (status = 404, description = "It was not closed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn open(Acting(state): Acting, InPath((id, date)): InPath<(FacilityId, String)>) -> Result<StatusCode, Failure> {
    if state.store.open_day(&id, day(&date)?).await? { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::NotFound.into()) }
}

fn day(text: &str) -> Result<Date, Failure> {
    text.parse().map_err(|_| Failure::path("date", "must be a date, such as 2026-12-24"))
}
