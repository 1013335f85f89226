//! The tree and its bounds.

use oms_domain::error::ErrorCode;
use serde_json::json;

use super::*;

fn quantities(body: &str) -> Result<Vec<u32>, Box<Problem>> {
    read_json(body.as_bytes(), |node| node.list(0, 5_000, quantity))
}

#[test]
fn what_is_not_json_is_malformed_and_says_where() {
    for body in ["", "{", "[1,]", "[1] x", "nul", "[1e999]"] {
        let problem = quantities(body).unwrap_err();
        assert_eq!(problem.code, ErrorCode::MalformedBody, "{body}");
        assert!(problem.detail.unwrap().contains("line 1"), "{body}");
    }
    let problem = read_json(b"[\"\xff\"]", |node| node.list(0, 1, name)).unwrap_err();
    assert_eq!((problem.code, problem.status), (ErrorCode::MalformedBody, 400));
}

#[test]
fn a_deep_body_is_refused_and_does_not_overflow_the_stack() {
    let deep = "[".repeat(100_000);
    assert_eq!(quantities(&deep).unwrap_err().code, ErrorCode::MalformedBody);
}

#[test]
fn a_key_that_comes_twice_is_named() {
    let body = br#"{"a":{"price_minor":1,"price_minor":100}}"#;
    let read =
        |node: &Node<'_>| node.object(|outer| outer.required("a", |n| n.object(|inner| inner.required("price_minor", amount_minor))));
    let problem = read_json(body, read).unwrap_err();
    assert_eq!(problem.errors, [FieldError { pointer: "/a/price_minor".into(), message: "comes twice".into() }]);
}

#[test]
fn errors_are_bounded_in_number_and_in_size() {
    let problem = quantities(&json!(vec![0; 5_000]).to_string()).unwrap_err();
    assert_eq!(problem.errors.len(), ERRORS_MAX);
    let long_key = format!(r#"{{"{}":1}}"#, "k".repeat(100_000));
    let problem = read_json(long_key.as_bytes(), |node| node.object(|_| Some(()))).unwrap_err();
    assert!(problem.errors[0].pointer.chars().count() < 70);
}

#[test]
fn cells_are_texts_only_in_csv() {
    let row = json!({"n": "7", "yes": "true"});
    let read = |node: &Node<'_>| {
        node.object(|fields| {
            let (n, yes) = (fields.required("n", quantity), fields.required("yes", boolean));
            Some((n?, yes?))
        })
    };
    assert_eq!(read_value(&row, Form::Text, read), Ok((7, true)));
    assert_eq!(read_value(&row, Form::Json, read).unwrap_err().len(), 2);
}
