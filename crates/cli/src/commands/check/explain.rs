//! What a rule is, and which there are.

use detente_guest::check::{Basis, By, Profile, Rule, rule as find, rules};

use super::render::severity;
use crate::failure::Failure;
use crate::page::Page;

/// One rule, in full.
pub(super) fn rule(id: &str) -> Result<String, Failure> {
    let rule = find(id).ok_or_else(|| {
        let message = format!("there is no rule {id:?}");
        Failure::usage(message, "`detente check --list` names them all")
    })?;
    let mut page = Page::default();
    page.heading(rule.id);
    page.line("", rule.title);
    page.line("severity", severity(rule.severity));
    page.line("about", rule.aspect.name());
    page.line("profiles", &profiles(rule.profiles));
    page.line("follows", rule.consequence);
    page.line("helps", rule.remedy);
    page.line("done by", by(rule.by));
    page.line("rests on", basis(rule.basis));
    page.line("source", rule.source);
    Ok(page.finish())
}

/// All rules, a line each.
pub(super) fn list() -> String {
    let row = |rule: &Rule| {
        let cells = [rule.id, severity(rule.severity), rule.title];
        cells.map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = rules().map(row).collect();
    let mut page = Page::default();
    page.heading(&format!("{} rules", rows.len()));
    page.table(&rows);
    page.finish()
}

/// Their names.
pub(super) fn profiles(profiles: &[Profile]) -> String {
    let names: Vec<&str> = profiles.iter().map(|own| own.name()).collect();
    names.join(", ")
}

/// Who does it, in words.
pub(in crate::commands) fn by(by: By) -> &'static str {
    match by {
        By::Prepare => "`detente prepare`",
        By::Hand => "somebody, in the guest",
        By::Machine => "a setting of the new machine",
    }
}

/// What it rests on, in words.
pub(super) fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Seen => "seen on a machine of ours",
        Basis::Documented => "documents or source code, not seen here",
        Basis::Inferred => "inference: unproven",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const PAGE: &str = "../../docs/rules.md";

    /// `docs/rules.md`, made from the table.
    fn page() -> String {
        let mut page = String::from(HEAD);
        for rule in rules() {
            let _ = write!(
                page,
                "\n## {}\n\n{}.\n\n| | |\n|---|---|\n| severity | {} |\n| about | {} |\n\
                 | profiles | {} |\n| what follows | {} |\n| what helps | {} |\n| done by | {} |\n\
                 | rests on | {} |\n| source | {} |\n",
                rule.id,
                cell(&capital(rule.title)),
                severity(rule.severity),
                rule.aspect.name(),
                profiles(rule.profiles),
                cell(rule.consequence),
                cell(rule.remedy),
                by(rule.by),
                basis(rule.basis),
                cell(rule.source),
            );
        }
        page
    }

    const HEAD: &str = "# Rules of `detente check`\n\n\
        Made from the table of rules in `crates/guest/src/check/rules`; a test compares this page \
        with it, and\n`DETENTE_WRITE_RULES=1 cargo test -p detente-cli --lib rules_page` writes it \
        anew. What severities, profiles and\n*unproven* mean is said in \
        [guide/check.md](guide/check.md).\n";

    fn capital(text: &str) -> String {
        let mut letters = text.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    fn cell(text: &str) -> String {
        text.replace('|', "\\|")
    }

    #[test]
    fn rules_page_equals_the_table() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        if std::env::var_os("DETENTE_WRITE_RULES").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(
            written == page(),
            "docs/rules.md is not made from this table"
        );
    }

    #[test]
    fn a_rule_is_explained_and_an_unknown_one_is_wrong_usage() {
        let text = rule("linux.initramfs.storvsc-missing").unwrap();
        assert!(
            text.contains("hv_storvsc is not in the initramfs"),
            "{text}"
        );
        assert!(text.contains("ata_piix"), "{text}");
        assert_eq!(rule("linux.no-such.rule").unwrap_err().code, crate::USAGE);
        assert!(list().lines().count() > 45);
    }
}
