//! Figures on orders, and the orders behind them.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use oms_api::{
    insights::{CountedOrdersView, FigureView, FreshnessView, InsightView, InsightsSummary, LiveView},
    nothing::NothingBody,
    page::Page,
    problem::Problem,
};
use oms_domain::error::ErrorCode;
use oms_insights::{Figure, figure};

use crate::{
    acting::Acting,
    caller::Caller,
    extract::{InPath, JsonBody, Params},
    failure::Failure,
    insights::{self, Form},
    state::AppState,
};

#[utoipa::path(
    get, path = "/v1/insights", tag = "insights", operation_id = "list_insights",
    responses((status = 200, description = "Every figure: what it says, and what it is made of", body = Page<FigureView>))
)]
pub(crate) async fn catalogue() -> Json<Page<FigureView>> {
    Json(Page::whole(insights::catalogue()))
}

#[utoipa::path(
    get, path = "/v1/insights/live", tag = "insights", operation_id = "get_live_figures",
    responses((status = 200, description = "What waits now, and for how long: queues of facilities, held orders, units without stock", body = LiveView))
)]
pub(crate) async fn live(State(state): State<AppState>, caller: Caller) -> Result<Json<LiveView>, Failure> {
    Ok(Json(insights::live(state.store.live_figures(&caller.scope).await?, state.starter.now())))
}

#[utoipa::path(
    get, path = "/v1/insights/summary", tag = "insights", operation_id = "get_insights_summary",
    params(
        ("theme" = Option<String>, Query, description = "`orders` (unless said), `speed`, `promises`, `stock` or `money`"),
        ("from" = Option<String>, Query, description = "A day of the zone, or a time at a quarter of an hour; 30 days before the end unless said"),
        ("to" = Option<String>, Query, description = "A day, which is included, or the first moment that is not; today unless said"),
        ("zone" = Option<String>, Query, description = "Whose days these are, such as `Europe/London`; UTC unless said"),
        ("facility_id" = Option<String>, Query), ("channel" = Option<String>, Query)
    ),
    responses((status = 200, description = "The figures of a theme, each beside as long a time before", body = InsightsSummary))
)]
pub(crate) async fn summary(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<InsightsSummary>, Failure> {
    let asked = insights::summary_question(&params, &caller, state.starter.now())?;
    Ok(Json(insights::summary(&state.store, &asked).await?))
}

#[utoipa::path(
    get, path = "/v1/insights/{figure}", tag = "insights", operation_id = "get_insight",
    params(
        ("figure" = String, Path, description = "As in the list of figures, such as `split_rate`"),
        ("from" = Option<String>, Query, description = "A day of the zone, or a time at a quarter of an hour; 30 days before the end unless said"),
        ("to" = Option<String>, Query, description = "A day, which is included, or the first moment that is not; today unless said"),
        ("zone" = Option<String>, Query, description = "Whose days these are, such as `Europe/London`; UTC unless said"),
        ("by" = Option<String>, Query, description = "`hour`, `day`, `week` (from Monday on), `month`, `facility`, `channel` or `reason`"),
        ("facility_id" = Option<String>, Query), ("channel" = Option<String>, Query), ("currency" = Option<String>, Query),
        ("reason" = Option<String>, Query),
        ("format" = Option<String>, Query, description = "`json` or `csv`; as `Accept` says unless said")
    ),
    responses((status = 200, description = "What it comes to, as a whole and by what was asked", content(
        (InsightView = "application/json"), (String = "text/csv")
    )))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let figure = known(&id)?;
    let asked = insights::question(&params, figure, &caller, state.starter.now())?;
    let view = insights::insight(&state.store, figure, &asked).await?;
    if asked.form == Form::Csv || wants_csv(&headers) {
        return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")], insights::table(&view)).into_response());
    }
    Ok(Json(view).into_response())
}

#[utoipa::path(
    get, path = "/v1/insights/{figure}/orders", tag = "insights", operation_id = "list_insight_orders",
    params(
        ("figure" = String, Path), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("zone" = Option<String>, Query),
        ("facility_id" = Option<String>, Query), ("channel" = Option<String>, Query), ("currency" = Option<String>, Query),
        ("reason" = Option<String>, Query),
        ("part" = Option<String>, Query, description = "`counted` (unless said), `divided_by` or `left_out`"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, description = "The very orders that the figure counts", body = CountedOrdersView))
)]
pub(crate) async fn orders(
    State(state): State<AppState>,
    caller: Caller,
    InPath(id): InPath<String>,
    params: Params,
) -> Result<Json<CountedOrdersView>, Failure> {
    let figure = known(&id)?;
    let (asked, measure, cursor, limit) = insights::orders_question(&params, figure, &caller, state.starter.now())?;
    let found = state.store.counted_orders(measure, &asked.filter, cursor.as_deref(), limit).await?;
    Ok(Json(insights::counted_orders(found)))
}

#[utoipa::path(
    post, path = "/v1/insights/rebuild", tag = "insights", operation_id = "rebuild_insights", request_body = NothingBody,
    responses((status = 202, description = "All figures are counted anew beside those that are shown, and shown once they have caught up", body = FreshnessView))
)]
pub(crate) async fn rebuild(Acting(state): Acting, body: JsonBody) -> Result<(StatusCode, Json<FreshnessView>), Failure> {
    body.read(NothingBody::read)?;
    state.store.rebuild_insights().await?;
    Ok((StatusCode::ACCEPTED, Json(insights::freshness(state.store.insights_freshness().await?))))
}

fn known(id: &str) -> Result<&'static Figure, Failure> {
    let unknown = || Problem::new(ErrorCode::NotFound).detail("there is no figure of this name: GET /v1/insights lists them");
    figure(id).ok_or_else(|| unknown().into())
}

/// Whoever names it before JSON.
fn wants_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim()).next() == Some("text/csv")
}
