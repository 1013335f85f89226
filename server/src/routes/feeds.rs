//! Sending feeds, and asking what became of them.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use oms_api::{
    feed::{FeedMode, FeedView, PickedUnits, RejectView},
    nothing::NothingBody,
    page::Page,
    problem::Problem,
    reader::{Fields, choice, integer, parsed, text, timestamp},
};
use oms_domain::{
    error::ErrorCode,
    feed::{FeedDecision, FeedStatus},
};
use oms_store::{FeedKind, StartFeed};
use uuid::Uuid;

use super::{
    actions::{Asked, actions},
    paging::{after_number, last_of_full, limit},
};
use crate::{
    acting::Acting,
    caller::Caller,
    convert,
    extract::{InPath, Params},
    failure::Failure,
    feeds,
    state::AppState,
};

/// Content types of a feed. Which it is, its first bytes tell.
const MEDIA_TYPES: [&str; 7] = [
    "text/csv",
    "application/csv",
    "application/json",
    "application/jsonl",
    "application/x-ndjson",
    "application/gzip",
    "application/octet-stream",
];
const MODES: &[(&str, FeedMode)] = &[("full", FeedMode::Full), ("partial", FeedMode::Partial)];
const PICKED_UNITS: &[(&str, PickedUnits)] = &[("counted", PickedUnits::Counted), ("not_counted", PickedUnits::NotCounted)];
const DECISIONS: &[(&str, FeedDecision)] = &[("approve", FeedDecision::Approve), ("reject", FeedDecision::Reject)];

/// The feeds, from a table: name, path, kind, and the parameters that are its alone.
macro_rules! feeds {
    ($( $name:ident $path:tt $kind:ident { $($parameter:tt)* } )+) => {$(
        #[utoipa::path(
            post, path = $path, tag = "feeds",
            params(
                ("source" = Option<String>, Query, description = "Where it comes from, for people: a file's name"),
                ("expected_rows" = Option<u64>, Query, description = "How many rows there are: with fewer or more the feed fails. Of a full \
                    count it must be said, here or by a last line `#rows,17` (in JSON lines `{\"#rows\":17}`)"),
                $($parameter)*
            ),
            request_body(
                content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/octet-stream")),
                description = "CSV with a header, or JSON lines; gzip or not: its first bytes tell. Streamed: of any size"
            ),
            responses(
                (status = 200, description = "Read to its end: rows accepted, unchanged and rejected", body = FeedView,
                    headers(("Location" = String, description = "Where the run is read"))),
                (status = 202, description = "A count of stock that would change too much: parked, until somebody approves or rejects it; the \
                    same file again is the same parked run", body = FeedView,
                    headers(("Location" = String, description = "Where the run is read"))),
            )
        )]
        pub(crate) async fn $name(
            Acting(state): Acting,
            caller: Caller,
            params: Params,
            headers: HeaderMap,
            body: Body,
        ) -> Result<impl IntoResponse, Failure> {
            send(state, &caller, FeedKind::$kind, params, headers, body).await
        }
    )+};
}

feeds! {
    send_facilities "/v1/feeds/facilities" Facilities {}
    send_products "/v1/feeds/products" Products {}
    send_stock "/v1/feeds/stock" Stock {
        ("as_of" = Option<String>, Query, description = "When it was counted; now unless said"),
        ("mode" = Option<String>, Query, description = "`full` sets what is absent to 0, `partial` leaves it; partial unless said"),
        ("picked_units" = Option<String>, Query, description = "Whether units that were picked and have not left are still `counted`, or \
            `not_counted` and to be added; counted unless said")
    }
    send_receipts "/v1/feeds/receipts" Receipts {}
    send_orders "/v1/feeds/orders" Orders {}
}

async fn send(
    state: AppState,
    caller: &Caller,
    kind: FeedKind,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<FeedView>), Failure> {
    refuse_media_type(&headers)?;
    if kind == FeedKind::Orders {
        caller.refuse_order_feed()?;
    }
    let now = state.now();
    let feed = params.read(|node| node.object(|fields| start(fields, kind, now)))?;
    state.refuse_ahead([("?as_of".to_owned(), feed.as_of)])?;
    let run = feeds::run(state, feed, body).await?;
    let location = format!("/v1/feeds/{}", run.feed_id);
    let status = if run.status == FeedStatus::Parked { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, location)], Json(convert::feed(run))))
}

fn refuse_media_type(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if MEDIA_TYPES.contains(&essence.as_str()) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::UnsupportedMediaType).detail(format!("send one of {}", MEDIA_TYPES.join(", "))).into())
}

