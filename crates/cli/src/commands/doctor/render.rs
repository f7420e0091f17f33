//! The report as a page.

use super::report::{Check, ProfileState, Report, State, Verdict};

/// The page, with a line feed at its end.
pub(crate) fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "détente {} on {}, Linux {}",
        report.version, report.machine.architecture, report.machine.kernel
    )];
    lines.push(String::new());
    report
        .checks
        .iter()
        .for_each(|check| check_lines(check, &mut lines));
    lines.extend([String::new(), "Hardware profiles:".to_owned()]);
    for profile in &report.profiles {
        profile_lines(profile, &mut lines);
    }
    lines.extend([String::new(), "Not needed:".to_owned()]);
    lines.extend(report.not_needed.iter().map(|text| format!("  {text}")));
    lines.extend([String::new(), sentence(report).to_owned(), String::new()]);
    lines.join("\n")
}

fn check_lines(check: &Check, lines: &mut Vec<String>) {
    lines.push(format!(
        "{:<8} {:<13} {}",
        word(check.state),
        check.id,
        check.message
    ));
    let Some(remedy) = &check.remedy else {
        return;
    };
    lines.push(format!("{:23}way out: {}", "", remedy.sentence));
    for command in &remedy.commands {
        let system = match command.system {
            "any" => String::new(),
            system => format!("{system}: "),
        };
        lines.push(format!("{:25}{system}{}", "", command.command));
    }
}

fn profile_lines(profile: &ProfileState, lines: &mut Vec<String>) {
    lines.push(format!(
        "  {:<8} {:<12} {}",
        word(profile.state),
        profile.name,
        profile.hardware
    ));
    if !profile.needs.is_empty() {
        lines.push(format!("{:23}needs: {}", "", profile.needs.join(", ")));
    }
    if !profile.missing.is_empty() {
        lines.push(format!("{:23}missing: {}", "", profile.missing.join(", ")));
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Fine => "fine",
        State::Lacking => "lacking",
        State::Missing => "missing",
        State::Unknown => "unknown",
    }
}

fn sentence(report: &Report) -> &'static str {
    let lacking = report
        .checks
        .iter()
        .any(|check| check.state == State::Lacking);
    match report.verdict {
        Verdict::Fine if lacking => "Validation can run here, with less than it could have.",
        Verdict::Fine => "Validation can run here.",
        Verdict::Bad => "Validation cannot run here: something required is missing.",
        Verdict::CouldNotTell => "It could not be told whether validation can run here.",
    }
}
