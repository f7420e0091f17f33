//! multipath: [multipath.conf(5)], and what multipathd keeps.

use detente_volume::FsError;

use crate::facts::{Evidence, Multipath, Setting};
use crate::files::Files;
use crate::settings::{drop_ins, lines};

const MAIN: &str = "/etc/multipath.conf";
/// Of `defaults` those that decide which disks are taken.
const DEFAULTS: [&str; 3] = ["find_multipaths", "user_friendly_names", "getuid_callout"];
const MAX_ENTRIES: usize = 1024;
const MAX_DEPTH: usize = 8;

pub(super) fn gather(files: Files<'_>) -> Result<Option<Multipath>, FsError> {
    let mut found = Multipath::default();
    let is_configured = files.is_file(MAIN)?;
    let mut paths = vec![MAIN.to_owned()];
    paths.extend(drop_ins::folder(files, "/etc/multipath/conf.d", ".conf")?);
    for path in paths {
        let text = files.text(&path)?.unwrap_or_default();
        found.settings.extend(settings(&path, &text));
    }
    let path = "/etc/multipath/wwids";
    for (number, line) in lines(&files.text(path)?.unwrap_or_default(), &['#']).take(MAX_ENTRIES) {
        let wwid = line.trim_matches('/');
        let at = Evidence::line(path, number);
        found.wwids.push(Setting::new("wwid", wwid, at));
    }
    let path = "/etc/multipath/bindings";
    for (number, line) in lines(&files.text(path)?.unwrap_or_default(), &['#']).take(MAX_ENTRIES) {
        if let Some((name, wwid)) = line.split_once(char::is_whitespace) {
            let at = Evidence::line(path, number);
            found.bindings.push(Setting::new(name, wwid.trim(), at));
        }
    }
    let is_empty = !is_configured && found == Multipath::default();
    Ok((!is_empty).then_some(found))
}

/// Sections in braces, one setting a line.
fn settings(path: &str, text: &str) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut sections: Vec<&str> = Vec::new();
    for (number, line) in lines(text, &['#', '!']) {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if let Some(name) = line.strip_suffix('{') {
            if sections.len() < MAX_DEPTH {
                sections.push(name.trim());
            }
        } else if line == "}" {
            sections.pop();
        } else if let Some((key, value)) = line.split_once(char::is_whitespace) {
            let name = match sections.first() {
                Some(&"defaults") if DEFAULTS.contains(&key) => key.to_owned(),
                Some(section) if section.starts_with("blacklist") => {
                    format!("{}.{key}", sections.join("."))
                }
                Some(&"multipaths") => format!("{}.{key}", sections.join(".")),
                Some(_) | None => continue,
            };
            let value = value.trim().trim_matches('"');
            all.push(Setting::new(name, value, Evidence::line(path, number)));
        }
    }
    all.truncate(MAX_ENTRIES);
    all
}

pub(super) fn exercise(text: &str) {
    settings("/x", text);
}
