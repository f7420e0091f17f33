//! The answer for people.

use super::super::source;
use super::Described;
use crate::page::{Page, size};

/// The whole page.
pub(super) fn page(chains: &[Vec<Described>]) -> String {
    let mut page = Page::default();
    for file in chains.iter().flatten() {
        describe(&mut page, file);
    }
    page.finish()
}

fn describe(page: &mut Page, file: &Described) {
    let exact = |bytes| format!("{} ({bytes} bytes)", size(bytes));
    page.heading(&file.name.display().to_string());
    page.line("format", source::name(file.layer.format));
    page.line("virtual size", &exact(file.layer.virtual_size));
    page.line("file size", &exact(file.file_bytes));
    page.line("on disk", &size(file.allocated_bytes));
    if let Some(unit) = file.facts.unit_bytes {
        page.line("unit", &size(unit));
    }
    if file.facts.dirty {
        page.line("closed", "no: it was not closed as it should have been");
    }
    for (name, value) in &file.facts.rows {
        page.line(name, value);
    }
    if let Some(parent) = &file.facts.parent {
        let names = parent.names.join(", or ");
        let format = parent.format.as_ref().map(|format| format!(" ({format})"));
        page.line(
            "rests on",
            &format!("{names}{}", format.unwrap_or_default()),
        );
    }
}
