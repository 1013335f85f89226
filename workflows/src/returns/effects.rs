//! What a return does outside.

use std::convert::identity;

use oms_domain::returns::{Answer, Command, Effect};
use temporalio_workflow::{ActivityExecutionError, WorkflowContext};

use super::ReturnWorkflow;
use crate::{
    calls::{at_once, outside, reason},
    contracts::{AskOrder, FollowRefund, Orders, Shipping, TellCredit},
    names::Queue,
};

/// Does it, and answers with what came of it.
pub(super) async fn perform(ctx: WorkflowContext<ReturnWorkflow>, key: String, effect: Effect) -> Command {
    let attempt = ctx.state(|s| s.run.line.this().map_or(1, |this| this.attempt(&key)));
    let answer = run(&ctx, attempt, effect).await;
    Command::Answer(answer.unwrap_or_else(|error| Answer::GaveUp { effect: key, attempt, why: reason(&error) }))
}

async fn run(ctx: &WorkflowContext<ReturnWorkflow>, attempt: u32, effect: Effect) -> Result<Answer, ActivityExecutionError> {
    let (queues, core) = ctx.state(|s| (s.input.queues.clone(), s.input.core.clone()));
    let credit = core.credit.clone();
    let ask = |lines| AskOrder { order_id: core.order_id.clone(), return_id: core.return_id.clone(), lines, credit };
    match effect {
        Effect::AskOrder { lines } => {
            let options = outside(&queues, Queue::Relations, "ask the order for the units".to_owned());
            ctx.execute_activity(Orders::open_return, ask(lines), options).await
        }
        Effect::Settle { lines } => {
            let options = outside(&queues, Queue::Relations, "tell the order how it ended".to_owned());
            ctx.execute_activity(Orders::settle_return, ask(lines), options).await
        }
        Effect::TellCredit { order_id, amount_minor } => {
            let options = outside(&queues, Queue::Relations, "tell the order that it pays for".to_owned());
            let tell = TellCredit { order_id, return_id: core.return_id, amount_minor };
            ctx.execute_activity(Orders::settle_credit, tell, options).await
        }
        Effect::Refund { retries } => {
            let options = outside(&queues, Queue::Relations, "see the refund through".to_owned());
            let follow = FollowRefund { order_id: core.order_id, return_id: core.return_id, retries };
            ctx.execute_activity(Orders::follow_refund, follow, options).await
        }
        Effect::VoidLabel => {
            let summary = "void the label".to_owned();
            let void = || Shipping::void_return_label;
            at_once(ctx, &queues, Queue::Shipping, void, core.return_id, summary, identity).await.map(|()| Answer::LabelVoided)
        }
        Effect::BookLabel(request) => {
            let summary = "label to send back with".to_owned();
            let outcome = at_once(ctx, &queues, Queue::Shipping, || Shipping::book_return_label, request, summary, identity).await?;
            Ok(Answer::Label { attempt, outcome })
        }
    }
}
