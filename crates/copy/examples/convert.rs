//! Converts an image to qcow2 with a line of progress, and stops when told to:
//! `convert IMAGE NEW.qcow2 [SECONDS]` gives up after so many seconds.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use detente_block::{DirectoryGate, FileBackend};
use detente_copy::{Amount, ConvertError, ConvertOptions, Progress, Stage, Verification, convert};
use detente_disk::{Qcow2Spec, Target, open};

/// Shows each percent once, and ends the work at a deadline. A program with a Ctrl-C of its own would
/// look at a flag instead.
struct Shown {
    deadline: Option<Instant>,
    percent: AtomicU64,
}

impl Progress for Shown {
    // Told by several threads, thousands of times a second: cheap, and most often nothing.
    fn advanced(&self, amount: Amount) {
        let what = match amount.stage {
            Stage::Moving => "moved",
            Stage::Verifying => "compared",
            Stage::Flushing => return,
        };
        let percent = amount.done_bytes.saturating_mul(100) / amount.total_bytes.max(1);
        if self.percent.swap(percent, Ordering::Relaxed) == percent {
            return;
        }
        let left = amount.time_left().unwrap_or_default().as_secs();
        // Nobody can be told that nobody listens.
        let _ = writeln!(std::io::stderr(), "{percent} % {what}, {left} s left");
    }

    fn cancelled(&self) -> bool {
        self.deadline.is_some_and(|end| Instant::now() >= end)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, limit @ ..] = &*arguments else {
        return Err("convert IMAGE NEW.qcow2 [SECONDS]".into());
    };
    let limit = limit.first().map(|seconds| seconds.parse()).transpose()?;
    let progress = Shown {
        deadline: limit.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        percent: AtomicU64::new(u64::MAX),
    };
    let (from, to) = (Path::new(from), Path::new(to));
    let gate = DirectoryGate::beside(from);
    let source = open(from, Arc::new(FileBackend::open(from)?), &gate)?;
    let target = Target::Qcow2(Qcow2Spec::default());
    let options = ConvertOptions {
        verification: Verification::ReadBack,
        ..ConvertOptions::default()
    };
    match convert(&source, &target, to, &options, &progress) {
        Ok(report) => {
            let (data, kernel) = (report.data_bytes, report.kernel_bytes);
            let told = format!("{data} bytes of data, {kernel} of them moved by the kernel");
            Ok(writeln!(std::io::stdout(), "{told}")?)
        }
        // Nothing of the new name is there, and no temporary file.
        Err(ConvertError::Cancelled) => Err("given up: nothing was written".into()),
        Err(error) => Err(error.into()),
    }
}
