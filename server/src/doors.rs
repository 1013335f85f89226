//! Which routes there are, and what each asks of its caller. A route cannot be added without saying so.

use std::collections::BTreeMap;

use axum::{Router, http::Method};
use oms_domain::access::Permission;
use serde_json::Value;
use utoipa::openapi::{
    OpenApi,
    extensions::Extensions,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::state::AppState;

/// Name of the security scheme in the description.
pub(crate) const BEARER: &str = "bearer";
const PERMISSION: &str = "x-permission";

/// What becomes of a caller who knows of some facilities or channels alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Narrowed {
    /// They see theirs: by the ids in the path, or by the handler.
    ToBoth,
    /// They see what is of their facilities; channels are no matter here.
    ToFacilities,
    /// They see what is of their channels; who knows of some facilities alone is refused.
    ToChannels,
    /// It is the same for all.
    ByNothing,
    /// It is about everything: they are refused.
    Refused,
}

/// What a route asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    pub(crate) permission: Permission,
    pub(crate) narrowed: Narrowed,
}

impl Need {
    pub(crate) fn of(permission: Permission, narrowed: Narrowed) -> Self {
        Self { permission, narrowed }
    }

    /// Says it in the description of an operation.
    fn describe(&self, operation: &mut Operation) {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
        let says = [(PERMISSION, Value::from(self.permission.name()))];
        operation.extensions.get_or_insert_default().merge(Extensions::from_iter(says));
    }
}

/// Routes with what each asks.
#[derive(Clone)]
pub(crate) struct Doors {
    routes: OpenApiRouter<AppState>,
    needs: Needs,
}

/// What each route asks, by path and method. None: nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs(BTreeMap<String, Vec<(Method, Option<Need>)>>);

impl Doors {
    pub(crate) fn new() -> Self {
        Self { routes: OpenApiRouter::new(), needs: Needs::default() }
    }

    /// Routes for those with a permission.
    pub(crate) fn door(self, need: Need, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.add(Some(need), routes)
    }

    /// Routes for everybody.
    pub(crate) fn open(self, routes: UtoipaMethodRouter<AppState>) -> Self {
        self.add(None, routes)
    }

    fn add(mut self, need: Option<Need>, (schemas, mut paths, methods): UtoipaMethodRouter<AppState>) -> Self {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                if let Some(need) = &need {
                    need.describe(operation);
                }
                self.needs.0.entry(path.clone()).or_default().push((method, need));
            }
        }
        Self { routes: self.routes.routes((schemas, paths, methods)), ..self }
    }

    pub(crate) fn into_parts(self) -> (Router<AppState>, Needs) {
        (self.routes.split_for_parts().0, self.needs)
    }

    pub(crate) fn into_openapi(self) -> OpenApi {
        self.routes.into_openapi()
    }
}

impl Needs {
    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (path, methods) in other.0 {
            self.0.entry(path).or_default().extend(methods);
        }
        self
    }

    /// What the route asks; outer None: there is no such route.
    pub(crate) fn of(&self, path: &str, method: &Method) -> Option<Option<&Need>> {
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        let (_, need) = self.0.get(path)?.iter().find(|(known, _)| known == asked)?;
        Some(need.as_ref())
    }

    /// Every route that asks something.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Method, &Need)> {
        self.0
            .iter()
            .flat_map(|(path, methods)| methods.iter().filter_map(move |(method, need)| Some((path.as_str(), method, need.as_ref()?))))
    }
}

/// The operations of a path with their methods.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
