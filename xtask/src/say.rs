//! What the chores tell the person who waits for them: lines on stderr.

use std::io::Write;

/// Writes one line. A closed stderr is no reason to stop a chore.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
