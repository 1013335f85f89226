//! What goes wrong, and the interceptor that makes it so: once, at one step of one order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use oms_domain::ids::OrderId;
use oms_workflows::names::{order_of_workflow_id, return_of_workflow_id};
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::{
    activities::ActivityError,
    interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, ExecuteActivityResult, Next},
};
use tokio::sync::watch;

use super::steps::{self, Step};

/// Longest time that an activity is held. The server takes an attempt for dead after 15 s.
const HELD_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The first attempt fails, and has done nothing.
    FailsBefore,
    /// The first attempt does its work, and nobody hears of it.
    AnswerLost,
    /// The first attempt is slow and taken for dead. It does its work after the second one has done the same.
    RunsTwice,
    /// The whole order, and its return if there is one, is cancelled while the step is under way.
    CancelledMeanwhile,
    /// It fails for good.
    GivesUp,
}

impl Fault {
    pub const ALL: [Self; 5] = [Self::FailsBefore, Self::AnswerLost, Self::RunsTwice, Self::CancelledMeanwhile, Self::GivesUp];

    pub fn name(self) -> &'static str {
        match self {
            Self::FailsBefore => "fails before",
            Self::AnswerLost => "answer lost",
            Self::RunsTwice => "runs twice",
            Self::CancelledMeanwhile => "cancelled",
            Self::GivesUp => "gives up",
        }
    }

    /// The house's own data is asked until it answers; only what is outside may give up.
    pub fn possible_at(seen: &Seen) -> impl Iterator<Item = Self> + use<> {
        let outside = seen.outside;
        Self::ALL.into_iter().filter(move |fault| *fault != Self::GivesUp || outside)
    }

    /// Whether the order must end as if nothing had happened.
    pub fn passes(self) -> bool {
        match self {
            Self::FailsBefore | Self::AnswerLost | Self::RunsTwice => true,
            Self::CancelledMeanwhile | Self::GivesUp => false,
        }
    }
}

/// How far a fault has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Waiting,
    /// Its step is under way, and held if that is what the fault is about.
    Struck,
    /// Nothing holds the step any more.
    Released,
    /// Whatever the fault does is done.
    Over,
}

/// One order under observation.
pub struct Watched {
    fault: Option<(Step, Fault)>,
    stage: watch::Sender<Stage>,
    seen: Mutex<Vec<Seen>>,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub step: Step,
    /// At a system outside, through its own queue, rather than in the house.
    pub outside: bool,
}

/// The orders under observation.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<BTreeMap<OrderId, Arc<Watched>>>>);

impl Faults {
    /// Observes an order that is not placed yet, and lets a step of it go wrong.
    pub fn watch(&self, order_id: OrderId, fault: Option<(Step, Fault)>) -> Arc<Watched> {
        let watched = Arc::new(Watched { fault, stage: watch::Sender::new(Stage::Waiting), seen: Mutex::default() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id, watched.clone());
        watched
    }

    fn of(&self, input: &ExecuteActivityInput) -> Option<Arc<Watched>> {
        let workflow_id = input.activity_info().workflow_id.as_deref()?;
        let order_id = order_of_workflow_id(workflow_id).or_else(|| return_of_workflow_id(workflow_id)?.order_id())?;
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What happens to an exchange happens to its origin.
        watched.get(&order_id).or_else(|| watched.get(&order_id.origin()?)).cloned()
    }
}

impl ActivityInboundInterceptor for Faults {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        match self.of(&input) {
            Some(watched) => Box::pin(async move { watched.execute(input, next).await }),
            None => next.run(input),
        }
    }
}

impl Watched {
    /// The steps that were taken, each once, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fault's step is under way.
    pub async fn struck(&self) -> Result<()> {
        self.reach(Stage::Struck).await
    }

    /// Whatever the fault does is done.
    pub async fn over(&self) -> Result<()> {
        match self.fault {
            Some(_) => self.reach(Stage::Over).await,
            None => Ok(()),
        }
    }

    /// Lets the held step go on.
    pub fn release(&self) {
        self.advance(Stage::Released);
    }

    fn advance(&self, stage: Stage) {
        self.stage.send_if_modified(|now| std::mem::replace(now, stage.max(*now)) < stage);
    }

    async fn reach(&self, stage: Stage) -> Result<()> {
        let mut stages = self.stage.subscribe();
        let waited = tokio::time::timeout(HELD_MAX, stages.wait_for(|now| *now >= stage)).await;
        waited.with_context(|| format!("waited in vain for {:?} to be {stage:?}", self.fault))?.map(drop).context("nobody observes it")
    }

    async fn execute(
        &self,
        input: ExecuteActivityInput,
        next: Next<'_, ExecuteActivityInput, ExecuteActivityOutput<'_>>,
    ) -> ExecuteActivityResult {
        let taken = steps::of(&input);
        self.note(&taken, !input.activity_info().is_local);
        let Some(fault) = self.fault.as_ref().filter(|(step, _)| taken.contains(step)).map(|(_, fault)| *fault) else {
            return next.run(input).await;
        };
        if self.strikes() {
            let answer = self.go_wrong(fault, input, next).await;
            self.advance(Stage::Over);
            return answer;
        }
        let answer = next.run(input).await;
        self.release();
        answer
    }

    fn note(&self, taken: &[Step], outside: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = taken.first().filter(|step| seen.iter().all(|known| known.step != **step)) {
            seen.push(Seen { step: step.clone(), outside });
        }
    }

    /// True once.
    fn strikes(&self) -> bool {
        self.stage.send_if_modified(|now| {
            let first = *now == Stage::Waiting;
            if first {
                *now = Stage::Struck;
            }
            first
        })
    }

    async fn go_wrong(
        &self,
        fault: Fault,
        input: ExecuteActivityInput,
        next: Next<'_, ExecuteActivityInput, ExecuteActivityOutput<'_>>,
    ) -> ExecuteActivityResult {
        match fault {
            Fault::FailsBefore => Err(injected(false)),
            Fault::GivesUp => Err(injected(true)),
            Fault::AnswerLost => {
                next.run(input).await?;
                Err(injected(false))
            }
            Fault::RunsTwice | Fault::CancelledMeanwhile => {
                self.reach(Stage::Released).await.map_err(|error| ApplicationFailure::builder(error.to_string()).build())?;
                next.run(input).await
            }
        }
    }
}

pub fn injected(for_good: bool) -> ActivityError {
    ApplicationFailure::builder("made to fail".to_owned()).type_name("injected".to_owned()).non_retryable(for_good).build().into()
}
