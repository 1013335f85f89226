//! `oms inbox`: messages that orders could not be told.

use anyhow::Result;
use clap::Subcommand;
use oms_api::{inbox::DeadLetterView, problem::Problem};
use oms_domain::error::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Api, paging::Paging};
use crate::{
    exit::{Coded, Refused},
    output::{self, Format, or_dash, table},
};

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum InboxCommand {
    /// List messages to orders that are given up, oldest first, and why.
    #[command(after_help = "Example:\n  oms inbox list --all -o jsonl")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Have messages tried again, from the first attempt, and say of each whether it is.
    #[command(after_help = "Example:\n  oms inbox retry 17 18")]
    Retry {
        #[arg(required = true, value_name = "MESSAGE_ID")]
        message_ids: Vec<i64>,
    },
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Retried {
    message_id: i64,
    /// `retried`, or the code of the refusal.
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl InboxCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List { page } => {
                let (found, next) = api.pages(&["v1", "inbox", "dead-letters"], &[], page.at_most()).await?;
                output::list::<DeadLetterView>(format, &found, next.as_deref(), letters_text)
            }
            Self::Retry { message_ids } => retry(api, format, &message_ids).await,
        }
    }
}

/// One that is refused keeps no other back; when nobody answers, it is said what became of those before.
async fn retry(api: &Api, format: Format, message_ids: &[i64]) -> Result<()> {
    let (mut retried, mut silent) = (Vec::new(), Ok(()));
    for &message_id in message_ids {
        match api.post(&["v1", "inbox", "dead-letters", &message_id.to_string(), "retry"], &json!({})).await {
            Ok(_) => retried.push(Retried { message_id, outcome: "retried".to_owned(), why: None }),
            Err(error) => match error.downcast::<Refused>() {
                Ok(Refused(problem)) => retried.push(refused(message_id, &problem)),
                Err(error) => {
                    silent = Err(error.context(format!("message {message_id}")));
                    break;
                }
            },
        }
    }
    let values: Vec<Value> = retried.iter().map(|retried| json!(retried)).collect();
    output::list::<Retried>(format, &values, None, retried_text)?;
    silent.and(verdict(&retried))
}

fn refused(message_id: i64, problem: &Problem) -> Retried {
    Retried { message_id, outcome: problem.code.code().to_owned(), why: Some(problem.title.clone()) }
}

/// The first refusal's code is the call's.
fn verdict(retried: &[Retried]) -> Result<()> {
    let refusals: Vec<ErrorCode> = retried.iter().filter_map(|retried| ErrorCode::from_code(&retried.outcome)).collect();
    let Some(first) = refusals.first() else { return Ok(()) };
    let message = format!("{} of {} messages are not tried again", refusals.len(), retried.len());
    Err(Coded::new(*first, message).hint("`oms inbox list` shows those that are given up").into())
}

fn letters_text(letters: &[DeadLetterView]) -> String {
    let row = |letter: &DeadLetterView| {
        [letter.message_id.to_string(), letter.dead_at.to_string(), letter.order_id.clone(), letter.kind.clone(), letter.why.clone()]
    };
    table(["MESSAGE", "DEAD SINCE", "ORDER", "TYPE", "WHY"], letters.iter().map(row))
}

fn retried_text(retried: &[Retried]) -> String {
    let row = |retried: &Retried| [retried.message_id.to_string(), retried.outcome.clone(), or_dash(retried.why.as_ref())];
    table(["MESSAGE", "OUTCOME", "WHY"], retried.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::exit_code;

    #[test]
    fn a_message_that_is_refused_is_named_and_makes_the_call_a_failure() {
        let done = Retried { message_id: 17, outcome: "retried".to_owned(), why: None };
        assert!(verdict(std::slice::from_ref(&done)).is_ok());
        let gone = refused(18, &Problem::new(ErrorCode::NotFound));
        let text = retried_text(&[done.clone(), gone.clone()]);
        assert_eq!(text, "MESSAGE  OUTCOME    WHY\n17       retried    -\n18       not_found  There is no such thing");
        let error = verdict(&[done, gone]).unwrap_err();
        assert_eq!((exit_code(&error), error.to_string()), (3, "1 of 2 messages are not tried again".to_owned()));
    }
}
