//! chrony: [chrony.conf(5)].

use std::collections::BTreeSet;

use detente_volume::FsError;

use crate::facts::{Evidence, Setting, TimeSync};
use crate::files::Files;
use crate::settings::{drop_ins, lines, words};

/// Files that are read because another one names them.
const MAX_FILES: usize = 128;

pub(super) fn gather(files: Files<'_>, own: &mut TimeSync) -> Result<(), FsError> {
    let mut queue = vec![
        "/etc/chrony.conf".to_owned(),
        "/etc/chrony/chrony.conf".to_owned(),
    ];
    let mut seen = BTreeSet::new();
    while let Some(path) = queue.pop() {
        if seen.len() >= MAX_FILES || !seen.insert(path.clone()) {
            continue;
        }
        let text = files.text(&path)?.unwrap_or_default();
        let mut further = Vec::new();
        for source in parse(&path, &text, own) {
            further.extend(sources(files, &source)?);
        }
        further.reverse();
        queue.extend(further);
    }
    Ok(())
}

/// What a line asks to be read as well.
enum Source {
    /// `include` with a pattern.
    Files(String),
    /// `confdir`, `sourcedir`: the files with this end.
    Folder(String, &'static str),
}

fn sources(files: Files<'_>, source: &Source) -> Result<Vec<String>, FsError> {
    match source {
        Source::Folder(folder, end) => drop_ins::folder(files, folder, end),
        Source::Files(path) => {
            let (folder, pattern) = path.rsplit_once('/').unwrap_or(("/", path));
            let names = files.list(folder)?.into_iter();
            Ok(names
                .filter(|name| words::fits(pattern, name))
                .take(MAX_FILES)
                .map(|name| format!("{folder}/{name}"))
                .collect())
        }
    }
}

fn parse(path: &str, text: &str, own: &mut TimeSync) -> Vec<Source> {
    let mut sources = Vec::new();
    for (number, line) in lines(text, &['#', '!', ';', '%']) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let word = word.to_ascii_lowercase();
        let rest = rest.trim();
        let setting = || Setting::new(&word, rest, Evidence::line(path, number));
        match word.as_str() {
            "server" | "pool" | "peer" => own.servers.push(setting()),
            "refclock" => own.reference_clocks.push(setting()),
            "makestep" => own.steps.push(setting()),
            "include" => sources.push(Source::Files(rest.to_owned())),
            "confdir" => sources.extend(folders(rest, ".conf")),
            "sourcedir" => sources.extend(folders(rest, ".sources")),
            _ => (),
        }
    }
    sources
}

fn folders(rest: &str, end: &'static str) -> impl Iterator<Item = Source> {
    rest.split_whitespace()
        .map(move |folder| Source::Folder(folder.to_owned(), end))
}

pub(super) fn exercise(text: &str) {
    let mut own = super::empty(crate::facts::TimeProgram::Chrony);
    parse("/x", text, &mut own);
}
