//! How the guest starts.

use detente_guest::facts::{Boot, DefaultEntry, Entry, EntryKind, Facts, Kernel, Loader, Place};

use crate::page::Page;

/// Menu lines shown; the rest is counted. `--format json` has all.
const MENU_LINES: usize = 12;

/// The loader, what it would start, its menu, and the kernels that are there.
pub(super) fn boot(page: &mut Page, facts: &Facts) {
    let boot = &facts.boot;
    page.heading("Boot");
    let loader = match boot.loader {
        Loader::Grub2 => "GRUB 2",
        Loader::SystemdBoot => "systemd-boot",
        Loader::Uki => "unified kernel image, started by the firmware",
        Loader::GrubLegacy => "GRUB Legacy",
        Loader::Syslinux => "syslinux",
        Loader::Unknown => "unknown",
    };
    match &boot.config {
        Some(config) => page.line("loader", &format!("{loader}, {}", config)),
        None => page.line("loader", loader),
    }
    if let Some(default) = &boot.default {
        default_entry(page, boot, default);
    }
    menu(page, boot);
    kernels(page, facts);
}

fn default_entry(page: &mut Page, boot: &Boot, default: &DefaultEntry) {
    let title = boot
        .entries
        .get(default.index)
        .map_or("", |entry| entry.title.as_str());
    page.line("starts", title);
    page.line("why", &default.why.to_string());
    if let Some(kernel) = &default.kernel {
        page.line("kernel", &kernel.to_string());
    }
    if let Some(release) = &default.kernel_release {
        page.line("release", release);
    }
    for (index, file) in default.initramfs.iter().enumerate() {
        page.line(if index == 0 { "initramfs" } else { "" }, &file.to_string());
    }
    if let Some(line) = &default.command_line {
        page.line("command line", line);
    }
    if let Some(root) = &default.root {
        let target = root
            .volume
            .map_or("not there".to_owned(), |id| id.to_string());
        page.line("root", &format!("{}, {target}", root.spec));
    }
}

fn menu(page: &mut Page, boot: &Boot) {
    if boot.entries.is_empty() {
        return;
    }
    page.heading("Menu");
    let default = boot.default.as_ref().map(|default| default.index);
    for (index, entry) in boot.entries.iter().take(MENU_LINES).enumerate() {
        let mark = if Some(index) == default { ">" } else { " " };
        page.item(mark, &format!("{}{}", entry.title, other(entry)));
    }
    if let Some(more) = boot
        .entries
        .len()
        .checked_sub(MENU_LINES)
        .filter(|&more| more > 0)
    {
        page.item(" ", &format!("and {more} more"));
    }
}

/// What an entry does that starts no Linux.
fn other(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Linux { .. } | EntryKind::Uki { .. } => String::new(),
        EntryKind::Other { what } => format!("  ({what})"),
    }
}

fn kernels(page: &mut Page, facts: &Facts) {
    if facts.kernels.is_empty() {
        return;
    }
    page.heading("Kernels");
    let row = |kernel: &Kernel| {
        vec![
            kernel.release.clone(),
            kernel
                .image
                .as_ref()
                .map_or("no image".to_owned(), Place::to_string),
            if kernel.modules {
                "with modules"
            } else {
                "no modules"
            }
            .to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = facts.kernels.iter().map(row).collect();
    page.table(&rows);
}
