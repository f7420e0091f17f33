//! `--prepare`: the disks are prepared first, and what comes of it is converted.
//!
//! `detente prepare` runs as a process of its own, as a user would call it: what it does to a guest
//! and how it clears up is its own affair.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use detente_disk::OpenOptions;
use detente_machine::MachineSpec;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::Wanted;
use super::folder::NewFolder;
use super::source::{Kind, Loaded};
use crate::failure::Failure;
use crate::{BAD, FINE, INTERRUPTED, disks, environment};

/// Where the prepared disks are until they are converted.
const WORK: &str = ".prepare";
/// What takes the preparation back; it fits the converted disks, too, whose content is the same.
const JOURNAL: &str = "prepare.journal";
/// How often is looked whether it ended.
const LOOK: Duration = Duration::from_millis(50);

/// What `detente prepare` answers, as far as it matters here.
#[derive(Deserialize)]
struct Answer {
    disks: Vec<Disk>,
    #[serde(default)]
    journal: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Disk {
    path: PathBuf,
}

/// Prepares the disks; the machine has the new ones from now on.
pub(super) fn prepare(
    wanted: &Wanted,
    loaded: &mut Loaded,
    folder: &NewFolder,
    cancel: &AtomicBool,
) -> Result<(), Failure> {
    if loaded.kind == Kind::Ovf {
        return Err(Failure::usage(
            "the disks of a package are prepared when they are files of their own".to_owned(),
            "convert without --prepare, and prepare the new disks; or unpack the package",
        ));
    }
    let work = folder.path(WORK);
    fs::create_dir(&work).map_err(cannot)?;
    let mut command = Command::new(environment::own_program().map_err(cannot)?);
    command
        .arg("prepare")
        .args(["--format", "json", "-O", "qcow2", "-o"]);
    let alone = loaded.images.len() == 1;
    command.arg(work.join(if alone { "disk.qcow2" } else { "disks" }));
    for (flag, values) in [
        ("--profile", wanted.profiles.clone()),
        ("--mac", macs(&loaded.spec)),
    ] {
        for value in values {
            command.arg(flag).arg(value);
        }
    }
    for path in &wanted.allow_path {
        command.arg("--allow-path").arg(path);
    }
    command
        .arg("--")
        .args(loaded.images.iter().map(|opened| &opened.path));
    let answer = run(&mut command, cancel)?;
    for (opened, disk) in loaded.images.iter_mut().zip(&answer.disks) {
        let allowed = [work.clone()];
        opened.image = disks::open_with(&disk.path, &allowed, &OpenOptions::default())?;
    }
    match answer.journal {
        Some(journal) => fs::rename(journal, folder.path(JOURNAL)).map_err(cannot),
        None => Ok(()),
    }
}

/// The prepared disks are not part of the result.
pub(super) fn clear(folder: &NewFolder) -> Result<(), Failure> {
    let work = folder.path(WORK);
    if !work.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&work).map_err(cannot)
}

fn cannot(error: std::io::Error) -> Failure {
    Failure::cannot_tell(error, None)
}

/// Names of interfaces are kept by them.
fn macs(spec: &MachineSpec) -> Vec<String> {
    let macs = spec.nics.iter().filter_map(|nic| nic.mac);
    macs.map(|mac| mac.to_string()).collect()
}

/// What it says beside its answer goes where ours goes.
fn run(command: &mut Command, cancel: &AtomicBool) -> Result<Answer, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(cannot)?;
    let stdout = child.stdout.take();
    let (code, answer) = thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.map(|mut stdout| stdout.read_to_end(&mut answer));
            read.transpose().map(|_| answer)
        });
        let code = wait(&mut child, cancel);
        (code, reader.join())
    });
    let code = code.map_err(cannot)?;
    let answer = answer.expect("reading does not panic").map_err(cannot)?;
    match code {
        Some(code) if code == i32::from(FINE) => serde_json::from_slice(&answer).map_err(|error| {
            let error = anyhow::Error::new(error).context("what `detente prepare` answered");
            Failure::cannot_tell(error, None)
        }),
        Some(code) if code == i32::from(BAD) => Err(Failure {
            error: anyhow::Error::msg("the guest is not ready, though it was prepared"),
            hint: Some(
                "`detente prepare` by itself says what is left, and who mends it".to_owned(),
            ),
            code: BAD,
        }),
        Some(code) if code == i32::from(INTERRUPTED) => Err(Failure {
            error: anyhow::Error::msg("interrupted"),
            hint: None,
            code: INTERRUPTED,
        }),
        Some(_) | None => Err(Failure::cannot_tell(
            anyhow::Error::msg("the guest could not be prepared"),
            Some("`detente prepare` by itself says why".to_owned()),
        )),
    }
}

/// Ends it, too, when we are to end.
fn wait(child: &mut Child, cancel: &AtomicBool) -> std::io::Result<Option<i32>> {
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if cancel.load(Ordering::Relaxed) && !told {
            told = true;
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        thread::park_timeout(LOOK);
    }
}
