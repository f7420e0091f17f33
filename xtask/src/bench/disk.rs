//! `detente image convert` beside `qemu-img convert` with its best options, in turn, on volumes of
//! three file systems.
//!
//! The rows are committed in `rows.txt`; each is measured or said to be not measured. With
//! `DETENTE_BENCH_ROWS` some are measured and kept; the page is written once all of them are there,
//! measured with the same program.

mod kept;
mod peer;
mod row;
mod sources;
mod table;
mod volume;

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Context;

use super::measure::{Run, measure, measure_into};
use super::scratch::Scratch;
use super::{PAIRS, Report, Setup, program};
use crate::say::say;
use crate::tool::Tool;
use kept::Kept;
use peer::Options;
use row::{Class, Row, Volume};
use table::Measured;

/// How often each side is measured, in turn: the smallest wall time of so many counts.
const ROUNDS: usize = 7;

pub(super) fn run(setup: &Setup) -> anyhow::Result<Report> {
    build()?;
    let rounds = if setup.pairs == PAIRS {
        ROUNDS
    } else {
        setup.pairs
    };
    let rows = row::all()?;
    let only = std::env::var("DETENTE_BENCH_ROWS").unwrap_or_default();
    let mut measured = Vec::new();
    let scratch = Scratch::new()?;
    for volume in Volume::ALL {
        let wanted: Vec<&Row> = rows
            .iter()
            .filter(|row| row.volume == volume && row.id.contains(&only))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        match volume::mount(scratch.path(), volume) {
            Ok(place) => on_volume(place.path(), &wanted, rounds, &mut measured)?,
            Err(error) => {
                let why = format!("{error:#}");
                measured.extend(wanted.iter().map(|row| Measured::not_run(row, &why)));
            }
        }
    }
    if rounds != ROUNDS {
        return table::report(&measured, rounds);
    }
    let mut kept = Kept::load()?;
    for one in &measured {
        kept.add(one.clone())?;
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    match kept.take(&ids) {
        Ok(all) => table::report(&all, rounds),
        Err(missing) => Ok(Report {
            missing,
            ..table::report(&measured, rounds)?
        }),
    }
}

/// The program as users have it.
fn build() -> anyhow::Result<()> {
    Tool::new("cargo")
        .args(["build", "--release", "--locked", "--package", "detente-cli"])
        .args(["--bin", "detente"])
        .run()
}

fn on_volume(
    place: &Path,
    rows: &[&Row],
    rounds: usize,
    measured: &mut Vec<Measured>,
) -> anyhow::Result<()> {
    for row in rows {
        sources::make(place, &row.source).with_context(|| row.source.clone())?;
    }
    for row in rows {
        say(&format!("{}:", row.id));
        let result = one(place, row, rounds).with_context(|| row.id.clone())?;
        say(&format!("  {}", result.line()));
        measured.push(result);
    }
    Ok(())
}

/// One row: what is right first, then the rounds.
fn one(place: &Path, row: &Row, rounds: usize) -> anyhow::Result<Measured> {
    let source = place.join(&row.source);
    let (ours, theirs) = (place.join("ours"), place.join("theirs"));
    let (our, _) = convert(&source, row, &ours)?;
    same(&source, row, &ours)?;
    let mut best = peer::best(&source, row, &theirs)?;
    let mut measured = Measured::of(row, &best);
    measured.peak_kib = our.peak_kib;
    for _ in 0..rounds {
        let (run, fsync) = convert(&source, row, &ours)?;
        measured.add_ours(run, fsync);
        for options in &mut best {
            measured.add_theirs(options.run(&source, row, &theirs)?);
        }
        measured.add_limit(copy(&source, row, &theirs)?);
    }
    remove(&ours);
    remove(&theirs);
    Ok(measured)
}

/// Our conversion, and the seconds of its fsync.
fn convert(source: &Path, row: &Row, to: &Path) -> anyhow::Result<(Run, f64)> {
    settle(to)?;
    let report = to.with_extension("report");
    let arguments = row.our_arguments(source, to);
    let run = measure_into(&report, program("detente"), arguments)?;
    let text = std::fs::read_to_string(&report).context("our report")?;
    let report: serde_json::Value = serde_json::from_str(&text).context("our report")?;
    let flush_ms = report["images"][0]["flush_ms"].as_f64();
    let flush_ms = flush_ms.context("our report says nothing of the flush")?;
    Ok((run, flush_ms / 1000.0))
}

/// What copying the source's file as it is takes: the limit of what can be done.
fn copy(source: &Path, row: &Row, to: &Path) -> anyhow::Result<Run> {
    settle(to)?;
    let reflink = match row.class {
        Class::Reflink => "--reflink=always",
        Class::Warm | Class::Sparse | Class::Compress | Class::Decompress => "--reflink=never",
    };
    let arguments = [OsStr::new(reflink), source.as_os_str(), to.as_os_str()];
    measure("cp", arguments)
}

/// The guest's bytes are the same, by the peer's word.
fn same(source: &Path, row: &Row, ours: &Path) -> anyhow::Result<()> {
    let (from, to) = (row.source_format(), row.target.qemu_format());
    Tool::new("qemu-img")
        .args(["compare", "-f", from, "-F", to])
        .args([source, ours])
        .capture()
        .map(drop)
}

/// Nothing of earlier runs is still being written, and what is to be written is not there.
fn settle(output: &Path) -> anyhow::Result<()> {
    remove(output);
    Tool::new("sync").capture().map(drop)
}

fn remove(file: &Path) {
    // It need not be there.
    let _ = std::fs::remove_file(file);
}

/// The peer's options of a row that did best.
type Best = Vec<Options>;
