//! Forms as browsers send them: every field a text, some more than once.

use axum::{
    Form,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

/// A form's fields, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(_) => Err((StatusCode::BAD_REQUEST, "this is no form of ours").into_response()),
        }
    }
}

impl Fields {
    /// What a field says, without what stands around it; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// What it says, if it says something.
    pub(crate) fn said(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// The form's own key: the same form sent twice is one command.
    pub(crate) fn key(&self) -> &str {
        self.get("key")
    }

    /// Fields called `prefix` and something, by that something; those that say nothing are left out.
    pub(crate) fn each<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.trim())));
        named.filter(|(_, value)| !value.is_empty())
    }

    /// Units of lines, from fields `units-<line>`; those of 0 are not meant.
    pub(crate) fn units(&self, quantity: &str) -> Vec<Value> {
        let chosen = self.each("units-").filter(|(_, units)| *units != "0");
        chosen.map(|(line, units)| object(&[("line_id", line.into()), (quantity, number(units))])).collect()
    }

    /// These fields as an object: what is not said is left out, as the API has it.
    pub(crate) fn object(&self, names: &[&str]) -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.said(name)?.into()))).collect()
    }
}

/// A number, or what stands in its place: the API says what is wrong with that.
pub(crate) fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
}

pub(crate) fn object(pairs: &[(&str, Value)]) -> Value {
    Value::Object(pairs.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_those_that_somebody_has_put_a_number_to() {
        let fields = |pairs: &[(&str, &str)]| Fields(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect());
        let form = fields(&[("units-1", "2"), ("units-2", "0"), ("units-3", " "), ("units-4", "many"), ("reason", " x ")]);
        assert_eq!(json!(form.units("quantity")), json!([{"line_id": "1", "quantity": 2}, {"line_id": "4", "quantity": "many"}]));
        assert_eq!(json!(form.object(&["reason", "none"])), json!({"reason": "x"}));
    }
}
