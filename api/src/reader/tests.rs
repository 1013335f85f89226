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
    // 28 kB of long keys in each other, a thousand of them twice, were once answered by 7.8 MB.
    let twice: Vec<String> = (0..1_000).flat_map(|n| [format!("\"{n}\":1"), format!("\"{n}\":1")]).collect();
    let deep = format!("{}{{{}}}{}", format!("{{\"{}\":", "k".repeat(64)).repeat(100), twice.join(","), "}".repeat(100));
    let problem = read_json(deep.as_bytes(), |node| node.object(|_| Some(()))).unwrap_err();
    assert!(serde_json::to_vec(&problem.errors).unwrap().len() < 10_000);
}

#[test]
fn an_optional_text_that_is_empty_is_absent_and_a_required_one_is_missing() {
    let read = |node: &Node<'_>| node.object(|fields| fields.optional("line2", text(10)));
    assert_eq!(read_json(br#"{"line2":""}"#, read), Ok(None));
    assert_eq!(read_json(br#"{"line2":"  "}"#, read), Ok(None));
    let problem = read_json(br#"{"line1":""}"#, |node| node.object(|fields| fields.required("line1", text(10)))).unwrap_err();
    assert_eq!(problem.errors, [FieldError { pointer: "/line1".into(), message: "is required".into() }]);
}

#[test]
fn tracking_numbers_are_read_as_people_write_them() {
    let read = |number: &str| read_value(&json!(number), Form::Json, tracking_number);
    assert_eq!(read("rr 123 456 789 gb"), Ok("RR123456789GB".into()));
    assert_eq!(read("１Z９９９"), Ok("1Z999".into()));
    assert!(read("T1;DROP").is_err() && read(" ").is_err());
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
