//! What a run knows of its process: as it is, as far as it is durable, and what has happened since.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use oms_domain::{
    access::{By, HousePart},
    error::Rejection,
    event_id,
};
use serde::Serialize;

use crate::contracts::RecordedEvent;

/// A process that has a timeline of its own: an order, a return. The rules are domain's; here is what a run needs of them.
pub(crate) trait Process: Clone + 'static {
    type Command: Clone;
    type Event: Serialize;
    type Status: Copy;

    fn version(&self) -> u64;
    fn status(&self) -> Self::Status;
    /// How it is then, and what has happened. A command told again, to a state that has absorbed it, leads to nothing: on that the whole
    /// driver rests.
    fn decide(&self, command: &Self::Command, at: Timestamp) -> Result<(Self, Vec<Self::Event>), Rejection>;
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);
    fn kind(event: &Self::Event) -> &'static str;
    fn books_restored(from: u64, to: u64) -> Self::Event;
}

/// So many facts are told again to what others have recorded: more than come while a run does not know that it is behind.
const MEANINGLESS_KEPT: usize = 50;

/// What a command gets when it is taken, so that whoever gave it can wait until it is durable.
pub(crate) type Ticket = u64;

/// A command, and whose it is; None: whoever asked is of a build that does not say.
#[derive(Clone)]
pub(crate) struct Told<C> {
    pub command: C,
    pub by: Option<By>,
}

impl<C> Told<C> {
    /// By a part of the house.
    pub fn by_house(command: C, part: HousePart) -> Self {
        Self { command, by: Some(By::house(part)) }
    }

    /// By whoever told the house, or by what passes it on.
    pub fn passed_on(command: C, by: Option<By>) -> Self {
        Self { command, by: by.or_else(|| Some(By::house(HousePart::Relay))) }
    }
}

/// A command, and what it has led to.
struct Batch<P: Process> {
    ticket: Ticket,
    /// None: the run's own doing.
    command: Option<P::Command>,
    by: Option<By>,
    /// Somebody waits for what becomes of it.
    awaited: bool,
    events: Vec<(P::Event, Timestamp)>,
}

/// The one line of history of a process, as its run sees it.
pub(crate) struct Line<P: Process> {
    /// None until it is admitted.
    this: Option<P>,
    /// The version that is durable, and the status then.
    recorded: u64,
    recorded_status: Option<P::Status>,
    /// The version that the books had when they were asked last: below `recorded` once they had been restored to an earlier day.
    base: u64,
    /// What is not durable, oldest first. The first one has events: what has led to nothing stands here only behind what has.
    batches: VecDeque<Batch<P>>,
    last_ticket: Ticket,
    /// Facts that meant nothing to it as it stood: to what others have recorded they may mean something.
    meaningless: VecDeque<Told<P::Command>>,
    /// What was taken and then, in the history as others had recorded it, refused.
    refused: BTreeMap<Ticket, Rejection>,
    /// What came before it was admitted.
    early: Vec<Told<P::Command>>,
    /// Business time when something was last asked of it: a validator is given no clock.
    clock_seen: Option<Timestamp>,
}

/// What is to be recorded next.
pub(crate) struct Unrecorded<P> {
    /// After the events.
    pub this: P,
    pub events: Vec<RecordedEvent>,
    /// The version that the books have.
    pub base: u64,
    /// What has changed after this version is to be written; all of it, where the books had been restored.
    pub since: u64,
    /// Of the last event.
    pub at: Timestamp,
    batches: usize,
}

impl<P> Unrecorded<P> {
    /// What the record must say that it was given.
    pub(super) fn digest(&self) -> String {
        event_id::digest(self.events.iter().map(|event| (event.kind.as_str(), &event.data)))
    }
}

