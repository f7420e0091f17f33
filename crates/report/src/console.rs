//! The part of a console that belongs to a failure.

use detente_evidence::CaseResult;

use crate::text::{clipped, console_text};

/// How much of the end of a console is looked at.
const TAIL_BYTES: usize = 2 * 1024 * 1024;

/// How many lines a page shows before the line in question, and after it.
const BEFORE: usize = 24;
const AFTER: usize = 12;

/// The longest line that a page shows.
const LINE_LIMIT: usize = 240;

/// A line that a message quotes has at least this many characters: shorter ones prove nothing.
const QUOTE_LEAST: usize = 16;

/// Some lines of a console.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// Why these.
    pub(crate) why: &'static str,
    /// The lines, without escapes, cut.
    pub(crate) lines: Vec<Line>,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether it is one that shows the trouble.
    pub(crate) marked: bool,
}

/// The lines of `console` around what `case` says; `None` for a console without a word.
pub(crate) fn excerpt(console: &[u8], case: &CaseResult) -> Option<Excerpt> {
    let start = console.len().saturating_sub(TAIL_BYTES);
    let text = console_text(console.get(start..).unwrap_or_default());
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let lines = trimmed(&lines);
    let last = lines.len().checked_sub(1)?;
    let quoted = lines.iter().position(|line| quotes(&case.message, line));
    let alarm = || lines.iter().position(|line| is_alarm(line));
    let (why, place) = match quoted {
        Some(place) => ("around the line that the message quotes", place),
        None => match at_time(lines, case) {
            Some(place) => ("around the time of the case, by the kernel's clock", place),
            None => match alarm() {
                Some(place) => ("around the first alarm of the kernel", place),
                None => ("the end", last),
            },
        },
    };
    let from = place.saturating_sub(BEFORE);
    let to = place.saturating_add(AFTER).min(last);
    let shown = lines.get(from..=to).unwrap_or_default();
    let line = |line: &&str| Line {
        text: clipped(line, LINE_LIMIT),
        marked: is_alarm(line) || quotes(&case.message, line),
    };
    Some(Excerpt {
        why,
        lines: shown.iter().map(line).collect(),
    })
}

/// Without the empty lines at the end.
fn trimmed<'a, 't>(lines: &'a [&'t str]) -> &'a [&'t str] {
    let end = lines.iter().rposition(|line| !line.is_empty());
    let len = end.map_or(0, |end| end.saturating_add(1));
    lines.get(..len).unwrap_or_default()
}

/// Whether a message quotes a line, with or without the kernel's time before it.
fn quotes(message: &str, line: &str) -> bool {
    let line = said(line).trim();
    line.len() >= QUOTE_LEAST && message.contains(line)
}

/// What shows at a glance that a kernel is in trouble; for finding the place, not for judging.
fn is_alarm(line: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "Kernel panic",
        "BUG: ",
        "Oops: ",
        "general protection fault",
        "Unable to mount root",
        "soft lockup",
        "blocked for more than",
        "ALERT!",
    ];
    SIGNS.iter().any(|sign| line.contains(sign))
}

/// The last line that the kernel wrote before the case ended; only for cases whose time is known.
fn at_time(lines: &[&str], case: &CaseResult) -> Option<usize> {
    let started = case.attempts.last().map(|attempt| attempt.started_ms)?;
    if started == 0 {
        return None;
    }
    let ended = started.saturating_add(case.duration_ms);
    lines
        .iter()
        .rposition(|line| kernel_ms(line).is_some_and(|ms| ms <= ended))
}

/// What a line says, without the kernel's time.
fn said(line: &str) -> &str {
    match split_time(line) {
        Some((_, said)) => said,
        None => line,
    }
}

/// `[   21.084038] reboot: Power down`: 21,084 ms.
fn kernel_ms(line: &str) -> Option<u64> {
    let (time, _) = split_time(line)?;
    let (seconds, micros) = time.trim().split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    let millis: u64 = micros.get(..3)?.parse().ok()?;
    seconds.checked_mul(1_000)?.checked_add(millis)
}

fn split_time(line: &str) -> Option<(&str, &str)> {
    let (time, said) = line.strip_prefix('[')?.split_once(']')?;
    let is_time = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '.');
    time.chars().all(is_time).then_some((time, said))
}

#[cfg(test)]
mod tests {
    use detente_evidence::{Attempt, Outcome, Requirement};

    use super::*;

    fn case(message: &str, started_ms: u64) -> CaseResult {
        CaseResult {
            case_id: "BOOT-01".to_owned(),
            title: "cold boot".to_owned(),
            requirement: Requirement::Required,
            outcome: Outcome::Failed,
            reason_code: None,
            message: message.to_owned(),
            duration_ms: 1_000,
            checks: Vec::new(),
            measurements: Vec::new(),
            attempts: vec![Attempt::only(Outcome::Failed, started_ms)],
            evidence: Vec::new(),
            channel: "agent".to_owned(),
            control: None,
        }
    }

    /// A console with a line a second.
    fn console(spoiled: impl Fn(u32) -> Option<&'static str>) -> Vec<u8> {
        let line = |second: u32| {
            let said = spoiled(second).unwrap_or("usb: nothing happens");
            format!("[{second:5}.000000] {said} {second}\r\n")
        };
        (0..100).map(line).collect::<String>().into_bytes()
    }

    #[track_caller]
    fn check(console: &[u8], case: &CaseResult, why: &str, has: &str, marked: usize) {
        let excerpt = excerpt(console, case).unwrap();
        assert_eq!(excerpt.why, why);
        assert!(excerpt.lines.iter().any(|line| line.text.contains(has)));
        assert!(excerpt.lines.len() <= BEFORE + AFTER + 1);
        assert_eq!(excerpt.lines.iter().filter(|l| l.marked).count(), marked);
    }

    #[test]
    fn a_quoted_line_is_the_place() {
        let console = console(|second| (second == 30).then_some("Kernel panic - not syncing: at"));
        let case = case(
            "stopped: [   30.000000] Kernel panic - not syncing: at 30",
            0,
        );
        let why = "around the line that the message quotes";
        check(&console, &case, why, "Kernel panic", 1);
    }

    #[test]
    fn a_case_with_a_time_has_its_place() {
        let why = "around the time of the case, by the kernel's clock";
        check(
            &console(|_| None),
            &case("no", 49_500),
            why,
            "happens 50",
            0,
        );
    }

    #[test]
    fn else_the_first_alarm_or_the_end() {
        let alarm = console(|second| (second == 40).then_some("BUG: soft lockup"));
        check(
            &alarm,
            &case("no", 0),
            "around the first alarm of the kernel",
            "soft",
            1,
        );
        check(
            &console(|_| None),
            &case("no", 0),
            "the end",
            "happens 99",
            0,
        );
    }

    #[test]
    fn a_console_without_a_word_has_no_excerpt() {
        for empty in [&b""[..], b"\r\n\r\n", b"\x1b[2J"] {
            assert_eq!(excerpt(empty, &case("no", 0)), None);
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let flood = vec![b'x'; 4 * TAIL_BYTES];
        let excerpt = excerpt(&flood, &case("no", 0)).unwrap();
        assert_eq!(excerpt.lines.len(), 1);
        assert!(excerpt.lines[0].text.len() < 2 * LINE_LIMIT);
    }
}
