//! One run of a program: how long it took, and how much memory it had at most.
//!
//! The kernel keeps the largest memory of all children that a process ever had. So each run has a
//! process of its own: this program, started again.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use crate::tool::Tool;

/// Says that the rest is a command to be measured.
pub(super) const FLAG: &str = "--measure";

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// From its start to its end.
    pub(super) seconds: f64,
    /// The largest resident memory of it, or of one of its children.
    pub(super) peak_kib: i64,
}

/// Runs a program that must succeed; what it prints is thrown away.
pub(super) fn measure<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> anyhow::Result<Run> {
    let this = std::env::current_exe().context("this program's own file")?;
    let printed = Tool::new(&this.display().to_string())
        .args(["bench", FLAG])
        .arg(program)
        .args(arguments)
        .capture()?;
    serde_json::from_str(&printed).context("the measurement")
}

/// The other side: runs the command and prints what it took.
pub(super) fn in_this_process(command: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("nothing to measure")?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| program.clone())?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    let run = Run {
        seconds,
        peak_kib: getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss(),
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&run)?)?;
    Ok(())
}

/// The one in the middle; of an even number the mean of both.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        at(half)
    } else {
        f64::midpoint(at(half.wrapping_sub(1)), at(half))
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([7.0]), 7.0);
        assert!(median([]).is_nan());
    }
}
