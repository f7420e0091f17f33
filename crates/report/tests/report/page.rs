//! What holds of every page, on a real run and on hostile ones.

use std::collections::BTreeSet;

use crate::support::{bare_page, json as sample_json, opened, page, run, tags, text};
use detente_evidence::statement;
use serde_json::{Value, json};

/// Everything that may do harm in a page, a terminal or a table.
const HOSTILE: &str = "</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'`&amp;\
    \u{1b}[2J\u{1b}]0;x\u{7}\u{202e}evil\u{0}\r\n]]>--><svg/onload=alert(1)>{{ css }}";

#[test]
fn every_case_its_measurements_and_the_statement_are_in_the_page() {
    let run = opened().run;
    let text = text(&page(&run));
    for part in run.profiles.iter().chain(&run.controls) {
        assert!(text.contains(&statement(part)), "{}", part.profile);
        for line in &part.not_proved {
            assert!(text.contains(line), "{line}");
        }
        for case in &part.cases {
            let told = format!("{} {}", case.case_id, case.title);
            assert!(text.contains(&told), "{told}");
            let said = case.checks.iter().map(|check| &check.message);
            let message = case.checks.is_empty().then_some(&case.message);
            for message in said.chain(message) {
                assert!(text.contains(message.as_str()), "{message}");
            }
            for measurement in &case.measurements {
                assert!(text.contains(&measurement.name), "{}", measurement.name);
            }
        }
    }
    for fact in [&run.guest.cmdline, &run.plan.digest, &run.run_id] {
        assert!(text.contains(fact.as_str()), "{fact}");
    }
}

