//! Reservations of one process that want the same hot SKU go to the database together: while a call for the SKU is under way, whoever comes
//! waits, and the next call takes them all. Nobody waits for company: a SKU that nobody else wants is asked for at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use oms_domain::ids::{FacilityId, Sku};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::{
    error::StoreError,
    reserve::{Answer, Reserved},
    store::Store,
};

/// Most steps of a call. PostgreSQL keeps up to 64 savepoints of a transaction at hand for others to look at.
const STEPS_MAX: usize = 60;

/// Most JSON of a call, in bytes, unless one step has more by itself.
const BYTES_MAX: usize = 1 << 20;

/// What a step wants, and others may want too: units at a facility, or to wait for the SKU.
pub(crate) type Wanted = (Sku, Option<FacilityId>);

/// A step on its way.
pub(crate) struct Step {
    pub asked: Box<RawValue>,
    pub answer: oneshot::Sender<Result<Reserved, StoreError>>,
}

/// The calls under way, by what they are about, each with the steps that wait for it to end.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<Wanted, VecDeque<Step>>>);

impl Lanes {
    /// Has the step wait in the lane of what it wants where most do; or begins one, whose steps the caller is to see through.
    pub fn join(self: &Arc<Self>, wanted: Vec<Wanted>, step: Step) -> Option<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hottest = wanted.iter().filter(|wanted| lanes.contains_key(*wanted)).max_by_key(|wanted| lanes[*wanted].len());
        if let Some(waiting) = hottest.and_then(|hottest| lanes.get_mut(hottest)) {
            waiting.push_back(step);
            return None;
        }
        let about = wanted.into_iter().next()?;
        lanes.insert(about.clone(), VecDeque::from([step]));
        Some(Lane { about, lanes: Arc::clone(self), ended: false })
    }
}

/// A lane in somebody's hands. Left before it has ended, its steps are answered by nobody, and each asks by itself.
pub(crate) struct Lane {
    about: Wanted,
    lanes: Arc<Lanes>,
    ended: bool,
}

impl Lane {
    /// The next steps to call with, the first come first. None: the lane has ended.
    pub fn next(&mut self) -> Option<Vec<Step>> {
        let mut lanes = self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let together = lanes.get_mut(&self.about).map(take_together).filter(|together| !together.is_empty());
        if together.is_none() {
            lanes.remove(&self.about);
            self.ended = true;
        }
        together
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.ended {
            self.lanes.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.about);
        }
    }
}

fn take_together(waiting: &mut VecDeque<Step>) -> Vec<Step> {
    let (mut together, mut bytes) = (Vec::new(), 0);
    // Whoever has gone does not want it any more, or asks again.
    waiting.retain(|step| !step.answer.is_closed());
    while let Some(step) = waiting.pop_front() {
        bytes += step.asked.get().len();
        if together.len() == STEPS_MAX || bytes > BYTES_MAX && !together.is_empty() {
            waiting.push_front(step);
            break;
        }
        together.push(step);
    }
    together
}

impl Store {
    /// Calls with the steps of a lane until there are none. Beside the callers: one that goes away keeps nobody else.
    pub(crate) async fn see_through(self, mut lane: Lane) {
        loop {
            // Those that were answered together may want the next at once.
            tokio::task::yield_now().await;
            let Some(steps) = lane.next() else { return };
            self.reserve_together(steps).await;
        }
    }

    async fn reserve_together(&self, steps: Vec<Step>) {
        let by_themselves = match &steps[..] {
            [_] => steps,
            _ => {
                let asked: Vec<&RawValue> = steps.iter().map(|step| &*step.asked).collect();
                let answers = self.call::<Answer>("SELECT outcome, detail FROM reserve_many($1)", &asked).await;
                answer(steps, answers)
            }
        };
        for step in by_themselves {
            let answer = self.reserve_alone(&step.asked).await;
            // Whoever has gone asks again, and gets this answer.
            let _gone = step.answer.send(answer);
        }
    }
}

/// Hands the answers out. Left are the steps that have none: something is wrong with them, or with one of all.
fn answer(steps: Vec<Step>, answers: Result<Vec<Answer>, StoreError>) -> Vec<Step> {
    let answers = match answers {
        Ok(answers) if answers.len() == steps.len() => answers.into_iter().map(Some).collect(),
        Err(error) if nobody_is_answered(&error) => {
            steps.into_iter().for_each(|step| drop(step.answer.send(Err(error.clone()))));
            return Vec::new();
        }
        Ok(_) | Err(_) => vec![None; steps.len()],
    };
    let mut left = Vec::new();
    for (step, answer) in steps.into_iter().zip(answers) {
        match answer {
            Some((outcome, detail)) if outcome != "failed" => drop(step.answer.send(Reserved::read(&outcome, detail))),
            Some(_) | None => left.push(step),
        }
    }
    left
}

/// It is none of the steps that is in the way.
fn nobody_is_answered(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable { .. } | StoreError::Overloaded { .. } | StoreError::TimedOut { .. } | StoreError::ReadOnly { .. }
    )
}
