//! The project's own chores: `cargo xtask images|demo|tidy|check|test|differential|prediction|guests|bench`.
//!
//! Nothing here is shipped. Every chore runs from anywhere in the workspace
//! and can be run by hand; CI calls the same ones.

mod bench;
mod check;
mod demo;
mod differential;
mod guests;
mod images;
mod parts;
mod prediction;
mod say;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

use say::say;

const USAGE: &str = "\
usage: cargo xtask CHORE
  images [NAME...]  build demo guests, test guests and the lab's kernel (all without a name; --list names them;
                    prepare: the servers that prepare is tried on, which nothing else makes)
  demo [--extended] [NAME...]
                    what `make demo` shows: guests on both sides' hardware, checked (release build, images);
                    --extended: the one-sided ones then prepared, booted again and taken back
  tidy              the direction of dependencies, file sizes, first pages, unsafe
  check             what CI runs without guests: format, clippy, tidy, tests, docs, licences
  test [PART...]    the parts of `make test`, with their times: build, unit, hostile, images, boots
                    (--strict fails over a part's budget)
  differential [PART...]
                    what we read beside what independent tools read: initramfs, packages, volumes,
                    libguestfs (release build, images)
  prediction [--seen] [GUEST...]
                    what check says of booting beside what validate sees, into docs/prediction.md
                    (release build, images; --seen boots nothing)
  guests [--plan PLAN] [--profile PROFILE]... [--no-boot] [--out DIR] DIR
                    inspect, check and validate over a folder of real images, into one table that can be
                    shared (release build)
  bench [NAME...]   how fast we are, beside peers, into docs/benchmarks.md: validate, inspect, digest,
                    ring, storvsc, disk, prepare
                    (--check fails over a limit, --pairs N is a trial)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = arguments
        .split_first()
        .map_or(("", &[][..]), |(first, rest)| (first, rest));
    let outcome = match chore {
        "images" => images::run(rest),
        "demo" => demo::run(rest),
        "tidy" => tidy::run(),
        "check" => check::run(),
        "test" => parts::run(rest),
        "differential" => differential::run(rest),
        "prediction" => prediction::run(rest),
        "guests" => guests::run(rest),
        "bench" => bench::run(rest),
        _ => {
            say(USAGE);
            return ExitCode::from(64);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
