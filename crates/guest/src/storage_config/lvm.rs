//! LVM: [lvm.conf(5)] and the devices file, [lvmdevices(8)].

use detente_volume::FsError;

use crate::facts::{Evidence, Lvm, LvmDevice, Setting};
use crate::files::Files;
use crate::settings::lines;

/// Later files count before earlier ones.
const CONFIGS: [&str; 2] = ["/etc/lvm/lvm.conf", "/etc/lvm/lvmlocal.conf"];
const DEVICES: &str = "/etc/lvm/devices";
/// More entries than a devices file has.
const MAX_DEVICES: usize = 4096;
/// A longer list of patterns is cut.
const MAX_LIST_BYTES: usize = 4096;

pub(super) fn gather(files: Files<'_>) -> Result<Lvm, FsError> {
    let mut lvm = Lvm::default();
    let mut name = "system.devices".to_owned();
    for path in CONFIGS {
        for own in settings(path, &files.text(path)?.unwrap_or_default()) {
            match own.name.as_str() {
                "use_devicesfile" => lvm.use_devices_file = Some(own),
                "devicesfile" => name = own.value,
                "filter" | "global_filter" => lvm.filters.push(own),
                _ => (),
            }
        }
    }
    let path = format!("{DEVICES}/{name}");
    if let Some(text) = files.text(&path)? {
        lvm.devices = devices(&path, &text);
        lvm.devices_file = Some(Evidence::path(path));
    }
    Ok(lvm)
}

/// `key = value`, where a value in brackets may take several lines. Sections are passed over: the
/// names that are looked for stand in one only.
fn settings(path: &str, text: &str) -> Vec<Setting> {
    let mut all: Vec<Setting> = Vec::new();
    let mut is_open = false;
    for (number, line) in lines(text, &['#']) {
        let line = without_comment(line);
        if is_open {
            if let Some(last) = all
                .last_mut()
                .filter(|own| own.value.len() < MAX_LIST_BYTES)
            {
                last.value.push(' ');
                last.value.push_str(line);
            }
            is_open = !line.contains(']');
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            let at = Evidence::line(path, number);
            is_open = value.starts_with('[') && !value.contains(']');
            // devices/filter = …: a name with its section.
            let key = key.trim().rsplit('/').next().unwrap_or_default();
            all.push(Setting::new(key, value.trim_matches('"'), at));
        }
    }
    all
}

/// A `#` outside of quotes begins a comment.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (index, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return line.get(..index).unwrap_or(line).trim_end(),
            _ => (),
        }
    }
    line
}

/// `IDTYPE=sys_wwid IDNAME=… DEVNAME=… PVID=… PART=2`.
fn devices(path: &str, text: &str) -> Vec<LvmDevice> {
    let device = |(number, line): (u32, &str)| {
        let value = |key: &str| {
            line.split_whitespace()
                .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
                .filter(|value| *value != ".")
                .map(str::to_owned)
        };
        Some(LvmDevice {
            id_type: value("IDTYPE")?,
            id_name: value("IDNAME")?,
            device_name: value("DEVNAME"),
            pvid: value("PVID"),
            partition: value("PART").and_then(|part| part.parse().ok()),
            at: Evidence::line(path, number),
        })
    };
    lines(text, &['#'])
        .filter_map(device)
        .take(MAX_DEVICES)
        .collect()
}

pub(super) fn exercise(text: &str) {
    settings("/x", text);
    devices("/x", text);
}
