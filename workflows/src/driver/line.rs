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
mod tests {
    use oms_domain::error::ErrorCode;

    use super::*;

    /// Holds named things, each once, and refuses what is full.
    #[derive(Clone, Default, PartialEq, Debug)]
    struct Shelf {
        version: u64,
        things: Vec<String>,
    }

    #[derive(Serialize)]
    enum Event {
        Put(String),
        Restored,
    }

    impl Process for Shelf {
        type Command = String;
        type Event = Event;
        type Status = usize;

        fn version(&self) -> u64 {
            self.version
        }
        fn status(&self) -> usize {
            self.things.len()
        }
        fn decide(&self, command: &String, at: Timestamp) -> Result<(Self, Vec<Event>), Rejection> {
            let too_early = command.split_once(" after ").is_some_and(|(_, other)| !self.things.iter().any(|thing| thing == other));
            let events = match self.things.len() {
                _ if too_early => Vec::new(),
                _ if self.things.contains(command) => Vec::new(),
                ..3 => vec![Event::Put(command.clone())],
                _ => return Err(Rejection::new(ErrorCode::IllegalTransition, "it is full")),
            };
            let mut next = self.clone();
            events.iter().for_each(|event| next.evolve(event, at));
            Ok((next, events))
        }
        fn evolve(&mut self, event: &Event, _: Timestamp) {
            self.version += 1;
            if let Event::Put(thing) = event {
                self.things.push(thing.clone());
            }
        }
        fn kind(event: &Event) -> &'static str {
            if matches!(event, Event::Restored) { "restored" } else { "put" }
        }
        fn books_restored(_: u64, _: u64) -> Event {
            Event::Restored
        }
    }

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn shelf(things: &[&str]) -> Shelf {
        Shelf { version: things.len() as u64, things: things.iter().map(|thing| (*thing).to_owned()).collect() }
    }

    fn line(things: &[&str]) -> Line<Shelf> {
        let mut line = Line::new();
        line.rest_on(shelf(things));
        line
    }

    fn ask(line: &mut Line<Shelf>, thing: &str) -> Ticket {
        line.ask(&told(thing, None), AT).unwrap()
    }

    fn told(thing: &str, by: Option<HousePart>) -> Told<String> {
        Told { command: thing.to_owned(), by: by.map(By::house) }
    }

    #[test]
    fn each_event_says_whose_doing_it_was_also_when_it_is_told_again() {
        let mut line = line(&[]);
        line.take(told("scan after label", Some(HousePart::Relay)), AT);
        line.take(told("label", Some(HousePart::Effect)), AT);
        ask(&mut line, "a");
        let parts = |line: &Line<Shelf>| {
            let by = |event: RecordedEvent| event.by.map(|by| by.actor.id.to_string());
            line.to_record().unwrap().events.into_iter().map(by).collect::<Vec<_>>()
        };
        assert_eq!(parts(&line), [Some("effect".to_owned()), None]);
        line.adopt(shelf(&["label"]), AT);
        assert_eq!(parts(&line), [None, Some("relay".to_owned())]);
    }

    #[test]
    fn a_ticket_is_settled_when_what_it_led_to_is_recorded() {
        let mut line = line(&[]);
        let a = ask(&mut line, "a");
        let sent = line.to_record().unwrap();
        // While the record is under way, b comes, and a is told again.
        let (b, again) = (ask(&mut line, "b"), ask(&mut line, "a"));
        assert!(![a, b, again].iter().any(|ticket| line.is_settled(*ticket)));
        line.settle(&sent);
        assert_eq!([a, b, again].map(|ticket| line.is_settled(ticket)), [true, false, false]);
        assert_eq!((line.recorded(), line.recorded_status(), line.version()), (1, Some(1), 2));
        let sent = line.to_record().unwrap();
        assert_eq!(sent.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2]);
        line.settle(&sent);
        assert!(line.is_settled(b) && line.is_settled(again) && line.to_record().is_none());
        let told = ask(&mut line, "a");
        assert!(line.is_settled(told), "it is durable already");
    }

    #[test]
    fn what_others_have_recorded_is_adopted_and_the_own_commands_are_told_again_on_top() {
        let mut line = line(&["x"]);
        let (a, b, c) = (ask(&mut line, "a"), ask(&mut line, "b"), ask(&mut line, "a"));
        // Somebody has absorbed b and put something else.
        line.adopt(shelf(&["x", "b"]), AT);
        assert_eq!(line.this().unwrap().things, ["x", "b", "a"]);
        assert_eq!((line.recorded(), line.to_record().unwrap().events.len()), (2, 1));
        assert!([a, b, c].iter().all(|ticket| !line.is_settled(*ticket)));
        let sent = line.to_record().unwrap();
        line.settle(&sent);
        assert!([a, b, c].iter().all(|ticket| line.is_settled(*ticket) && line.refusal(*ticket).is_none()));
    }

    #[test]
    fn a_fact_that_meant_nothing_is_told_again_to_what_others_have_recorded() {
        let mut line = line(&[]);
        line.take(told("scan after label", None), AT);
        assert!(line.to_record().is_none(), "there is no label yet");
        line.adopt(shelf(&["label"]), AT);
        assert_eq!(line.this().unwrap().things, ["label", "scan after label"]);
        let sent = line.to_record().unwrap();
        line.settle(&sent);
        line.adopt(shelf(&["label", "scan after label"]), AT);
        assert!(line.to_record().is_none(), "once");
    }

    #[test]
    fn a_fact_that_meant_nothing_is_told_again_to_what_a_lost_task_has_recorded() {
        let mut line = line(&[]);
        // The task that booked the label was lost after its record; the carrier, who knew the number from there, has told of the parcel.
        line.take(told("scan after label", None), AT);
        line.take(told("label", None), AT);
        let sent = line.to_record().unwrap();
        line.settle_found(&sent, AT);
        assert_eq!(line.this().unwrap().things, ["label", "scan after label"]);
        assert_eq!(line.to_record().unwrap().events.len(), 1);
    }

    #[test]
    fn what_is_not_possible_any_more_is_refused_and_what_was_absorbed_is_done() {
        let mut line = line(&[]);
        let (a, b) = (ask(&mut line, "a"), ask(&mut line, "b"));
        line.adopt(shelf(&["b", "x", "y"]), AT);
        assert!(line.to_record().is_none() && line.is_settled(a) && line.is_settled(b));
        assert_eq!(line.refusal(a).map(|refusal| refusal.code), Some(ErrorCode::IllegalTransition));
        assert_eq!((line.refusal(a), line.refusal(b)), (None, None));
    }

    #[test]
    fn books_that_are_found_behind_are_told_once_and_those_that_are_not_are_told_nothing() {
        let mut line = line(&["a", "b"]);
        line.restore_if_behind(2, AT);
        assert!(line.to_record().is_none());
        line.restore_if_behind(0, AT);
        line.restore_if_behind(0, AT);
        let sent = line.to_record().unwrap();
        assert_eq!((sent.events.len(), sent.base, sent.since), (1, 0, 0));
        line.settle(&sent);
        line.restore_if_behind(3, AT);
        assert!(line.to_record().is_none());
    }

    #[test]
    fn restored_books_are_told_everything_and_that_they_had_been_restored() {
        let mut line = line(&["a", "b"]);
        ask(&mut line, "c");
        line.restore(1, AT);
        let sent = line.to_record().unwrap();
        let events: Vec<_> = sent.events.iter().map(|event| (event.seq, event.kind.as_str())).collect();
        assert_eq!((events, sent.base, sent.since), (vec![(3, "put"), (4, "restored")], 1, 0));
        line.settle(&sent);
        assert_eq!((line.recorded(), line.to_record().is_none()), (4, true));
        ask(&mut line, "c");
        assert!(line.to_record().is_none());
    }
}
