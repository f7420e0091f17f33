//! fstab, crypttab and mdadm.conf, with their lines.

use detente_volume::FsError;

use crate::facts::{CryptMapping, Evidence, Setting};
use crate::files::Files;
use crate::settings::{MAX_LINES, lines};

/// More lines than any machine mounts.
const MAX_ENTRIES: usize = 1024;

/// The devices of [fstab(5)]; the name is where each is mounted, or `swap`.
pub(super) fn fstab(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let path = "/etc/fstab";
    let text = files.text(path)?.unwrap_or_default();
    let setting = |(number, line): (u32, &str)| {
        let mut fields = line.split_whitespace();
        let (device, point) = (fields.next()?, fields.next()?);
        let is_swap = fields.next() == Some("swap");
        let name = if is_swap { "swap" } else { point };
        Some(Setting::new(name, device, Evidence::line(path, number)))
    };
    Ok(lines(&text, &['#'])
        .filter_map(setting)
        .take(MAX_ENTRIES)
        .collect())
}

/// [crypttab(5)].
pub(super) fn crypttab(files: Files<'_>) -> Result<Vec<CryptMapping>, FsError> {
    let path = "/etc/crypttab";
    Ok(mappings(path, &files.text(path)?.unwrap_or_default()))
}

fn mappings(path: &str, text: &str) -> Vec<CryptMapping> {
    let mapping = |(number, line): (u32, &str)| {
        let mut fields = line.split_whitespace().map(str::to_owned);
        Some(CryptMapping {
            name: fields.next()?,
            device: fields.next()?,
            key: fields.next().unwrap_or_else(|| "none".to_owned()),
            options: fields.next().unwrap_or_default(),
            at: Evidence::line(path, number),
        })
    };
    lines(text, &['#'])
        .filter_map(mapping)
        .take(MAX_ENTRIES)
        .collect()
}

/// [mdadm.conf(5)]: a line that begins with a blank goes on with the one before.
pub(super) fn mdadm(files: Files<'_>) -> Result<Vec<Setting>, FsError> {
    let mut all = Vec::new();
    for path in ["/etc/mdadm.conf", "/etc/mdadm/mdadm.conf"] {
        let text = files.text(path)?.unwrap_or_default();
        all.extend(arrays(path, &text));
    }
    Ok(all)
}

fn arrays(path: &str, text: &str) -> Vec<Setting> {
    let mut all: Vec<Setting> = Vec::new();
    for (number, line) in (1..).zip(text.lines().take(MAX_LINES)) {
        let words = line.trim();
        if words.is_empty() || words.starts_with('#') || all.len() >= MAX_ENTRIES {
            continue;
        }
        match all.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(last) => {
                last.value.push(' ');
                last.value.push_str(words);
            }
            None => {
                let (word, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
                let at = Evidence::line(path, number);
                let name = word.to_ascii_uppercase();
                all.push(Setting::new(name, rest.trim(), at));
            }
        }
    }
    let wanted = ["ARRAY", "DEVICE", "AUTO", "HOMEHOST", "POLICY"];
    all.retain(|own| wanted.contains(&own.name.as_str()));
    all
}

pub(super) fn exercise(text: &str) {
    mappings("/x", text);
    arrays("/x", text);
}
