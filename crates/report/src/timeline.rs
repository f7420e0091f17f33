//! The life of a machine, drawn to scale: the boot step by step, the cases, the shutdown.

use detente_evidence::{CaseResult, Outcome, ProfileRun};

use crate::text::{duration, percent, shown};
use crate::words;

/// The most steps that are drawn.
const STEP_LIMIT: usize = 32;

/// A machine's life.
pub(crate) struct Timeline {
    pub(crate) profile: String,
    /// How long all of it took.
    pub(crate) whole: String,
    /// One after the other, and drawn in one bar.
    pub(crate) phases: Vec<Span>,
    /// Each on its own line.
    pub(crate) cases: Vec<Span>,
    /// What the drawing of the cases spans: they often take little of the whole.
    pub(crate) cases_span: String,
    /// Cases whose time is not known, or that had a boot of their own.
    pub(crate) elsewhere: Vec<String>,
    pub(crate) ticks: Vec<Tick>,
}

/// Something that took time.
pub(crate) struct Span {
    pub(crate) name: String,
    /// How it is coloured.
    pub(crate) class: String,
    pub(crate) at: String,
    pub(crate) took: String,
    /// Where it begins, in percent of the whole.
    pub(crate) x: String,
    /// How long it is, in percent of the whole.
    pub(crate) width: String,
}

/// A mark on the axis.
pub(crate) struct Tick {
    pub(crate) label: String,
    pub(crate) x: String,
    /// `start`, `middle` or `end`: so that no label is cut.
    pub(crate) anchor: &'static str,
}

/// The life of a profile's machine; `None` if it never came to anything.
pub(crate) fn timeline(part: &ProfileRun) -> Option<Timeline> {
    let phases = phases(part);
    let (timed, untimed): (Vec<_>, Vec<_>) = seen(part).partition(|case| start(case) > 0);
    let ends = phases.iter().map(|phase| phase.to);
    let whole = ends.chain(timed.iter().map(|case| end(case))).max()?;
    if whole == 0 {
        return None;
    }
    let mut cases: Vec<&CaseResult> = timed;
    cases.sort_by_key(|case| start(case));
    let from = cases.first().map_or(0, |case| start(case));
    let to = cases.iter().map(|case| end(case)).max().unwrap_or(0);
    let elsewhere = untimed.iter().filter(|case| !is_drawn_as_phase(case));
    Some(Timeline {
        profile: shown(&part.profile),
        whole: duration(whole),
        phases: phases.iter().map(|phase| phase.span(whole)).collect(),
        cases: cases.iter().map(|case| span(case, from, to)).collect(),
        cases_span: format!("{} to {}", duration(from), duration(to)),
        elsewhere: elsewhere.map(|case| shown(&case.case_id)).collect(),
        ticks: ticks(whole),
    })
}

/// Cases that took any time.
fn seen(part: &ProfileRun) -> impl Iterator<Item = &CaseResult> {
    part.cases.iter().filter(|case| {
        !matches!(case.outcome, Outcome::Skipped | Outcome::NotRun) && case.duration_ms > 0
    })
}

/// The boot and the shutdown are the bar itself.
fn is_drawn_as_phase(case: &CaseResult) -> bool {
    matches!(case.case_id.as_str(), "BOOT-01" | "BOOT-10" | "PWR-01")
}

fn start(case: &CaseResult) -> u64 {
    case.attempts.last().map_or(0, |attempt| attempt.started_ms)
}

fn end(case: &CaseResult) -> u64 {
    start(case).saturating_add(case.duration_ms)
}

/// A part of the bar.
struct Phase {
    name: String,
    class: String,
    from: u64,
    to: u64,
}

impl Phase {
    fn span(&self, whole: u64) -> Span {
        let took = self.to.saturating_sub(self.from);
        Span {
            name: self.name.clone(),
            class: self.class.clone(),
            at: duration(self.from),
            took: if took == 0 {
                String::new()
            } else {
                duration(took)
            },
            x: percent(self.from, whole),
            width: percent(took, whole),
        }
    }
}

/// What happened one after the other: from each step to the next, to the boot's end, to the
/// shutdown.
fn phases(part: &ProfileRun) -> Vec<Phase> {
    let case = |id: &str| part.cases.iter().find(|case| case.case_id == id);
    let booted = case("BOOT-01").map(|case| (case.duration_ms, case.outcome.is_pass()));
    let mut marks: Vec<(u64, String)> = vec![(0, "the machine starts".to_owned())];
    let steps = part.steps.iter().take(STEP_LIMIT);
    marks.extend(steps.map(|step| (step.elapsed_ms, shown(&step.text))));
    if let Some((ms, passed)) = booted.filter(|(ms, _)| *ms > 0) {
        let name = if passed {
            "the guest is ready: the cases run"
        } else {
            "the boot is given up"
        };
        marks.push((ms, name.to_owned()));
    }
    marks.sort_by_key(|(ms, _)| *ms);
    let last = marks.last().map_or(0, |(ms, _)| *ms);
    let rest = rest(part, last);
    let ends = marks.iter().skip(1).map(|(ms, _)| *ms).chain([rest]);
    marks
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(index, ((from, name), to))| Phase {
            name: name.clone(),
            class: format!("phase-{}", index % 6),
            from: *from,
            to,
        })
        .collect()
}

/// When the last phase ends: the shutdown if it was asked for, else the last case.
fn rest(part: &ProfileRun, last: u64) -> u64 {
    let shutdown = part.cases.iter().find(|case| case.case_id == "PWR-01");
    let asked = part
        .steps
        .last()
        .is_some_and(|step| step.elapsed_ms == last);
    let off = shutdown
        .filter(|_| asked && last > 0)
        .map(|case| case.duration_ms);
    let cases = seen(part).filter(|case| start(case) > 0).map(end).max();
    last.saturating_add(off.unwrap_or(0))
        .max(cases.unwrap_or(0))
}

