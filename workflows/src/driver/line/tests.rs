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
