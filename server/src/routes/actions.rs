//! What is asked of a thing in one word: `POST <thing>/<word>`. Each word is an operation of its own, with its permission and its body, and
//! one function does them all.

use axum::{
    RequestExt,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use crate::{
    acting::Acting,
    caller::Caller,
    extract::{CommandId, InPath, JsonBody},
    failure::Failure,
    state::AppState,
};

/// Everything about such a request but its word.
pub(super) struct Asked<I> {
    /// As the caller's.
    pub(super) state: AppState,
    pub(super) caller: Caller,
    pub(super) id: I,
    pub(super) command_id: CommandId,
    pub(super) body: JsonBody,
}

impl<I: DeserializeOwned + Send + 'static> FromRequest<AppState> for Asked<I> {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &AppState) -> Result<Self, Failure> {
        let caller = request.extract_parts::<Caller>().await?;
        let Acting(acting) = request.extract_parts_with_state::<Acting, _>(state).await?;
        let InPath(id) = request.extract_parts::<InPath<I>>().await?;
        let Ok(command_id) = request.extract_parts::<CommandId>().await;
        let body = JsonBody::from_request(request, state).await?;
        Ok(Self { state: acting, caller, id, command_id, body })
    }
}

/// The operations of a thing, from a table: name, word, permission, body, and what has happened when it is answered.
macro_rules! actions {
    (
        $act:ident, $tag:tt, $of:tt, $id:tt: $Id:ident => $View:ident, $narrowed:ident;
        $( $name:ident $word:tt $permission:ident $Body:ident $done:tt; )+
    ) => {
        /// The operations, each with what it needs.
        pub(super) fn actions(doors: $crate::doors::Doors) -> $crate::doors::Doors {
            use oms_domain::access::Permission;
            use $crate::doors::{Narrowed, Need};
            doors$(.door(Need::of(Permission::$permission, Narrowed::$narrowed), utoipa_axum::routes!($name)))+
        }

        $(
            #[utoipa::path(
                post, path = concat!($of, "/{", $id, "}/", $word), tag = $tag, params(($id = String, Path)),
                request_body(content = $Body, description = "`{}` or nothing where there is nothing to say"),
                responses(
                    (status = 200, description = $done, body = $View),
                    (status = 409, description = "Not now: `current_status` and `legal_actions` say what is possible",
                        body = oms_api::problem::Problem, content_type = "application/problem+json"),
                )
            )]
            async fn $name(asked: $crate::routes::actions::Asked<$Id>) -> Result<axum::response::Response, $crate::failure::Failure> {
                Ok(axum::response::IntoResponse::into_response($act(asked, $word).await?))
            }
        )+
    };
}

pub(super) use actions;