impl<P: Process> Line<P> {
    pub fn new() -> Self {
        Self {
            this: None,
            recorded: 0,
            recorded_status: None,
            base: 0,
            batches: VecDeque::new(),
            last_ticket: 0,
            meaningless: VecDeque::new(),
            refused: BTreeMap::new(),
            early: Vec::new(),
            clock_seen: None,
        }
    }

    pub fn this(&self) -> Option<&P> {
        self.this.as_ref()
    }

    /// As it is, and when it was last asked something.
    pub fn seen(&self) -> Option<(&P, Timestamp)> {
        self.this.as_ref().zip(self.clock_seen)
    }

    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    pub fn recorded_status(&self) -> Option<P::Status> {
        self.recorded_status
    }

    fn version(&self) -> u64 {
        self.this.as_ref().map_or(0, P::version)
    }

    /// Something has happened that is not durable.
    pub fn is_ahead(&self) -> bool {
        self.version() > self.recorded
    }

    /// The events that are not durable, with their numbers.
    pub fn unrecorded(&self) -> impl Iterator<Item = (u64, &P::Event)> {
        let events = self.batches.iter().flat_map(|batch| &batch.events);
        (self.recorded + 1..).zip(events).map(|(seq, (event, _))| (seq, event))
    }

    fn to_send(&self) -> Vec<RecordedEvent> {
        let events = self.batches.iter().flat_map(|batch| batch.events.iter().map(|event| (event, batch.by.as_ref())));
        (self.recorded + 1..).zip(events).map(|(seq, ((event, at), by))| recorded::<P>(seq, event, *at, by)).collect()
    }

    /// Begins, or goes on from what is recorded; what came too early is taken now.
    pub fn stand_on(&mut self, this: P, first: Told<P::Command>, at: Timestamp) {
        self.rest_on(this);
        self.take(first, at);
        for told in std::mem::take(&mut self.early) {
            self.take(told, at);
        }
    }

    fn rest_on(&mut self, this: P) {
        (self.recorded, self.base) = (this.version(), this.version());
        self.recorded_status = Some(this.status());
        self.this = Some(this);
    }

    /// Goes on from the history as others have recorded it. What this run had taken and not recorded is told again: what the others have
    /// absorbed leads to nothing more, and what is not possible any more is refused.
    pub fn adopt(&mut self, this: P, at: Timestamp) {
        self.rest_on(this);
        for batch in std::mem::take(&mut self.batches) {
            let Some(command) = batch.command.clone() else { continue };
            match self.happen(&command, at) {
                Ok(events) => self.keep(Batch { events, ..batch }),
                Err(refusal) if batch.awaited => drop(self.refused.insert(batch.ticket, refusal)),
                Err(_) => {}
            }
        }
        self.tell_again(at);
    }

    fn tell_again(&mut self, at: Timestamp) {
        for told in std::mem::take(&mut self.meaningless) {
            self.take(told, at);
        }
    }

    /// Decides and evolves, at once; effects and records follow in the main loop. Whoever asks waits for the ticket.
    pub fn ask(&mut self, asked: &Told<P::Command>, at: Timestamp) -> Result<Ticket, Rejection> {
        self.give(asked, true, at)
    }

    /// Facts and answers are never refused; one that is not possible now changes nothing.
    pub fn take(&mut self, told: Told<P::Command>, at: Timestamp) {
        if self.this.is_none() {
            return self.early.push(told);
        }
        let before = self.version();
        if let Err(refusal) = self.give(&told, false, at) {
            debug_assert!(false, "a fact was refused: {refusal}");
        }
        if self.version() == before {
            self.meaningless.push_back(told);
            self.meaningless.drain(..self.meaningless.len().saturating_sub(MEANINGLESS_KEPT));
        }
    }

    /// For what comes before there is a time to take it at.
    pub fn take_early(&mut self, told: Told<P::Command>) {
        self.early.push(told);
    }

