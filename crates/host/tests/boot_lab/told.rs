//! What a guest and its machine told, from the start to the end.

use detente_host::{HostError, MachineEvent};
use detente_machine::hyperv::{Answer, BusEvent, Command, VmbusVersion};

use crate::disks::Disks;

/// What a guest and its machine told.
pub(crate) struct Told {
    /// The word that only this guest was given.
    pub(crate) nonce: String,
    /// Whether its second disk went and came again elsewhere.
    pub(crate) moved: bool,
    /// Everything on its console.
    pub(crate) console: String,
    /// Everything else.
    pub(crate) events: Vec<MachineEvent>,
    /// What the machine was asked for, by the questions' numbers.
    pub(crate) asked: Vec<(u64, Command)>,
    /// Why it did not start, if it did not.
    pub(crate) failed_to_start: Option<HostError>,
    /// The disks that it was given.
    pub(crate) disks: Disks,
}

impl Told {
    /// The lines of the guest's own.
    fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.console.lines();
        lines.filter_map(|line| Some(line.split_once("tiny: ")?.1.trim_end()))
    }

    /// The guest said, once, something that ends so.
    #[track_caller]
    pub(crate) fn says(&self, end: &str) {
        let found = self.lines().filter(|line| line.ends_with(end)).count();
        assert_eq!(found, 1, "{end}:\n{}", self.console);
    }

    /// What follows on the line that starts so.
    #[track_caller]
    pub(crate) fn value_of(&self, start: &str) -> &str {
        let found = self.lines().find_map(|line| line.strip_prefix(start));
        let Some(value) = found else {
            panic!("{start}:\n{}", self.console)
        };
        value
    }

    /// The machine, too, says which version was agreed on, and that no device gave up.
    #[track_caller]
    pub(crate) fn connected_with(&self, wanted: VmbusVersion) {
        let mut agreed = Vec::new();
        for event in &self.events {
            match event {
                MachineEvent::Bus(BusEvent::Connected { version }) => agreed.push(*version),
                MachineEvent::Bus(BusEvent::Rested { instance, why }) => {
                    panic!("{instance}: {why}")
                }
                _ => (),
            }
        }
        assert_eq!(agreed, [wanted]);
    }

    /// The guest ended in this way, and nothing broke.
    #[track_caller]
    pub(crate) fn ended_by(&self, end: &MachineEvent) {
        let (events, console) = (&self.events, &self.console);
        assert!(events.contains(end), "{events:?}\n{console}");
        let Some(MachineEvent::Exited { status, stderr }) = self.events.last() else {
            panic!("{:?}", self.events)
        };
        assert_eq!((status.as_str(), stderr.as_str()), ("exit code 0", ""));
    }

    /// What came of a question, if something has.
    fn answer(&self, question: u64) -> Option<&Answer> {
        self.events.iter().find_map(|event| match event {
            MachineEvent::Answered { id, answer } if *id == question => Some(answer),
            _ => None,
        })
    }

    /// Whether every question was answered.
    pub(crate) fn is_answered(&self) -> bool {
        let mut questions = self.asked.iter();
        questions.all(|(id, _)| self.answer(*id).is_some())
    }

    /// The machine did what it was asked for, and said how it was: on the bus by this version, with
    /// every one of these classes open.
    #[track_caller]
    pub(crate) fn did_what_was_asked(&self, version: VmbusVersion, classes: &[&str]) {
        for (id, command) in &self.asked {
            match (self.answer(*id), command) {
                (
                    Some(Answer::Status {
                        vmbus,
                        open_channels,
                        ..
                    }),
                    Command::Status,
                ) => {
                    assert_eq!(*vmbus, Some(version));
                    let mut open: Vec<&str> = open_channels.iter().map(String::as_str).collect();
                    let mut wanted = classes.to_vec();
                    open.sort_unstable();
                    wanted.sort_unstable();
                    assert_eq!(open, wanted);
                }
                (answer, command) => assert_eq!(answer, Some(&Answer::Done), "{command:?}"),
            }
        }
    }

    /// Heartbeats were answered.
    #[track_caller]
    pub(crate) fn answered_heartbeats(&self, least: u64) {
        assert!(heartbeats(&self.events) >= least, "{:?}", self.events);
    }
}

/// How many heartbeats were answered.
pub(crate) fn heartbeats(events: &[MachineEvent]) -> u64 {
    let answered = events.iter().filter_map(|event| match event {
        MachineEvent::Heartbeat { answered, .. } => Some(*answered),
        _ => None,
    });
    answered.max().unwrap_or(0)
}
