//! Figures, from what a request asks for to what is answered.

mod answer;
mod csv;
mod question;

pub(crate) use self::{
    answer::{catalogue, counted_orders, freshness, insight, live, summary},
    csv::table,
    question::{Form, orders_question, question, summary_question},
};
