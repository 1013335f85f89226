//! What cannot be shown, and why.

use askama::Template;
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;

use crate::{
    frame::{Frame, Shown, show},
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "failed.html")]
struct Failed<'a> {
    f: &'a Frame,
}

pub(crate) fn page(frame: Frame) -> Shown {
    show(&frame, &Failed { f: &frame })
}

pub(crate) async fn not_found(visitor: Visitor) -> Shown {
    let problem = Problem::new(ErrorCode::NotFound).detail("there is no such page");
    page(Frame { problem: Some(Box::new(problem)), ..visitor.frame })
}
