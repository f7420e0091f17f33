//! What was measured, as tables: one for each class.

use serde::{Deserialize, Serialize};

use super::peer::Options;
use super::row::{Class, Row};
use crate::bench::Report;
use crate::bench::measure::Run;
use crate::tool::Tool;

/// The largest memory that we may have, in KiB.
const MOST_KIB: i64 = 64 << 10;

/// No row may be slower than the peer by more.
const SLOWER: f64 = 1.05;

/// Figures of one row.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    id: String,
    class: Class,
    not_run: Option<String>,
    options: String,
    ours: Vec<Run>,
    theirs: Vec<Run>,
    limit: Vec<Run>,
    fsync: Vec<f64>,
    pub(super) peak_kib: i64,
}

impl Measured {
    pub(super) fn of(row: &Row, best: &[Options]) -> Self {
        let options: Vec<String> = best.iter().map(Options::shown).collect();
        Self {
            id: row.id.clone(),
            class: row.class,
            not_run: None,
            options: options.join("; "),
            ours: Vec::new(),
            theirs: Vec::new(),
            limit: Vec::new(),
            fsync: Vec::new(),
            peak_kib: 0,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn not_run(row: &Row, why: &str) -> Self {
        Self {
            not_run: Some(why.to_owned()),
            ..Self::of(row, &[])
        }
    }

    pub(super) fn add_ours(&mut self, run: Run, fsync: f64) {
        self.peak_kib = self.peak_kib.max(run.peak_kib);
        self.ours.push(Run {
            seconds: run.seconds - fsync,
            ..run
        });
        self.fsync.push(fsync);
    }

    pub(super) fn add_theirs(&mut self, run: Run) {
        self.theirs.push(run);
    }

    pub(super) fn add_limit(&mut self, run: Run) {
        self.limit.push(run);
    }

    /// CPU and wall: ours, the peer's.
    fn figures(&self) -> [(f64, f64); 2] {
        [
            (cpu(&self.ours), cpu(&self.theirs)),
            (wall(&self.ours), wall(&self.theirs)),
        ]
    }

    /// One line for whoever waits.
    pub(super) fn line(&self) -> String {
        let [cpu, wall] = self.figures();
        format!(
            "CPU {:.3} s beside {:.3} s ({:.2}), wall {:.3} s beside {:.3} s ({:.2}), {} MiB",
            cpu.0,
            cpu.1,
            cpu.1 / cpu.0,
            wall.0,
            wall.1,
            wall.1 / wall.0,
            self.peak_kib >> 10
        )
    }

    fn markdown(&self) -> String {
        if let Some(why) = &self.not_run {
            return format!("| {} | not measured: {why} | | | | | | | | | |\n", self.id);
        }
        let [cpu, wall] = self.figures();
        let fsync = least(self.fsync.iter().copied());
        format!(
            "| {} | {:.3} | {:.3} | **{:.2}** | {:.3} | {:.3} | **{:.2}** | {:.3} | {:.3} / {:.3} | {} | `{}` |\n",
            self.id,
            cpu.0,
            cpu.1,
            cpu.1 / cpu.0,
            wall.0,
            wall.1,
            wall.1 / wall.0,
            fsync,
            self::cpu(&self.limit),
            self::wall(&self.limit),
            self.peak_kib >> 10,
            self.options
        )
    }

    /// The goals that it misses.
    fn over(&self) -> Vec<String> {
        if self.not_run.is_some() {
            return Vec::new();
        }
        let goal = match self.class {
            Class::Warm => 1.3,
            Class::Reflink => 20.0,
            Class::Compress if self.id.ends_with("zlib") => 2.0,
            Class::Compress => 1.3,
            Class::Sparse | Class::Decompress => 1.0 / SLOWER,
        };
        let [cpu, wall] = self.figures();
        let mut over = Vec::new();
        if cpu.1 / cpu.0 < goal {
            over.push(format!(
                "{}: {:.2} times fewer CPU seconds, wanted {goal:.2}",
                self.id,
                cpu.1 / cpu.0
            ));
        }
        if wall.0 > wall.1 * SLOWER {
            over.push(format!(
                "{}: wall {:.3} s beside {:.3} s",
                self.id, wall.0, wall.1
            ));
        }
        if self.peak_kib > MOST_KIB {
            over.push(format!(
                "{}: {} MiB of memory",
                self.id,
                self.peak_kib >> 10
            ));
        }
        over
    }
}

fn least(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::INFINITY, f64::min)
}

fn cpu(runs: &[Run]) -> f64 {
    least(runs.iter().map(|run| run.cpu_seconds))
}

fn wall(runs: &[Run]) -> f64 {
    least(runs.iter().map(|run| run.seconds))
}

/// All of it.
pub(super) fn report(measured: &[Measured], rounds: usize) -> anyhow::Result<Report> {
    let version = Tool::new("qemu-img").arg("--version").capture()?;
    let peer = version.lines().next().unwrap_or_default();
    let mut text = format!(
        "Least of {rounds} rounds, in turn, in seconds; the peer is {peer}, each row with those of its options that took \
         the least processor time and the least wall time in a first try. Wall times are without our fsync, which the \
         peer does not do and which is told apart. `cp` copies the source's \
         file as it is, sharing its extents in the class reflink.\n"
    );
    for (name, class) in Class::ALL {
        let rows: Vec<&Measured> = measured.iter().filter(|one| one.class == class).collect();
        if rows.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "\n### {name}\n\n| row | CPU ours | CPU peer | ratio | wall ours | wall peer | ratio | fsync | `cp` CPU / wall | MiB | peer's options \
             |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        ));
        for row in rows {
            text.push_str(&row.markdown());
        }
    }
    let over: Vec<String> = measured.iter().flat_map(Measured::over).collect();
    if !over.is_empty() {
        text.push_str("\nMissed goals:\n\n");
        for line in &over {
            text.push_str(&format!("- {line}\n"));
        }
    }
    Ok(Report {
        text,
        over,
        missing: Vec::new(),
    })
}
