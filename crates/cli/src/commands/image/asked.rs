//! What switches of several commands ask of the engine.

use detente_copy::{OnExisting, Preallocation, SourceLock, Verification};

/// `--force`.
pub(super) fn on_existing(force: bool) -> OnExisting {
    if force {
        OnExisting::Replace
    } else {
        OnExisting::Refuse
    }
}

/// `--preallocate`.
pub(super) fn preallocation(preallocate: bool) -> Preallocation {
    if preallocate {
        Preallocation::Full
    } else {
        Preallocation::Sparse
    }
}

/// `--verify`.
pub(super) fn verification(verify: bool) -> Verification {
    if verify {
        Verification::ReadBack
    } else {
        Verification::Skip
    }
}

/// `--ignore-locks`.
pub(super) fn source_lock(ignore_locks: bool) -> SourceLock {
    if ignore_locks {
        SourceLock::Ignore
    } else {
        SourceLock::Required
    }
}
