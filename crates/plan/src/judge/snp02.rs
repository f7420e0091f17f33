//! SNP-02: a snapshot of a running guest.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as};

/// How the root file system looks in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotRoot {
    /// As if it had been unmounted.
    Clean,
    /// Its journal is to be replayed, which every mount does.
    Journal,
    /// It notes errors that only a repair takes away.
    Errors,
    /// It cannot be told.
    Unread(&'static str),
}

/// What was seen of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether the guest's own agent froze its file systems, or why not.
    pub frozen: Result<(), String>,
    /// Why the guest did not thaw, if it did not.
    pub not_thawed: Option<String>,
    /// What changes with every write to what the snapshot holds: right after it was taken, and
    /// after the guest had gone on writing.
    pub below: [String; 2],
    /// How much the overlay has taken since.
    pub above_bytes: u64,
    /// How much an overlay takes that nothing was written to.
    pub empty_bytes: u64,
    /// Why the guest could not go on writing, if it could not.
    pub not_written: Option<String>,
    /// The root in the snapshot.
    pub root: SnapshotRoot,
}

/// Judges it.
#[must_use]
pub fn snp02(seen: &Snapshot) -> Finding {
    let [at_first, at_last] = &seen.below;
    let held = !at_first.is_empty() && at_first == at_last;
    let above = seen.above_bytes > seen.empty_bytes;
    let mut checks = vec![
        check_as(
            "frozen",
            if seen.frozen.is_ok() {
                Outcome::Passed
            } else {
                Outcome::NotRun
            },
            match &seen.frozen {
                Ok(()) => "the guest's agent froze the file systems".to_owned(),
                Err(why) => format!("freezing first: {why}"),
            },
        ),
        check(
            "holds",
            held,
            if held {
                "what the snapshot holds did not change when the guest went on"
            } else {
                "what the snapshot holds changed when the guest went on"
            },
        ),
        check(
            "writes go on",
            above && seen.not_written.is_none(),
            match &seen.not_written {
                Some(why) => format!("the guest could not write any more: {why}"),
                None => format!("{} bytes were written above it since", seen.above_bytes),
            },
        ),
        root(&seen.root, seen.frozen.is_ok()),
    ];
    if let Some(why) = &seen.not_thawed {
        checks.push(check("thawed", false, why.clone()));
    }
    Finding::of_checks(checks, Vec::new())
}

fn root(root: &SnapshotRoot, frozen: bool) -> detente_evidence::Check {
    match root {
        SnapshotRoot::Clean => check("root", true, "its root file system is clean"),
        SnapshotRoot::Journal if frozen => check(
            "root",
            false,
            "its root file system has a journal to replay, though it was frozen",
        ),
        SnapshotRoot::Journal => check(
            "root",
            true,
            "its root file system needs nothing but its journal replayed",
        ),
        SnapshotRoot::Errors => check("root", false, "its root file system notes errors"),
        SnapshotRoot::Unread(why) => check_as("root", Outcome::NotRun, format!("its root {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Snapshot {
        Snapshot {
            frozen: Err("there is no agent".to_owned()),
            not_thawed: None,
            below: ["aa".to_owned(), "aa".to_owned()],
            above_bytes: 1 << 20,
            empty_bytes: 1 << 18,
            not_written: None,
            root: SnapshotRoot::Journal,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Snapshot), outcome: Outcome) {
        let mut seen = sound();
        spoil(&mut seen);
        let finding = snp02(&seen);
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn a_snapshot_that_holds_passes() {
        check(|_| {}, Outcome::Passed);
        check(|seen| seen.root = SnapshotRoot::Clean, Outcome::Passed);
        check(
            |seen| seen.root = SnapshotRoot::Unread("is XFS"),
            Outcome::Passed,
        );
        let frozen = |seen: &mut Snapshot| {
            seen.frozen = Ok(());
            seen.root = SnapshotRoot::Clean;
        };
        check(frozen, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_sign_fails() {
        check(|seen| seen.frozen = Ok(()), Outcome::Failed);
        check(|seen| seen.below[1] = "bb".to_owned(), Outcome::Failed);
        check(|seen| seen.below = Default::default(), Outcome::Failed);
        check(|seen| seen.above_bytes = 1 << 18, Outcome::Failed);
        check(|seen| seen.root = SnapshotRoot::Errors, Outcome::Failed);
        let stuck = Some("late".to_owned());
        check(|seen| seen.not_thawed = stuck.clone(), Outcome::Failed);
        check(|seen| seen.not_written = stuck.clone(), Outcome::Failed);
    }
}
