//! One run of a program: how long it took, and how much memory it had at most.
//!
//! The kernel keeps the largest memory of all children that a process ever had. So each run has a
//! process of its own: this program, started again.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use crate::tool::Tool;

/// Says that the rest is a command to be measured.
pub(super) const FLAG: &str = "--measure";

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// From its start to its end.
    pub(super) seconds: f64,
    /// The processor's time, for it and for what the kernel did for it.
    pub(super) cpu_seconds: f64,
    /// The largest resident memory of it, or of one of its children.
    pub(super) peak_kib: i64,
}

/// Runs a program that must succeed; what it prints is thrown away.
pub(super) fn measure<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> anyhow::Result<Run> {
    measure_into(Path::new("/dev/null"), program, arguments)
}

/// Runs a program that must succeed; what it prints goes into a file.
pub(super) fn measure_into<S: AsRef<OsStr>>(
    output: &Path,
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> anyhow::Result<Run> {
    let this = std::env::current_exe().context("this program's own file")?;
    let printed = Tool::new(&this.display().to_string())
        .args(["bench", FLAG])
        .arg(output)
        .arg(program)
        .args(arguments)
        .capture()?;
    serde_json::from_str(&printed).context("the measurement")
}

/// The other side: runs the command and prints what it took.
pub(super) fn in_this_process(command: &[String]) -> anyhow::Result<()> {
    let [output, program, arguments @ ..] = command else {
        bail!("nothing to measure");
    };
    let output = File::create(output).with_context(|| output.clone())?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output)
        .status()
        .with_context(|| program.clone())?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let run = Run {
        seconds,
        cpu_seconds: in_seconds(usage.user_time()) + in_seconds(usage.system_time()),
        peak_kib: usage.max_rss(),
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&run)?)?;
    Ok(())
}

fn in_seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
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
