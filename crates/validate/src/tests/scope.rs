//! How much of a plan is run, and how often.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_evidence::{CaseResult, Outcome, Run, RunKind, Verdict};
use detente_host::scripted::ScriptedHost;
use detente_machine::Profile;
use detente_plan::{CaseId, Condition, NotShown, Plan};
use detente_samples::initramfs;

use super::fake::{FakeGuest, console};
use super::scene::{Nobody, network_seen, plan};
use super::whole::{Scene, obedient};
use crate::{Request, Rerun, Scope, validate};

/// A host whose guest echoes nothing in its first `mute` boots.
fn host(mute: usize) -> ScriptedHost {
    let boots = AtomicUsize::new(0);
    ScriptedHost::new(move |spec| {
        let guest = FakeGuest {
            echoes: boots.fetch_add(1, Ordering::Relaxed) >= mute,
            heartbeats: true,
            ..obedient(spec)
        };
        guest.script()
    })
    .with_network_seen(network_seen())
}

fn names(cases: &[&str]) -> BTreeSet<String> {
    cases.iter().map(|case| (*case).to_owned()).collect()
}

#[track_caller]
fn case<'r>(run: &'r Run, id: &str) -> &'r CaseResult {
    let mut cases = run.profiles[0].cases.iter();
    cases.find(|case| case.case_id == id).unwrap()
}

/// A run of a plan with a scope; `None` if this machine cannot make disks.
fn run(test: &str, host: &ScriptedHost, plan: Plan, scope: Scope) -> Option<(Scene, Run)> {
    let scene = Scene::new(test, Some(&initramfs()))?;
    let request = Request {
        plan,
        scope,
        ..scene.request(host)
    };
    let run = validate(request, &mut Nobody).unwrap();
    Some((scene, run))
}

/// The plan with one case changed.
fn changed(id: CaseId, change: impl FnOnce(&mut detente_plan::Case)) -> Plan {
    let mut plan = plan();
    let case = plan.cases.iter_mut().find(|case| case.id == id).unwrap();
    change(case);
    plan
}

#[test]
fn a_part_of_a_plan_never_looks_like_the_whole() {
    let test = "a_part_of_a_plan_never_looks_like_the_whole";
    let scope = Scope {
        only: names(&["STO-01", "CON-01"]),
        ..Scope::default()
    };
    let Some((scene, run)) = run(test, &host(0), plan(), scope) else {
        return;
    };
    assert_eq!((run.kind, run.complete), (RunKind::Partial, false));
    assert_eq!(run.verdict, Verdict::Passed);
    let selection = run.selection.as_ref().unwrap();
    assert_eq!(selection.cases, ["CON-01", "STO-01"]);
    for result in &run.profiles[0].cases {
        let chosen = ["STO-01", "CON-01"].contains(&result.case_id.as_str());
        // On this profile they do not apply at all.
        let applies = result.reason_code.as_deref() != Some("not_applicable");
        assert_eq!(result.is_not_selected(), !chosen && applies, "{result:?}");
    }
    let part = &run.profiles[0];
    assert!(
        part.statement.starts_with("Partial test result ("),
        "{}",
        part.statement
    );
    let figure = &run.coverage[0];
    assert_eq!(figure.seen, 2);
    assert!(figure.required > 10, "{figure:?}");
    let page = std::fs::read_to_string(scene.out().join("report.html")).unwrap();
    assert!(page.contains("Partial run"));
}

#[test]
fn what_a_chosen_case_stands_on_is_told_when_it_fails() {
    let test = "what_a_chosen_case_stands_on_is_told_when_it_fails";
    let panicking = ScriptedHost::new(|_| {
        FakeGuest {
            first: vec![console("Kernel panic - not syncing: no root\n")],
            ..FakeGuest::sound()
        }
        .script()
    });
    let scope = Scope {
        only: names(&["STO-01"]),
        ..Scope::default()
    };
    let Some((_, run)) = run(test, &panicking, plan(), scope) else {
        return;
    };
    assert_eq!(case(&run, "BOOT-01").outcome, Outcome::Failed);
    assert_eq!(case(&run, "STO-01").outcome, Outcome::NotRun);
    assert!(case(&run, "NET-01").is_not_selected());
    assert_eq!(run.verdict, Verdict::Failed);
}

#[test]
fn every_repetition_is_kept_and_what_passes_sometimes_is_flaky() {
    let test = "every_repetition_is_kept_and_what_passes_sometimes_is_flaky";
    let scope = Scope {
        repetitions: 3,
        ..Scope::default()
    };
    let Some((scene, run)) = run(test, &host(1), plan(), scope) else {
        return;
    };
    assert_eq!(run.repetitions, 3);
    assert_eq!(run.profiles[0].boots, 3);
    let console = case(&run, "CON-01");
    assert_eq!(console.outcome, Outcome::Failed);
    assert_eq!(console.reason_code.as_deref(), Some("flaky"));
    let outcomes: Vec<_> = console.attempts.iter().map(|own| own.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Failed, Outcome::Passed, Outcome::Passed]
    );
    let log = &case(&run, "BOOT-02").attempts;
    assert_eq!(log[2].evidence, ["kvm-3/kernel-log.txt"]);
    assert_eq!(case(&run, "STO-01").outcome, Outcome::Passed);
    assert_eq!(
        case(&run, "SUP-05").attempts.len(),
        1,
        "the images' content is of the run"
    );
    assert!(scene.out().join("kvm-2/kernel-log.txt").is_file());
}