    fn give(&mut self, Told { command, by }: &Told<P::Command>, awaited: bool, at: Timestamp) -> Result<Ticket, Rejection> {
        let events = self.happen(command, at)?;
        self.last_ticket += 1;
        self.keep(Batch { ticket: self.last_ticket, command: Some(command.clone()), by: by.clone(), awaited, events });
        Ok(self.last_ticket)
    }

    fn happen(&mut self, command: &P::Command, at: Timestamp) -> Result<Vec<(P::Event, Timestamp)>, Rejection> {
        self.clock_seen = Some(at);
        let Some(this) = &mut self.this else { return Ok(Vec::new()) };
        let (next, events) = this.decide(command, at)?;
        *this = next;
        Ok(events.into_iter().map(|event| (event, at)).collect())
    }

    /// What changes nothing, where nothing is unrecorded, is durable already.
    fn keep(&mut self, batch: Batch<P>) {
        if !batch.events.is_empty() || !self.batches.is_empty() {
            self.batches.push_back(batch);
        }
    }

    /// What it led to, and what came before it, is durable, or it was refused after all.
    pub fn is_settled(&self, ticket: Ticket) -> bool {
        self.batches.front().is_none_or(|first| first.ticket > ticket)
    }

    /// The ticket of whatever is not durable now.
    pub fn last_ticket(&self) -> Ticket {
        self.last_ticket
    }

    /// Why it was refused after all, told once.
    pub fn refusal(&mut self, ticket: Ticket) -> Option<Rejection> {
        self.refused.remove(&ticket)
    }

    /// What is to be recorded next, if anything is.
    pub fn to_record(&self) -> Option<Unrecorded<P>> {
        let this = self.this.as_ref().filter(|_| self.is_ahead())?;
        let events = self.to_send();
        let (at, restored) = (events.last()?.at, self.base < self.recorded);
        let since = if restored { 0 } else { self.recorded };
        Some(Unrecorded { this: this.clone(), events, base: self.base, since, at, batches: self.batches.len() })
    }

    /// It is durable now.
    pub fn settle(&mut self, written: &Unrecorded<P>) {
        // It stood on what was recorded last: what meant nothing then means nothing.
        self.meaningless.clear();
        self.is_durable(written);
    }

    /// It was durable before, by a task that was lost with its worker: the world has known of it since, and has told facts of it that meant
    /// nothing to this run until it came to it, too.
    pub fn settle_found(&mut self, written: &Unrecorded<P>, at: Timestamp) {
        self.is_durable(written);
        self.tell_again(at);
    }

    fn is_durable(&mut self, written: &Unrecorded<P>) {
        self.batches.drain(..written.batches);
        while self.batches.front().is_some_and(|first| first.events.is_empty()) {
            self.batches.pop_front();
        }
        (self.recorded, self.base) = (written.this.version(), written.this.version());
        self.recorded_status = Some(written.this.status());
    }

    /// The same, unless the books have what they were told.
    pub fn restore_if_behind(&mut self, stored: u64, at: Timestamp) {
        if stored < self.base {
            self.restore(stored, at);
        }
    }

    /// The books had been restored, to this version: the next record says so, and everything that they have lost of where units are.
    pub fn restore(&mut self, stored: u64, at: Timestamp) {
        let Some(this) = &mut self.this else { return };
        let event = P::books_restored(stored, self.recorded);
        this.evolve(&event, at);
        self.base = stored;
        self.last_ticket += 1;
        let (ticket, by) = (self.last_ticket, Some(By::house(HousePart::Books)));
        self.batches.push_back(Batch { ticket, command: None, by, awaited: false, events: vec![(event, at)] });
    }
}

fn recorded<P: Process>(seq: u64, event: &P::Event, at: Timestamp, by: Option<&By>) -> RecordedEvent {
    let data = serde_json::to_value(event).expect("an event is plain data: maps with string keys, which always has a JSON form");
    RecordedEvent { seq, at, kind: P::kind(event).to_owned(), data, by: by.cloned() }
}

#[cfg(test)]
mod tests;
