//! From an error to an exit code and to words: domain's one error table decides the code.

use std::io::ErrorKind;

use anstream::eprintln;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;
use oms_starter::StarterError;
use oms_store::StoreError;
use serde_json::{Value, json};

use crate::{output::Format, style};

/// The exit codes, as `--help` shows them.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  something went wrong that has no better code
  2  wrong usage, or a body or file with mistakes in it
  3  there is no such thing
  4  refused by a rule: illegal in the present state, too little stock, rejected rows
  5  conflict with something else: another order has this id, another version
  6  unavailable: something cannot be reached
  7  no answer, and it may have happened: give it again with the key that is printed";

/// An error of this program with a row in the error table, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Coded {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
}

impl Coded {
    /// An error in the words of this occurrence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// With what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The API's refusal, as an error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.title)]
pub struct Refused(pub Box<Problem>);

/// What the shell is told.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if is_broken_pipe(error) {
        return 0;
    }
    code(error).map_or(1, ErrorCode::exit_code)
}

/// Its row in the error table, if it has one.
pub fn code(error: &anyhow::Error) -> Option<ErrorCode> {
    error.chain().find_map(error_code)
}

fn error_code(cause: &(dyn std::error::Error + 'static)) -> Option<ErrorCode> {
    if let Some(coded) = cause.downcast_ref::<Coded>() {
        return Some(coded.code);
    }
    if let Some(Refused(problem)) = cause.downcast_ref() {
        return Some(problem.code);
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(error.code());
    }
    cause.downcast_ref::<StarterError>().map(starter_code)
}

fn starter_code(error: &StarterError) -> ErrorCode {
    match error {
        StarterError::Rejected(rejection) => rejection.code,
        StarterError::UnknownSkus(_) => ErrorCode::UnknownSku,
        StarterError::NotFound => ErrorCode::OrderNotFound,
        StarterError::Unavailable(_) => ErrorCode::Unavailable,
        StarterError::TimedOut => ErrorCode::TimedOut,
        StarterError::Internal(_) => ErrorCode::Internal,
    }
}

/// `oms order list | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe))
}

/// Says on standard error what went wrong and what to do next.
pub fn report(error: &anyhow::Error, format: Format) {
    if is_broken_pipe(error) {
        return;
    }
    if format != Format::Text {
        return eprintln!("{}", problem_of(error));
    }
    match error.downcast_ref::<Refused>() {
        Some(Refused(problem)) => eprintln!("{}{}", style::error("error: "), describe(problem)),
        None => eprintln!("{}{error:#}", style::error("error: ")),
    }
    if let Some(hint) = error.chain().find_map(hint) {
        eprintln!("{}{hint}", style::faint("hint: "));
    }
}

/// What to do about it.
fn hint<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    match cause.downcast_ref::<Refused>() {
        Some(Refused(problem)) if problem.code == ErrorCode::Unauthenticated => {
            Some("set OMS_API_KEY; of an `oms dev`, `oms dev env` prints it")
        }
        Some(_) => None,
        None => cause.downcast_ref::<Coded>()?.hint.as_deref(),
    }
}

/// For programs: the API's problem document, or one in its form.
fn problem_of(error: &anyhow::Error) -> Value {
    if let Some(Refused(problem)) = error.downcast_ref::<Refused>() {
        return serde_json::to_value(problem).unwrap_or_default();
    }
    let code = code(error).unwrap_or(ErrorCode::Internal);
    let hint = error.chain().find_map(|cause| cause.downcast_ref::<Coded>()?.hint.clone());
    json!({"code": code.code(), "title": code.title(), "detail": format!("{error:#}"), "hint": hint})
}

/// Title and detail, each wrong field on a line, and what is legal instead.
fn describe(problem: &Problem) -> String {
    let mut text = problem.title.clone();
    if let Some(detail) = &problem.detail {
        text.push_str(&format!(": {detail}"));
    }
    for error in &problem.errors {
        text.push_str(&format!("\n  {}  {}", error.pointer, error.message));
    }
    if let Some(status) = &problem.current_status {
        text.push_str(&format!("\n  it is {status} now"));
    }
    if let Some(actions) = problem.legal_actions.as_deref().filter(|actions| !actions.is_empty()) {
        text.push_str(&format!("; possible: {}", actions.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use oms_domain::error::Rejection;

    use super::*;

    #[test]
    fn the_error_table_decides_the_exit_code_however_deep_the_error_sits() {
        for code in ErrorCode::ALL {
            let refused = anyhow::Error::from(Refused(Box::new(Problem::new(*code)))).context("while doing something");
            assert_eq!(exit_code(&refused), code.exit_code());
            assert_eq!(exit_code(&Coded::new(*code, "x").into()), code.exit_code());
        }
        assert_eq!(exit_code(&anyhow::anyhow!("a surprise")), 1);
    }

    #[test]
    fn a_closed_pipe_is_not_a_failure() {
        let closed = anyhow::Error::from(std::io::Error::from(ErrorKind::BrokenPipe)).context("print the orders");
        assert_eq!(exit_code(&closed), 0);
    }

    #[test]
    fn a_refusal_names_its_fields_and_what_is_legal() {
        let fields = Problem::field("/lines/0/quantity", "must be between 1 and 1000000");
        assert_eq!(
            describe(&fields),
            "Some fields are not valid: 1 field is not valid\n  /lines/0/quantity  must be between 1 and 1000000"
        );
        let rejection = Rejection {
            code: ErrorCode::IllegalTransition,
            message: "deliver is not possible while released".into(),
            status: Some("released".into()),
            legal_actions: vec!["accept".into(), "reject".into()],
            parts: vec![],
        };
        let refused = describe(&Problem::from(rejection));
        assert!(refused.ends_with("\n  it is released now; possible: accept, reject"), "{refused}");
    }

    #[test]
    fn what_is_over_is_said_once() {
        let rejection = Rejection {
            code: ErrorCode::OrderClosed,
            message: "nothing more can be done with it but a return, a refund or a claim".into(),
            status: Some("completed".into()),
            legal_actions: vec![],
            parts: vec![],
        };
        let refused = describe(&Problem::from(rejection));
        let said = "The order is closed: nothing more can be done with it but a return, a refund or a claim";
        assert_eq!(refused, format!("{said}\n  it is completed now"));
    }
}
