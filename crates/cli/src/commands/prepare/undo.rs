//! `detente prepare --undo`: takes back what a journal says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use detente_guest::prepare::Journal;
use detente_validate::prepare::{UndoRequest, read_journal, undo};

use super::{Arguments, done, failure, hosts, live, look, settle, with_paths};
use crate::failure::Failure;
use crate::output::Output;
use crate::{disks, interrupt};

pub(super) fn run(
    arguments: &Arguments,
    folder: &Path,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    settle(Some(arguments.out.as_deref().unwrap_or(folder)), out)?;
    let journal = read_journal(folder).map_err(failure)?;
    let paths = match arguments.images.as_slice() {
        [] => beside(folder, &journal)?,
        named => named.to_vec(),
    };
    let images = disks::open_all(&paths, &arguments.allow_path)?;
    let guest = look(&images, &paths)?;
    let hosts = hosts::Found::new(super::choice(arguments));
    let cancel = interrupt::watch()?;
    let request = UndoRequest {
        disks: with_paths(&paths, images),
        guest: &guest,
        journal,
        folder: folder.to_owned(),
        with: arguments
            .wanted(paths)
            .surroundings(arguments.destination()?, &hosts, &cancel),
    };
    let mut live = live::Live::new(out);
    let outcome = undo(request, &mut live).map_err(failure)?;
    done::print(&outcome, None, arguments.format, out)
}

/// The disks that a journal lies beside: `OUT` of `OUT.journal`, the files in it where it is a
/// folder, or files beside it.
fn beside(folder: &Path, journal: &Journal) -> Result<Vec<PathBuf>, Failure> {
    let one = folder.with_extension("");
    let above = match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) | None => Path::new("."),
    };
    let place = if one.is_dir() { one.as_path() } else { above };
    if journal.output.len() == 1 && one.is_file() {
        return Ok(vec![one]);
    }
    let named = journal.output.iter().map(|disk| {
        let name = Path::new(&disk.path)
            .file_name()
            .map(|name| place.join(name));
        name.ok_or_else(|| {
            Failure::usage(
                format!("{} does not say which disk it is of", folder.display()),
                "name the disks before --undo",
            )
        })
    });
    named.collect()
}
