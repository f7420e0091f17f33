//! A fake workspace that is tidy, and spoiled twins of it: one change each.

use std::fs;
use std::path::Path;

use super::{Finding, findings};

/// A crate of the fake workspace: its folder, tier and dependencies.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("block", "block", &[]),
    ("disk", "formats", &["block"]),
    ("guest", "engines", &["disk"]),
    ("plan", "validation", &["disk"]),
    ("agent", "validation", &["plan"]),
    ("validate", "validation", &["plan", "guest"]),
    ("program", "service", &["disk"]),
    ("cli", "cli", &["validate", "program"]),
    ("chores", "xtask", &[]),
];
const FIRST_PAGE: &str = "//! A crate.\n//!\n//! ```\n//! assert!(true);\n//! ```\n";

/// What `spoil` makes tidy say about the fake workspace.
fn findings_after(spoil: impl Fn(&Path)) -> Vec<Finding> {
    let root = tempfile::tempdir().unwrap();
    fs::write(
        root.path().join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n",
    )
    .unwrap();
    for (name, tier, dependencies) in CRATES {
        write_crate(root.path(), name, tier, dependencies);
    }
    spoil(root.path());
    findings(root.path()).unwrap()
}

fn write_crate(root: &Path, name: &str, tier: &str, dependencies: &[&str]) {
    let folder = root.join("crates").join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let lines: Vec<String> = dependencies
        .iter()
        .map(|used| format!("detente-{used} = {{ path = \"../{used}\" }}\n"))
        .collect();
    let manifest = format!(
        "[package]\nname = \"detente-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [package.metadata.detente]\ntier = \"{tier}\"\n[dependencies]\n{}",
        lines.concat()
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), FIRST_PAGE).unwrap();
}

/// The one thing that is said about a twin with one spoiled thing.
fn check(spoil: impl Fn(&Path), expect: &str) {
    let findings = findings_after(spoil);
    let [Finding::Broken(text)] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert!(text.contains(expect), "{text}");
}

fn check_source(name: &str, text: &str, expect: &str) {
    check(
        |root| fs::write(root.join("crates/disk/src").join(name), text).unwrap(),
        expect,
    );
}

#[test]
fn the_sound_workspace_is_tidy() {
    assert_eq!(findings_after(|_| ()), []);
}

#[test]
fn an_edge_that_points_up_is_broken() {
    check(
        |root| write_crate(root, "block", "block", &["chores"]),
        "detente-block (Block) depends on detente-chores (Xtask)",
    );
    let swapped = |root: &Path| {
        write_crate(root, "disk", "formats", &["block", "upper"]);
        write_crate(root, "upper", "engines", &[]);
    };
    check(
        swapped,
        "detente-disk (Formats) depends on detente-upper (Engines)",
    );
}

#[test]
fn an_edge_between_neighbours_is_broken() {
    let volume = |root: &Path| write_crate(root, "volume", "formats", &["disk"]);
    check(
        volume,
        "detente-volume (Formats) depends on detente-disk (Formats)",
    );
}

#[test]
fn validation_and_service_do_not_know_each_other() {
    let program = |root: &Path| write_crate(root, "program", "service", &["plan"]);
    check(
        program,
        "detente-program (Service) depends on detente-plan (Validation)",
    );
}

#[test]
fn the_runner_does_not_link_the_agent() {
    let validate = |root: &Path| write_crate(root, "validate", "validation", &["plan", "agent"]);
    check(
        validate,
        "detente-validate (Validation) depends on detente-agent (Validation)",
    );
}

#[test]
fn a_dependency_of_tests_only_counts_too() {
    let volume = |root: &Path| {
        write_crate(root, "volume", "formats", &[]);
        let manifest = root.join("crates/volume/Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(
            manifest,
            text.replace(
                "[dependencies]",
                "[dev-dependencies]\ndetente-disk = { path = \"../disk\" }",
            ),
        )
        .unwrap();
    };
    check(
        volume,
        "detente-volume (Formats) depends on detente-disk (Formats)",
    );
}

#[test]
fn a_crate_without_a_known_tier_is_broken() {
    check(
        |root| write_crate(root, "extra", "helpers", &[]),
        "detente-extra states no tier",
    );
}

#[test]
fn a_file_over_its_ceiling_is_broken_and_one_near_it_is_warned_of() {
    let lines = |count: usize| "//! Long.\n".repeat(count);
    check_source("long.rs", &lines(1001), "disk/src/long.rs has 1001 lines");
    let warned =
        findings_after(|root| fs::write(root.join("crates/disk/src/long.rs"), lines(701)).unwrap());
    assert!(
        matches!(warned.as_slice(), [Finding::Warning(text)] if text.contains("701 lines")),
        "{warned:?}"
    );
}

#[test]
fn a_first_page_without_an_example_is_broken() {
    check_source(
        "lib.rs",
        "//! A crate.\n",
        "disk/src/lib.rs has no example on its first page",
    );
    check_source(
        "lib.rs",
        "//! A crate.\n//! ```text\n//! no code\n//! ```text\n",
        "has no example",
    );
}

#[test]
fn a_module_that_does_not_say_what_it_is_for_is_broken() {
    check_source(
        "silent.rs",
        "use std::fs;\n",
        "disk/src/silent.rs does not open with //!",
    );
    check_source("empty.rs", "", "disk/src/empty.rs does not open with //!");
}

#[test]
fn unsafe_is_broken_where_it_is_not_opened() {
    check_source(
        "raw.rs",
        "//! Raw.\nunsafe fn peek() {}\n",
        "disk/src/raw.rs:2 opens unsafe",
    );
    let spoken =
        "//! Raw.\n// unsafe { in a comment }\nconst S: &str = \"unsafe { in a string }\";\n";
    assert_eq!(
        findings_after(|root| fs::write(root.join("crates/disk/src/raw.rs"), spoken).unwrap()),
        []
    );
    let agent = |root: &Path| {
        fs::write(
            root.join("crates/agent/src/raw.rs"),
            "//! Raw.\nunsafe fn peek() {}\n",
        )
        .unwrap()
    };
    assert_eq!(findings_after(agent), []);
}

#[test]
fn an_ignored_test_stands_on_the_skip_list() {
    let source = concat!(
        "//! Slow.\n#[test]\n#[",
        "ignore = \"slow\"]\nfn takes_long() {}\n"
    );
    check_source(
        "slow.rs",
        source,
        "disk/src/slow.rs ignores takes_long, which is not on the skip list",
    );
    let listed = |root: &Path| {
        fs::write(root.join("crates/disk/src/slow.rs"), source).unwrap();
        fs::write(root.join("tests-skip-list.txt"), "takes_long: it is slow\n").unwrap();
    };
    assert_eq!(findings_after(listed), []);
}
