//! The lock: who asks, whether they may, and whether what they ask for is theirs to know of. Before a byte of the body is read.

use std::sync::Arc;

use axum::{
    RequestExt,
    extract::{MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use oms_domain::ids::RequestId;

use super::scope;
use crate::{
    caller::Caller,
    doors::{Narrowed, Need, Needs},
    failure::Failure,
    identity::Credential,
    looks::Look,
    state::AppState,
};

/// Who stands at the door, and what each route asks. Every request has it handed over: behind an `Arc`, since a copy of the state is not for nothing.
pub(crate) struct Doorkeeper {
    pub(crate) state: AppState,
    pub(crate) needs: Needs,
}

/// Lets a request through, with its caller, or refuses it.
pub(crate) async fn admit(State(keeper): State<Arc<Doorkeeper>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    // No route, or none of this method, is said to everybody: the description of the API is no secret.
    let need = path.and_then(|path| keeper.needs.of(path.as_str(), request.method())).flatten();
    let Some(need) = need else { return next.run(request).await };
    let caller = match keeper.caller(need, &mut request).await {
        Ok(caller) => caller,
        Err(failure) => return failure.into_response(),
    };
    let look = keeper.look(need, &mut request).await;
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    if let Some(look) = look.filter(|_| response.status().is_success())
        && let Err(error) = keeper.state.looks.keep(&keeper.state.store, caller.by(), look).await
    {
        // What cannot be told is not shown.
        response = Failure::from(error).into_response();
    }
    response.extensions_mut().insert(caller);
    response
}

impl Doorkeeper {
    /// What of people the request would read.
    async fn look(&self, need: &Need, request: &mut Request) -> Option<Look> {
        if !need.permission.names_people() || !request.method().is_safe() {
            return None;
        }
        let route = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
        let parameters = request.extract_parts::<RawPathParams>().await.ok()?;
        let subject = parameters.iter().next().map(|(name, value)| self.plain(name, value));
        Some(Look { route, subject })
    }

    /// What the trail may have of a part of a path: a customer's name elsewhere is a person's.
    fn plain(&self, name: &str, value: &str) -> String {
        match value.parse() {
            Ok(customer_id) if name == "customer_id" => self.state.store.customer_hash(&customer_id).to_string(),
            _ => value.to_owned(),
        }
    }

    async fn caller(&self, need: &Need, request: &mut Request) -> Result<Caller, Failure> {
        let principal = self.state.identity.of(Credential::of(request.headers(), request.method())).await?;
        let caller = Caller { principal, request_id: request.extensions().get::<RequestId>().cloned() };
        // A path that is not UTF-8 names no word that needs less, and the handler refuses it.
        let parameters = request.extract_parts::<RawPathParams>().await.ok();
        let pairs = || parameters.iter().flatten();
        caller.refuse_unless_may(need.permission)?;
        refuse_narrowed(&caller, need.narrowed)?;
        if !caller.scope.is_whole() {
            scope::refuse(&self.state, &caller, pairs()).await?;
        }
        Ok(caller)
    }
}

fn refuse_narrowed(caller: &Caller, narrowed: Narrowed) -> Result<(), Failure> {
    let facilities = || caller.refuse_narrowed(!caller.scope.facilities.is_all(), "facilities");
    let channels = || caller.refuse_narrowed(!caller.scope.channels.is_all(), "channels");
    match narrowed {
        Narrowed::ToBoth | Narrowed::ToFacilities | Narrowed::ByNothing => Ok(()),
        Narrowed::ToChannels => facilities(),
        Narrowed::Refused => facilities().and_then(|()| channels()),
    }
}
