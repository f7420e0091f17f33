//! CRS-03: a crash is told to the host.

use detente_evidence::Outcome;

use super::finding::{Finding, check, check_as};

/// What the host saw of a guest that was told to crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrashSeen {
    /// The crash registers, if they were written.
    pub parameters: Option<[u64; 5]>,
    /// The kernel's panic, as the console shows it.
    pub panic_line: Option<String>,
    /// How long the host waited.
    pub waited_ms: u64,
}

/// Judges the crash.
#[must_use]
pub fn crs03(seen: &CrashSeen) -> Finding {
    let mut checks = Vec::new();
    match &seen.parameters {
        Some(parameters) => {
            let text: Vec<_> = parameters
                .iter()
                .map(|value| format!("{value:#x}"))
                .collect();
            // Linux writes the error code, the kernel's version and three of the registers
            // (arch/x86/kernel/cpu/mshyperv.c, hyperv_report_panic): all zero is no report.
            let told = parameters.iter().any(|value| *value != 0);
            let text = format!("crash registers {}", text.join(", "));
            checks.push(check("registers", told, text));
        }
        None => checks.push(check(
            "registers",
            false,
            format!(
                "the crash registers were not written within {} ms",
                seen.waited_ms
            ),
        )),
    }
    checks.push(match &seen.panic_line {
        Some(line) => check_as("console", Outcome::Passed, line.clone()),
        None => check_as(
            "console",
            Outcome::NotRun,
            "the kernel's panic on the console: not seen",
        ),
    });
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parameters: Option<[u64; 5]>, outcome: Outcome) {
        let seen = CrashSeen {
            parameters,
            panic_line: Some("Kernel panic - not syncing: sysrq triggered crash".to_owned()),
            waited_ms: 60_000,
        };
        assert_eq!(crs03(&seen).outcome, outcome);
    }

    #[test]
    fn registers_that_were_written_pass() {
        check(Some([0, 0x6_0001, 1, 2, 3]), Outcome::Passed);
    }

    #[test]
    fn registers_that_were_not_fail() {
        check(None, Outcome::Failed);
        check(Some([0; 5]), Outcome::Failed);
    }
}
