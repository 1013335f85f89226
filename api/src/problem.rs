//! Problem documents (RFC 9457): the one shape in which every error leaves the house.

use oms_domain::error::{ErrorCode, Rejection, Retry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The content type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; `?name` for a query parameter, `{name}` for a part of the path, `Name:` for a header.
    #[schema(examples("/lines/0/quantity"))]
    pub pointer: String,
    /// What would be right. Never the value that was sent.
    #[schema(examples("must be between 1 and 1000000"))]
    pub message: String,
}

/// What went wrong, with a `code` that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:oms:problem:<code>`
    #[serde(rename = "type")]
    #[schema(examples("urn:oms:problem:validation_failed"))]
    pub kind: String,
    /// One sentence, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code of domain's error table.
    #[schema(value_type = String, examples("validation_failed"))]
    pub code: ErrorCode,
    /// What a person should know about this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request, as the header `x-request-id` and the server's log name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Whether the same request may succeed later, unchanged.
    #[serde(default)]
    pub retryable: bool,
    /// The fields that are wrong, or the parts of a command that are refused; at most 20 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The state that refused a command (`status` is the HTTP status, as RFC 9457 has it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_status: Option<String>,
    /// What would be legal in that state. There, if empty, when a state refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_actions: Option<Vec<String>>,
    /// What a second person is asked, where one must approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
}

impl Problem {
    /// A problem with the title and the HTTP status of its code.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: format!("urn:oms:problem:{}", code.code()),
            title: code.title().to_owned(),
            status: code.http_status(),
            code,
            detail: None,
            instance: None,
            retryable: code.retry() == Retry::Later,
            errors: Vec::new(),
            current_status: None,
            legal_actions: None,
            approval_id: None,
        }
    }

    /// What a person should know, without personal data.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Fields are wrong: `validation_failed`.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let count = errors.len();
        let detail = format!("{count} field{} not valid", if count == 1 { " is" } else { "s are" });
        Self { errors, ..Self::new(ErrorCode::ValidationFailed).detail(detail) }
    }

    /// One field is wrong: `validation_failed`.
    pub fn field(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(vec![FieldError { pointer: pointer.into(), message: message.into() }])
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let legal_actions = rejection.status.is_some().then_some(rejection.legal_actions);
        let errors = rejection.parts.into_iter().map(|part| FieldError { pointer: part.pointer, message: part.why }).collect();
        Self { current_status: rejection.status, legal_actions, errors, ..Self::new(rejection.code).detail(rejection.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_state_and_what_is_legal() {
        let rejection = Rejection {
            code: ErrorCode::IllegalTransition,
            message: "ship is not possible while open".into(),
            status: Some("open".into()),
            legal_actions: vec!["release".into()],
            parts: vec![],
        };
        let problem = serde_json::to_value(Problem::from(rejection)).unwrap();
        assert_eq!(problem["status"], 409);
        assert_eq!(problem["current_status"], "open");
        assert_eq!(problem["legal_actions"], serde_json::json!(["release"]));
        assert_eq!(problem["type"], "urn:oms:problem:illegal_transition");
    }

    #[test]
    fn every_code_of_the_table_makes_a_problem_with_an_error_status() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&Problem::new(*code).status), "{code:?}");
        }
    }
}