#[test]
fn a_pass_on_a_retry_is_a_warning() {
    let test = "a_pass_on_a_retry_is_a_warning";
    let plan = changed(CaseId::Con01, |case| case.retries = 2);
    let Some((_, run)) = run(test, &host(1), plan, Scope::default()) else {
        return;
    };
    assert_eq!(run.verdict, Verdict::Passed);
    let console = case(&run, "CON-01");
    assert_eq!(console.outcome, Outcome::PassedWithWarning);
    assert_eq!(console.attempts.len(), 2);
    assert!(
        console.message.starts_with("passed on attempt 2"),
        "{}",
        console.message
    );
    assert_eq!(
        case(&run, "STO-01").attempts.len(),
        1,
        "what passed is not tried again"
    );
    assert_eq!(run.profiles[0].boots, 2);
}

#[test]
fn what_never_passes_has_failed_after_its_retries() {
    let test = "what_never_passes_has_failed_after_its_retries";
    let plan = changed(CaseId::Con01, |case| case.retries = 1);
    let Some((_, run)) = run(test, &host(9), plan, Scope::default()) else {
        return;
    };
    assert_eq!(case(&run, "CON-01").outcome, Outcome::Failed);
    assert_eq!(case(&run, "CON-01").attempts.len(), 2);
    assert_eq!(run.profiles[0].boots, 2);
}

#[test]
fn a_condition_that_the_guest_lacks_is_named() {
    let test = "a_condition_that_the_guest_lacks_is_named";
    let plan = changed(CaseId::Sto01, |case| {
        case.applies_when = vec![Condition::GuestAgent]
    });
    let Some((_, run)) = run(test, &host(0), plan, Scope::default()) else {
        return;
    };
    let disk = case(&run, "STO-01");
    assert_eq!(disk.outcome, Outcome::Skipped);
    assert_eq!(disk.reason_code.as_deref(), Some("not_applicable"));
    assert_eq!(
        disk.message,
        "does not apply to this guest: QEMU's guest agent is not installed"
    );
    assert_eq!(
        (run.kind, run.verdict),
        (RunKind::Unofficial, Verdict::Passed)
    );
}

#[test]
fn what_a_profile_cannot_show_is_not_run_and_counts_against_coverage() {
    let test = "what_a_profile_cannot_show_is_not_run_and_counts_against_coverage";
    let whole = run(test, &host(0), plan(), Scope::default());
    let plan = changed(CaseId::Sto01, |case| {
        case.not_shown = vec![NotShown {
            profiles: vec![Profile::Kvm],
            why: "it has no disk".to_owned(),
        }];
    });
    let (Some((_, whole)), Some((_, run))) = (whole, run(test, &host(0), plan, Scope::default()))
    else {
        return;
    };
    let disk = case(&run, "STO-01");
    assert_eq!(disk.outcome, Outcome::NotRun);
    let message = "this hardware profile cannot show it: it has no disk";
    assert_eq!(disk.message, message);
    assert_eq!(run.verdict, Verdict::Passed);
    let line = format!("STO-01: {message} (not_run)");
    assert!(run.profiles[0].not_proved.contains(&line));
    assert_eq!(run.coverage[0].required, whole.coverage[0].required);
    assert_eq!(run.coverage[0].seen + 1, whole.coverage[0].seen);
}

#[test]
fn only_what_did_not_pass_is_run_again() {
    let test = "only_what_did_not_pass_is_run_again";
    let Some((scene, first)) = run(test, &host(9), plan(), Scope::default()) else {
        return;
    };
    let rerun = Rerun::of(&first);
    assert_eq!(rerun.cases[&Profile::Kvm], names(&["CON-01"]));
    let host = host(0);
    let request = Request {
        scope: Scope {
            rerun: Some(rerun),
            ..Scope::default()
        },
        out: scene.place.path().join("again"),
        ..scene.request(&host)
    };
    let again = validate(request, &mut Nobody).unwrap();
    assert_eq!(again.kind, RunKind::Partial);
    let selection = again.selection.as_ref().unwrap();
    assert_eq!(selection.rerun_of.as_ref(), Some(&first.run_id));
    assert_eq!(case(&again, "CON-01").outcome, Outcome::Passed);
    assert!(case(&again, "STO-01").is_not_selected());
    assert_eq!(again.verdict, Verdict::Passed);
}
