//! What a return does outside. The loop never waits for one of these: they come back as commands.

use oms_domain::returns::{Answer, Command, Effect};
use temporalio_workflow::{ActivityExecutionError, WorkflowContext};

use super::{
    ReturnWorkflow,
    run::{Pending, Woken},
};
use crate::{
    calls::{outside, reason},
    contracts::{AskOrder, FollowRefund, Orders, Shipping, TellCredit},
    names::Queue,
};

/// Starts every effect that is owed and not under way.
pub(super) fn start_owed(ctx: &WorkflowContext<ReturnWorkflow>) -> Vec<Pending> {
    let owed = ctx.state(|s| {
        let effects = s.this.pending_effects();
        effects.into_iter().filter(|effect| !s.in_flight.contains(&effect.key())).collect::<Vec<_>>()
    });
    owed.into_iter().map(|effect| start(ctx.clone(), effect)).collect()
}

fn start(ctx: WorkflowContext<ReturnWorkflow>, effect: Effect) -> Pending {
    let key = effect.key();
    ctx.state_mut(|s| s.in_flight.push(key.clone()));
    Box::pin(async move {
        let answer = run(&ctx, effect).await;
        let answer = answer.unwrap_or_else(|error| Answer::GaveUp { effect: key.clone(), why: reason(&error) });
        Woken::Effect(key, Box::new(Command::Answer(answer)))
    })
}

async fn run(ctx: &WorkflowContext<ReturnWorkflow>, effect: Effect) -> Result<Answer, ActivityExecutionError> {
    let (queues, core) = ctx.state(|s| (s.input.queues.clone(), s.this.core.clone()));
    let credit = core.credit.clone();
    let ask = |lines| AskOrder { order_id: core.order_id.clone(), return_id: core.return_id.clone(), lines, credit };
    match effect {
        Effect::AskOrder { lines } => {
            let options = outside(&queues, Queue::Data, "ask the order for the units".to_owned());
            ctx.execute_activity(Orders::open_return, ask(lines), options).await
        }
        Effect::Settle { lines } => {
            let options = outside(&queues, Queue::Data, "tell the order how it ended".to_owned());
            ctx.execute_activity(Orders::settle_return, ask(lines), options).await
        }
        Effect::TellCredit { order_id, amount_minor } => {
            let options = outside(&queues, Queue::Data, "tell the order that it pays for".to_owned());
            let tell = TellCredit { order_id, return_id: core.return_id, amount_minor };
            ctx.execute_activity(Orders::settle_credit, tell, options).await
        }
        Effect::Refund { retries } => {
            let options = outside(&queues, Queue::Data, "see the refund through".to_owned());
            let follow = FollowRefund { order_id: core.order_id, return_id: core.return_id, retries };
            ctx.execute_activity(Orders::follow_refund, follow, options).await
        }
        Effect::VoidLabel => {
            let options = outside(&queues, Queue::Shipping, "void the label".to_owned());
            ctx.execute_activity(Shipping::void_return_label, core.return_id, options).await.map(|()| Answer::LabelVoided)
        }
        Effect::BookLabel(request) => {
            let options = outside(&queues, Queue::Shipping, "label to send back with".to_owned());
            ctx.execute_activity(Shipping::book_return_label, request, options).await.map(Answer::Label)
        }
    }
}
