//! What the machine is that something was measured on.

use anyhow::Context;

use crate::say::say;
use crate::tool::{Tool, exists};

/// A machine that does more than this beside us is no place for measurements.
const QUIET_LOAD: f64 = 0.5;

/// One paragraph: processor, memory, kernel, QEMU, date.
pub(super) fn facts() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let cpuinfo = read("/proc/cpuinfo")?;
    let cpu = field(&cpuinfo, "model name").unwrap_or("unknown processor");
    let meminfo = read("/proc/meminfo")?;
    let memory_kib: u64 = field(&meminfo, "MemTotal")
        .and_then(|value| value.strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or("?");
    if load.parse().is_ok_and(|load: f64| load > QUIET_LOAD) {
        say(&format!(
            "warning: this machine is busy (load {load}): do not believe the numbers"
        ));
    }
    let date = Tool::new("date").args(["-u", "+%F"]).capture()?;
    Ok(format!(
        "Measured on {}: {cores} × {cpu}, {} MiB, Linux {}, {}; load {load} when it began.",
        date.trim(),
        memory_kib / 1024,
        kernel.trim(),
        qemu()?
    ))
}

fn qemu() -> anyhow::Result<String> {
    const QEMU: &str = "qemu-system-x86_64";
    if !exists(QEMU) {
        return Ok("no QEMU".to_owned());
    }
    let said = Tool::new(QEMU).arg("--version").capture()?;
    let first = said.lines().next().unwrap_or_default();
    Ok(first.replace("emulator version ", ""))
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.to_owned())
}

/// The first value of a key in `/proc`'s way of writing.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}