#[test]
fn the_words_of_the_design_are_there_word_for_word() {
    let text = text(&page(&opened().run));
    for words in [
        "Test result, not a vendor certification. Tested on: ",
        "Ran on détente's Hyper-V-compatible machine. It was not run on Microsoft Hyper-V and does \
         not show that it will run there.",
        "neither affiliated with, nor authorized, sponsored, or approved by, Red Hat, Inc. or \
         Microsoft Corporation.",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn four_figures_say_how_much_was_really_run() {
    let text = text(&page(&opened().run));
    for figure in [
        "Linux on KVM",
        "Linux on the Hyper-V-compatible machine",
        "Windows on KVM",
        "Windows on Hyper-V",
    ] {
        assert!(text.contains(figure), "{figure}");
    }
    assert_eq!(text.matches("\nnot run: this guest is Linux\n").count(), 2);
}

#[test]
fn the_console_around_a_failure_is_there_without_its_escapes() {
    let run = opened().run;
    let text = text(&page(&run));
    assert!(text.contains("dracut-initqueue") || text.contains("Kernel panic"));
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn nothing_outside_the_page_is_named() {
    let html = page(&opened().run);
    let pictures = html.matches("src=\"data:image/png;base64,").count();
    assert!(pictures >= 1);
    assert_eq!(html.matches(" src=").count(), pictures);
    let inside = html.matches(" href=\"#").count();
    assert_eq!(html.matches(" href=").count(), inside);
    for needle in [
        "<script",
        "<link",
        "<iframe",
        "@import",
        "url(",
        " style=\"",
        " on",
    ] {
        let tags = tags(&html);
        let named = |name: &str| format!("<{name}") == needle || format!(" {name}") == needle;
        assert!(tags.iter().all(|(name, _)| !named(name)), "{needle}");
        assert!(
            !needle.starts_with(['@', 'u']) || !html.contains(needle),
            "{needle}"
        );
    }
    let policy = "content=\"default-src 'none'; style-src 'sha256-";
    assert!(html.contains(policy));
}

/// Replaces every text that is free by `text`.
fn fill(value: &mut Value, text: &str) {
    const WORDS: [&str; 7] = [
        "schema",
        "outcome",
        "verdict",
        "requirement",
        "kind",
        "comparator",
        "follows",
    ];
    match value {
        Value::String(free) => text.clone_into(free),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, text)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if !WORDS.contains(&name.as_str()) {
                    fill(field, text);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The sample with every free text replaced.
fn filled(text: &str) -> detente_evidence::Run {
    let mut json = sample_json();
    fill(&mut json, text);
    run(&json)
}

#[test]
fn whatever_texts_say_the_page_has_the_same_tags() {
    let (hostile, harmless) = (bare_page(&filled(HOSTILE)), bare_page(&filled("harmless")));
    assert_eq!(tags(&hostile), tags(&harmless));
    let known: BTreeSet<_> = tags(&harmless).into_iter().map(|(name, _)| name).collect();
    assert!(!known.contains("script"));
    assert!(hostile.contains("&#60;script&#62;") || hostile.contains("&lt;script&gt;"));
    let steering = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!hostile.contains(steering));
}

#[test]
fn a_hostile_console_is_text() {
    let place = crate::support::copy();
    let console = format!("{}\n", HOSTILE.repeat(3)).repeat(100);
    let names: Vec<String> = opened()
        .folder
        .files()
        .iter()
        .map(|f| f.name.clone())
        .collect();
    for name in names.iter().filter(|name| name.ends_with("console.log")) {
        std::fs::write(place.path().join(name), &console).unwrap();
    }
    // Not opened: what a runner has just written is not held against a manifest yet.
    let folder = detente_report::Folder::new(place.path(), opened().folder.files().to_vec());
    let html = detente_report::html(&opened().run, &folder, None).unwrap();
    assert!(!html.contains("<script") && !html.contains("<img src=x"));
    assert!(text(&html).contains("<script>alert(1)</script>"));
    assert!(!html.contains('\u{1b}'));
}

#[test]
fn long_texts_and_many_cases_stay_bounded() {
    let long = bare_page(&filled(&"x".repeat(100_000)));
    assert!(long.len() < 4 * 1024 * 1024, "{}", long.len());
    let mut json = sample_json();
    let case = json["profiles"][0]["cases"][0].clone();
    let many: Vec<_> = (0..2_000)
        .map(|number| {
            let mut case = case.clone();
            case["case_id"] = json!(format!("X-{number}"));
            case
        })
        .collect();
    json["profiles"][0]["cases"] = Value::Array(many);
    let html = bare_page(&run(&json));
    assert!(html.contains("X-1999"));
    assert!(html.len() < 16 * 1024 * 1024, "{}", html.len());
}

#[test]
fn strange_numbers_and_empty_runs_have_a_page() {
    let mut json = sample_json();
    for case in json["profiles"][0]["cases"].as_array_mut().unwrap() {
        case["duration_ms"] = json!(u64::MAX);
        case["attempts"] = json!([{"outcome": "failed", "started_ms": u64::MAX}, {"outcome": "passed", "started_ms": 1}]);
        case["measurements"] = json!([
            {"name": "a", "value": 1e308, "unit": "bytes", "limit": -1e308, "comparator": "at_most"},
            {"name": "b", "value": -0.0, "unit": "", "limit": 0.0, "comparator": "equal"},
            {"name": "c", "value": 5e-324, "unit": "ms", "limit": 5e-324, "comparator": "at_most"},
        ]);
    }
    json["started_at"] = json!("T");
    let text = text(&bare_page(&run(&json)));
    let (_, attempts) = text.split_once("Attempts, in order:").unwrap();
    assert!(attempts.find("failed") < attempts.find("passed"));
    for list in ["profiles", "images", "controls"] {
        json[list] = json!([]);
    }
    bare_page(&run(&json));
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let opened = opened();
    let again = page(&opened.run);
    assert_eq!(page(&opened.run), again);
}

#[test]
fn a_run_with_faults_says_so() {
    let mut json = sample_json();
    json["kind"] = json!("fault_injected");
    json["faults"] = json!(["no-keyboard"]);
    let text = text(&page(&run(&json)));
    assert!(text.contains("Faults were put in on purpose (no-keyboard)"));
}

#[test]
fn a_picture_that_is_none_is_left_out() {
    let place = crate::support::copy();
    let picture = opened()
        .folder
        .files()
        .iter()
        .find(|f| f.name.ends_with(".png"))
        .cloned();
    let name = picture.unwrap().name;
    std::fs::write(place.path().join(name), "<svg onload=alert(1)>").unwrap();
    let folder = detente_report::Folder::new(place.path(), opened().folder.files().to_vec());
    let html = detente_report::html(&opened().run, &folder, None).unwrap();
    assert!(!html.contains("data:image"));
    assert!(html.contains("The picture is left out: is no picture that a page can show."));
}

#[test]
fn files_that_the_manifest_does_not_name_are_not_read() {
    let mut json = sample_json();
    for part in json["profiles"].as_array_mut().unwrap() {
        part["profile"] = json!("../../../../etc");
        for case in part["cases"].as_array_mut().unwrap() {
            case["evidence"] = json!(["/etc/passwd", "../../console.log"]);
        }
    }
    let html = page(&run(&json));
    assert!(!html.contains("root:x:0") && !html.contains("data:image"));
}