fn start(fields: &Fields<'_>, kind: FeedKind, told_at: Timestamp) -> Option<StartFeed> {
    let source = fields.optional("source", text(200));
    let expected_rows = fields.optional("expected_rows", integer(0..=i64::MAX));
    let count = if kind == FeedKind::Stock { count(fields) } else { Some((None, FeedMode::default(), PickedUnits::default())) };
    let (as_of, mode, picked_units) = count?;
    Some(StartFeed {
        kind,
        source: source?.unwrap_or_else(|| "http".to_owned()),
        as_of,
        mode: convert::feed_mode(mode),
        picked_units: convert::picked_units(picked_units),
        expected_rows: expected_rows?.and_then(|rows| u64::try_from(rows).ok()),
        told_at,
    })
}

/// What is said of a count of stock alone: as of when, of how much of it, and whether units that were picked are in it.
fn count(fields: &Fields<'_>) -> Option<(Option<Timestamp>, FeedMode, PickedUnits)> {
    let as_of = fields.optional("as_of", timestamp);
    let mode = fields.optional("mode", choice(MODES));
    let picked_units = fields.optional("picked_units", choice(PICKED_UNITS));
    Some((as_of?, mode?.unwrap_or_default(), picked_units?.unwrap_or_default()))
}

#[utoipa::path(
    get, path = "/v1/feeds", tag = "feeds", operation_id = "list_feeds",
    params(("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "Feed runs, newest first", body = Page<FeedView>))
)]
pub(crate) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<Page<FeedView>>, Failure> {
    let (limit, before) = params.read(|node| {
        node.object(|fields| {
            let (limit, before) = (limit(fields), fields.optional("cursor", parsed::<Uuid>));
            Some((limit?, before?))
        })
    })?;
    let runs = state.store.feeds().list(limit, before).await?;
    let next_cursor = last_of_full(&runs, limit).map(|run| run.feed_id.to_string());
    Ok(Json(Page::new(runs.into_iter().map(convert::feed).collect(), next_cursor)))
}

#[utoipa::path(
    get, path = "/v1/feeds/{feed_id}", tag = "feeds", operation_id = "get_feed", params(("feed_id" = String, Path, description = "The id of the run")),
    responses((status = 200, description = "The run so far", body = FeedView))
)]
pub(crate) async fn get(State(state): State<AppState>, InPath(feed_id): InPath<Uuid>) -> Result<Json<FeedView>, Failure> {
    let run = state.store.feeds().get(feed_id).await?.ok_or_else(missing)?;
    Ok(Json(convert::feed(run)))
}

#[utoipa::path(
    get, path = "/v1/feeds/{feed_id}/rejects", tag = "feeds", operation_id = "list_feed_rejects",
    params(
        ("feed_id" = String, Path, description = "The id of the run"), ("limit" = Option<u32>, Query, description = "1 to 500; 50 unless said"),
        ("cursor" = Option<u64>, Query, description = "The row number after which to go on")
    ),
    responses((status = 200, description = "Rows that were not taken, by number", body = Page<RejectView>))
)]
pub(crate) async fn rejects(
    State(state): State<AppState>,
    InPath(feed_id): InPath<Uuid>,
    params: Params,
) -> Result<Json<Page<RejectView>>, Failure> {
    let (limit, after) = after_number(&params)?;
    state.store.feeds().get(feed_id).await?.ok_or_else(missing)?;
    let rows = state.store.feeds().rejects(feed_id, after, limit).await?;
    let next_cursor = last_of_full(&rows, limit).map(|row| row.row_number.to_string());
    Ok(Json(Page::new(rows.into_iter().map(convert::reject).collect(), next_cursor)))
}

actions! {
    decide, "feeds", "/v1/feeds", "feed_id": Uuid => FeedView, Refused;
    approve_feed "approve" ApproveFeeds NothingBody "Applied, as of its own time";
    reject_feed "reject" ApproveFeeds NothingBody "Nothing of it is applied";
}

async fn decide(asked: Asked<Uuid>, word: &'static str) -> Result<Json<FeedView>, Failure> {
    let Asked { state, id, body, .. } = asked;
    body.read(NothingBody::read)?;
    let decision = DECISIONS.iter().find(|(known, _)| *known == word).ok_or(ErrorCode::NotFound)?.1;
    let run = feeds::decide(state, id, decision).await?.ok_or_else(missing)?;
    Ok(Json(convert::feed(run)))
}

fn missing() -> Failure {
    Problem::new(ErrorCode::NotFound).detail("there is no feed run with this id").into()
}
