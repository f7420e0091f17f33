//! Every conversion among the formats and their variants.
//!
//! Sources are made by qemu-img, and by us where it makes none. What each holds is said by the recipe
//! or by qemu-img; results are read by qemu-img where it can, by another reader where it cannot,
//! and by ours.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test panics, and says aloud what it skips and counts"
)]

mod content;
mod judge;
mod sources;
mod targets;

use std::path::Path;
use std::sync::Arc;

use detente_block::{DirectoryGate, FileBackend};
use detente_copy::{ConvertOptions, Unwatched, Zeroes, convert};
use detente_disk::Image;

use sources::Source;
use targets::Output;

fn open(path: &Path) -> Image {
    let file = Arc::new(FileBackend::open(path).unwrap());
    let gate = DirectoryGate::beside(path);
    detente_disk::open(path, file, &gate)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Converts every source into one kind of target.
#[track_caller]
fn check(test: &str, outputs: &[Output], zeroes: Zeroes) {
    let place = tempfile::tempdir().unwrap();
    let Some(sources) = sources::all(test, place.path()) else {
        return;
    };
    let mut pairs = 0;
    for output in outputs {
        for source in &sources {
            one(place.path(), source, output, zeroes);
            pairs += 1;
        }
    }
    eprintln!("{pairs} pairs");
}

#[track_caller]
fn one(place: &Path, source: &Source, output: &Output, zeroes: Zeroes) {
    let to = place.join(format!("out.{}", output.name));
    let options = ConvertOptions {
        zeroes,
        ..ConvertOptions::default()
    };
    let what = format!("{} to {}", source.name, output.name);
    convert(
        &open(&source.path),
        &output.target,
        &to,
        &options,
        &Unwatched,
    )
    .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    judge::ours(&what, &to, &source.content);
    judge::others(&what, &to, output, source);
    std::fs::remove_file(&to).unwrap();
}

#[test]
fn everything_becomes_raw() {
    check("everything_becomes_raw", &targets::raw(), Zeroes::AsMapped);
}

#[test]
fn everything_becomes_qcow2() {
    check(
        "everything_becomes_qcow2",
        &targets::qcow2(),
        Zeroes::AsMapped,
    );
}

#[test]
fn everything_becomes_compressed_qcow2() {
    check(
        "everything_becomes_compressed_qcow2",
        &targets::compressed(),
        Zeroes::AsMapped,
    );
}

#[test]
fn everything_becomes_vhdx() {
    check(
        "everything_becomes_vhdx",
        &targets::vhdx(),
        Zeroes::AsMapped,
    );
}

#[test]
fn everything_becomes_vhd() {
    check("everything_becomes_vhd", &targets::vhd(), Zeroes::AsMapped);
}

#[test]
fn everything_becomes_everything_where_zeroes_are_looked_for() {
    let outputs: Vec<Output> = [
        targets::raw(),
        targets::qcow2(),
        targets::vhdx(),
        targets::vhd(),
    ]
    .into_iter()
    .filter_map(|outputs| outputs.into_iter().next())
    .collect();
    check(
        "everything_becomes_everything_where_zeroes_are_looked_for",
        &outputs,
        Zeroes::Detect,
    );
}
