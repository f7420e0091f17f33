//! The table tells nothing that could name anybody.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::row::Row;
use super::{Asked, asked, images, table};
use crate::workspace::{root, target};

/// Documents with a secret wherever a user's own names can be.
fn documents() -> (Value, Value, Value) {
    let facts = json!({
        "operating_system": { "pretty_name": "Red Hat | Enterprise Linux 9.4", "id": "rhel",
                              "version_id": "9.4" },
        "hostname": "secret", "machine_id": "secret", "firmware": "uefi",
        "boot": { "default": { "kernel_release": "5.14.0-427.el9.x86_64",
                               "command_line": "root=secret" } },
        "network": { "connections": ["secret"] },
    });
    let check = json!({
        "disks": ["/home/secret/server.qcow2"],
        "profiles": [{ "profile": "kvm", "state": "ready" },
                     { "profile": "hyperv-gen2", "state": "not-ready" }],
        "findings": [{ "rule": "initramfs.driver", "profiles": ["hyperv-gen2"],
                       "title": "secret", "evidence": ["secret"] }],
    });
    let case =
        |id: &str, outcome: &str| json!({ "case_id": id, "outcome": outcome, "message": "secret" });
    let run = json!({
        "tool": { "version": "0.1.0" },
        "images": [{ "name": "secret.qcow2" }],
        "profiles": [{
            "profile": "kvm", "verdict": "failed",
            "platform": { "product": "QEMU", "version": "7.2.22 (Debian)",
                          "acceleration": "emulated", "host_cpu": "secret", "host_kernel": "secret" },
            "cases": [case("BOOT-01", "passed"), case("STO-01", "failed"), case("NET-01", "not_run"),
                      case("USER-secret", "failed")],
        }],
    });
    (facts, check, run)
}

#[test]
fn nothing_of_the_users_own_is_in_the_table() {
    let (facts, check, run) = documents();
    let rows = [Row::of(Some(&facts), Some(&check), Some(&run))];
    let page = table::markdown(&rows, "base");
    let json = table::json(&rows, "base").to_string();
    for text in [&page, &json] {
        assert!(!text.contains("secret"), "{text}");
    }
    let row = "| 1 | Red Hat  Enterprise Linux 9.4 | 5.14.0-427.el9.x86_64 | uefi | kvm ready<br>\
               hyperv-gen2 not-ready: initramfs.driver | kvm **failed** (QEMU 7.2.22 (Debian), \
               emulated; 1 passed; failed: STO-01, USER; not seen: NET-01) |";
    assert!(page.contains(row), "{page}");
}

#[test]
fn what_cannot_be_had_is_a_dash() {
    let page = table::markdown(&[Row::of(None, None, None)], "base");
    assert!(page.contains("| 1 | — | — | — | — | — |"), "{page}");
}

#[test]
fn the_table_for_programs_is_as_its_schema_says() {
    let (facts, check, run) = documents();
    let rows = [
        Row::of(Some(&facts), Some(&check), Some(&run)),
        Row::default(),
    ];
    let json = table::json(&rows, "base");
    let schema = fs::read_to_string(root().join("docs/schemas/guests-table-1.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    // Every field that is written is described, and every one that is demanded is written.
    let guest = &schema["properties"]["guests"]["items"]["properties"];
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&json["guests"][0]), names(guest));
    assert_eq!(schema["properties"]["schema"]["const"], json["schema"]);
    for part in ["checked", "validated"] {
        let described = &guest[part]["items"]["properties"];
        assert_eq!(names(&json["guests"][0][part][0]), names(described));
    }
}

#[test]
fn what_is_asked_for_is_understood() {
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let plain = Asked {
        folder: "images".into(),
        plan: "base".to_owned(),
        profiles: Vec::new(),
        boots: true,
        out: target("guests"),
    };
    assert_eq!(asked(&words("images")).unwrap(), plain);
    let all = asked(&words(
        "--plan smoke --profile kvm --no-boot --out t images",
    ))
    .unwrap();
    assert_eq!((all.plan.as_str(), all.boots), ("smoke", false));
    assert_eq!(
        (all.profiles, all.out),
        (vec!["kvm".to_owned()], PathBuf::from("t"))
    );
    for wrong in ["", "a b", "--what a", "a --plan"] {
        assert!(
            asked(
                &words(wrong)
                    .into_iter()
                    .filter(|w| !w.is_empty())
                    .collect::<Vec<_>>()
            )
            .is_err()
        );
    }
}

#[test]
fn images_are_known_by_their_endings() {
    let place = tempfile::tempdir().unwrap();
    assert!(images(place.path()).is_err());
    for name in ["b.qcow2", "a.vhdx", "notes.txt", "disk"] {
        fs::write(place.path().join(name), "x").unwrap();
    }
    let found = images(place.path()).unwrap();
    let names: Vec<_> = found.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(names, ["a.vhdx", "b.qcow2"]);
}
