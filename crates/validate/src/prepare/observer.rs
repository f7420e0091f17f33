//! Who is told what happens while a guest is prepared.

use std::path::Path;

use detente_machine::Profile;

/// Is told what happens while it happens.
pub trait PrepareObserver {
    /// Something happened.
    fn event(&mut self, event: &PrepareEvent<'_>);
}

/// Something that happened.
#[derive(Debug)]
pub enum PrepareEvent<'a> {
    /// A machine is being started.
    Starting {
        /// Its hardware.
        profile: Profile,
        /// Why this one.
        why: &'a str,
    },
    /// It was not the right one.
    GaveUp {
        /// Its hardware.
        profile: Profile,
        /// Why.
        why: &'a str,
    },
    /// The boot, or the shutdown, has come further.
    Came {
        /// In a few words.
        text: &'a str,
        /// Since the machine was started.
        elapsed_ms: u64,
    },
    /// A step begins.
    Begun {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its name.
        name: &'a str,
        /// Why it is made.
        why: &'a str,
    },
    /// Something begins that is no step of the plan.
    Doing {
        /// In a few words.
        text: &'a str,
    },
    /// A line that the guest's program printed.
    Line {
        /// The line; control characters are taken out.
        text: &'a str,
    },
    /// Lines that came too fast.
    LeftOut {
        /// How many.
        lines: u64,
    },
    /// A step was done.
    Done {
        /// Its name.
        name: &'a str,
        /// How long it took.
        duration_ms: u64,
    },
    /// A disk is being written.
    Writing {
        /// Where it will be.
        path: &'a Path,
    },
}