/// A case, drawn between the first one's start and the last one's end.
fn span(case: &CaseResult, from: u64, to: u64) -> Span {
    let whole = to.saturating_sub(from);
    Span {
        name: format!("{} {}", shown(&case.case_id), shown(&case.title)),
        class: format!("o-{}", case.outcome.word()),
        at: duration(start(case)),
        took: format!(
            "{}, {}",
            duration(case.duration_ms),
            words::spoken(case.outcome)
        ),
        x: percent(start(case).saturating_sub(from), whole),
        width: percent(case.duration_ms, whole),
    }
}

/// Four to eight marks at round times.
fn ticks(whole: u64) -> Vec<Tick> {
    const STEPS: [u64; 16] = [
        1, 5, 10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
        600_000, 3_600_000,
    ];
    let fits = |step: &&u64| whole.checked_div(**step).is_some_and(|count| count <= 6);
    let step = STEPS.iter().find(fits).copied().unwrap_or(whole.max(1));
    let mut ticks = Vec::new();
    let mut at = 0;
    while at <= whole && ticks.len() < 8 {
        let close_to_the_end = at.saturating_mul(100) > whole.saturating_mul(94);
        ticks.push(Tick {
            label: tick_label(at),
            x: percent(at, whole),
            anchor: match at {
                0 => "start",
                _ if close_to_the_end => "end",
                _ => "middle",
            },
        });
        at = at.saturating_add(step);
    }
    ticks
}

/// A round time: `0`, `500 ms`, `30 s`, `2 min`.
fn tick_label(ms: u64) -> String {
    match (ms, ms % 1_000, ms % 60_000) {
        (0, _, _) => "0".to_owned(),
        (_, 0, 0) => format!("{} min", ms / 60_000),
        (_, 0, _) => format!("{} s", ms / 1_000),
        (_, _, _) => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use detente_evidence::Run;
    use serde_json::{Value, json};

    use super::*;

    /// The sample's first profile with these steps, these cases (id, start, duration).
    fn part(steps: &[(&str, u64)], cases: &[(&str, u64, u64)]) -> ProfileRun {
        let sample = include_str!("../tests/sample/run/run.json");
        let mut json: Value = serde_json::from_str(sample).unwrap();
        let template = json["profiles"][0]["cases"][0].clone();
        let case = |(id, started_ms, duration_ms): &(&str, u64, u64)| {
            let mut case = template.clone();
            case["case_id"] = json!(id);
            case["outcome"] = json!("passed");
            case["duration_ms"] = json!(duration_ms);
            case["attempts"] = json!([{"outcome": "passed", "started_ms": started_ms}]);
            case
        };
        let steps = steps
            .iter()
            .map(|(text, ms)| json!({"text": text, "elapsed_ms": ms}));
        json["profiles"][0]["steps"] = steps.collect();
        json["profiles"][0]["cases"] = cases.iter().map(case).collect();
        let mut run = Run::parse(json.to_string().as_bytes()).unwrap();
        run.profiles.remove(0)
    }

    #[test]
    fn a_boot_is_drawn_step_by_step_to_the_machine_s_end() {
        let steps = [("agent", 2_000), ("root", 4_000), ("power off", 9_000)];
        let cases = [
            ("BOOT-01", 0, 8_000),
            ("CPU-01", 8_000, 500),
            ("PWR-01", 0, 1_000),
        ];
        let drawn = timeline(&part(&steps, &cases)).unwrap();
        assert_eq!(drawn.whole, "10.0 s");
        let phases: Vec<_> = drawn
            .phases
            .iter()
            .map(|phase| [&phase.x, &phase.width])
            .collect();
        let expect = [
            ["0.0", "20.0"],
            ["20.0", "20.0"],
            ["40.0", "40.0"],
            ["80.0", "10.0"],
            ["90.0", "10.0"],
        ];
        assert_eq!(phases, expect);
        assert_eq!(drawn.cases.len(), 1);
        assert!(drawn.elsewhere.is_empty());
        let labels: Vec<_> = drawn.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0", "2 s", "4 s", "6 s", "8 s", "10 s"]);
    }

    #[test]
    fn a_run_of_an_older_version_is_drawn_from_its_cases() {
        let drawn = timeline(&part(&[], &[("BOOT-01", 0, 8_000), ("CRS-03", 0, 700)])).unwrap();
        assert_eq!((drawn.phases.len(), drawn.whole.as_str()), (2, "8.0 s"));
        assert_eq!(drawn.elsewhere, ["CRS-03"]);
    }

    #[test]
    fn a_machine_that_did_nothing_is_not_drawn() {
        assert!(timeline(&part(&[], &[("BOOT-01", 0, 0)])).is_none());
        assert!(timeline(&part(&[], &[])).is_none());
    }

    #[test]
    fn cases_are_drawn_between_the_first_and_the_last() {
        let cases = [
            ("BOOT-01", 0, 8_000),
            ("B", 9_000, 1_000),
            ("A", 8_000, 500),
        ];
        let drawn = timeline(&part(&[], &cases)).unwrap();
        let places: Vec<_> = drawn
            .cases
            .iter()
            .map(|case| [&case.x, &case.width])
            .collect();
        assert_eq!(places, [["0.0", "25.0"], ["50.0", "50.0"]]);
        assert_eq!(drawn.cases_span, "8.0 s to 10.0 s");
    }
}
