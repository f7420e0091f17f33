//! BOOT-02: boot log clean.

use detente_evidence::{Check, Comparator, Outcome};
use serde::{Deserialize, Serialize};

use super::Execution;
use super::finding::{Finding, check, measured, number};
use crate::protocol::{KernelLog, KernelRecord};

/// Records of this syslog level and worse fail the case; the next level warns.
const ERROR_LEVEL: u8 = 3;

/// How many lines a message shows.
const SHOWN_LINES: usize = 3;

/// Kernel messages that are known to be harmless on the hardware that we show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowList {
    /// `detente/boot-log-allow-list/1`.
    pub schema: String,
    /// Counts up with every change.
    pub version: u32,
    /// The messages.
    pub messages: Vec<Allowed>,
}

/// One harmless message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The whole text of the record; `*` stands for any run of characters.
    pub text: String,
    /// Why it is harmless.
    pub why: String,
    /// Whether it is harmless only where the guest is emulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emulated_only: bool,
}

/// Why an allow-list could not be read.
#[derive(Debug, thiserror::Error)]
#[error("not a boot log allow-list")]
pub struct AllowListError(#[from] serde_json::Error);

impl AllowList {
    /// The list that comes with the program.
    #[must_use]
    pub fn built_in() -> Self {
        serde_json::from_str(include_str!("../../plans/boot-log-allow-list.json"))
            .expect("the built-in list was parsed in this crate's tests")
    }

    /// Whether the list allows a text where the guest is executed so.
    #[must_use]
    pub fn allows(&self, text: &str, execution: Execution) -> bool {
        self.messages.iter().any(|allowed| {
            let holds = !allowed.emulated_only || execution == Execution::Emulated;
            holds && matches(&allowed.text, text)
        })
    }
}

/// Judges the kernel's log.
#[must_use]
pub fn boot02(log: &KernelLog, allowed: &AllowList, execution: Execution) -> Finding {
    let outside: Vec<&KernelRecord> = log
        .records
        .iter()
        .filter(|record| record.facility == 0 && !allowed.allows(&record.text, execution))
        .collect();
    let (errors, warnings): (Vec<_>, Vec<_>) = outside
        .into_iter()
        .partition(|record| record.level <= ERROR_LEVEL);
    let checks = vec![whole(log), no_errors(&errors), few_warnings(&warnings)];
    let limit = Some((Comparator::AtMost, 0.0));
    let measurements = vec![
        measured("records seen", number(log.seen), "count", None),
        measured(
            "errors outside the list",
            number(errors.len() as u64),
            "count",
            limit,
        ),
        measured(
            "warnings outside the list",
            number(warnings.len() as u64),
            "count",
            None,
        ),
    ];
    Finding::of_checks(checks, measurements)
}

/// A log with holes proves nothing.
fn whole(log: &KernelLog) -> Check {
    let message = if log.truncated {
        "records of the kernel's log were lost before they could be read".to_owned()
    } else {
        format!("{} records read", log.seen)
    };
    check("whole log", !log.truncated && log.seen > 0, message)
}

fn no_errors(errors: &[&KernelRecord]) -> Check {
    if errors.is_empty() {
        return check("errors", true, "no error outside the allow-list");
    }
    check(
        "errors",
        false,
        format!(
            "{} errors outside the allow-list: {}",
            errors.len(),
            shown(errors)
        ),
    )
}

fn few_warnings(warnings: &[&KernelRecord]) -> Check {
    if warnings.is_empty() {
        return check("warnings", true, "no warning outside the allow-list");
    }
    Check {
        name: "warnings".to_owned(),
        outcome: Outcome::PassedWithWarning,
        message: format!(
            "{} warnings outside the allow-list: {}",
            warnings.len(),
            shown(warnings)
        ),
    }
}

/// The first few records.
fn shown(records: &[&KernelRecord]) -> String {
    let texts: Vec<_> = records
        .iter()
        .take(SHOWN_LINES)
        .map(|record| format!("{:?}", record.text))
        .collect();
    texts.join(", ")
}

/// Whether `pattern`, in which `*` stands for any run, is the whole of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(level: u8, text: &str) -> KernelLog {
        let record = KernelRecord {
            level,
            facility: 0,
            time_us: 1,
            text: text.to_owned(),
        };
        KernelLog {
            records: vec![record],
            seen: 400,
            truncated: false,
        }
    }

    fn list(text: &str) -> AllowList {
        let allowed = Allowed {
            text: text.to_owned(),
            why: "a test".to_owned(),
            emulated_only: false,
        };
        AllowList {
            schema: String::new(),
            version: 1,
            messages: vec![allowed],
        }
    }

    #[track_caller]
    fn check(log: &KernelLog, allowed: &AllowList, expect: Outcome) {
        let finding = boot02(log, allowed, Execution::Processor);
        assert_eq!(finding.outcome, expect, "{finding:?}");
    }

    #[test]
    fn the_built_in_list_parses_and_gives_reasons() {
        let list = AllowList::built_in();
        assert_eq!(list.schema, "detente/boot-log-allow-list/1");
        assert!(list.messages.iter().all(|allowed| !allowed.why.is_empty()));
        // A pattern of stars alone would allow whatever comes.
        assert!(
            !list
                .messages
                .iter()
                .any(|allowed| allowed.text.trim_matches('*').len() < 8)
        );
    }

    #[test]
    fn an_allowed_message_passes() {
        check(
            &log(3, "ata5: bad 17"),
            &list("ata*: bad *"),
            Outcome::Passed,
        );
    }

    #[test]
    fn what_is_harmless_in_emulation_only_fails_on_a_processor() {
        let mut allowed = list("rcu: stall");
        allowed.messages[0].emulated_only = true;
        let stalled = log(3, "rcu: stall");
        let emulated = boot02(&stalled, &allowed, Execution::Emulated);
        assert_eq!(emulated.outcome, Outcome::Passed);
        check(&stalled, &allowed, Outcome::Failed);
    }

    /// How the built-in list takes a record in emulation.
    #[track_caller]
    fn emulated(level: u8, text: &str, expect: Outcome) {
        let built_in = AllowList::built_in();
        let finding = boot02(&log(level, text), &built_in, Execution::Emulated);
        assert_eq!(finding.outcome, expect, "{text}");
    }

    /// The texts of Linux 6.1, kernel/time/clocksource.c, `clocksource_watchdog`.
    #[test]
    fn what_the_watchdog_of_clocks_says_is_harmless_in_emulation_only() {
        for text in [
            "clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable because the skew is too large:",
            "clocksource:                       'hpet' wd_nsec: 512 wd_now: 6d1 wd_last: 5f0 mask: ffffffff",
            "clocksource:                       'tsc' cs_nsec: 598 cs_now: 9a2 cs_last: 8b1 mask: ffffffffffffffff",
            "clocksource:                       'tsc' is current clocksource.",
            "clocksource:                       'hpet' (not 'tsc') is current clocksource.",
            "clocksource: timekeeping watchdog on CPU0: wd-tsc-wd excessive read-back delay of 812345ns vs. limit of 125000ns, wd-wd read-back delay only 9012ns, attempt 4, marking tsc unstable",
            "clocksource: Long readout interval, skipping watchdog check: cs_nsec: 9 wd_nsec: 8",
        ] {
            emulated(4, text, Outcome::Passed);
            check(&log(3, text), &AllowList::built_in(), Outcome::Failed);
        }
    }

    #[test]
    fn another_word_about_clocks_is_not_harmless() {
        let text = "clocksource: Override clocksource tsc is unstable and not HRT compatible - cannot switch while in HRT/NOHZ mode";
        emulated(3, text, Outcome::Failed);
        emulated(4, text, Outcome::PassedWithWarning);
    }

    /// Linux, kernel/hung_task.c: a disk that never answers shows so.
    #[test]
    fn a_hung_task_fails_even_in_emulation() {
        let text = "INFO: task jbd2/vda2-8:161 blocked for more than 120 seconds.";
        emulated(3, text, Outcome::Failed);
    }

    #[test]
    fn an_error_outside_the_list_fails() {
        check(&log(3, "disk on fire"), &list("ata*"), Outcome::Failed);
        check(&log(0, "disk on fire"), &list(""), Outcome::Failed);
    }

    #[test]
    fn a_warning_outside_the_list_warns() {
        check(
            &log(4, "disk is warm"),
            &list("ata*"),
            Outcome::PassedWithWarning,
        );
    }

    #[test]
    fn a_log_with_holes_fails() {
        let holed = KernelLog {
            truncated: true,
            ..log(4, "fine")
        };
        check(&holed, &list("fine"), Outcome::Failed);
        let empty = KernelLog {
            records: vec![],
            seen: 0,
            truncated: false,
        };
        check(&empty, &list(""), Outcome::Failed);
    }

    #[test]
    fn a_star_is_any_run_and_the_rest_is_exact() {
        assert!(matches("a*c", "abc"));
        assert!(matches("a*", "a"));
        assert!(matches("*", "anything"));
        assert!(!matches("a*c", "abcd"));
        assert!(!matches("abc", "abcd"));
        assert!(!matches("a*b*c", "acb"));
        assert!(!matches("", "x"));
    }
}
