//! What the facts answer, against the sentences of the pages they were taken from.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use detente_program::{Guest, SupportStatus, guest_name, platform, platforms, support};

#[track_caller]
fn check(guest: &Guest, host: &str, expect: SupportStatus) {
    let found = support(guest, platform(host).unwrap());
    assert_eq!(found.status, expect, "{guest:?} on {host}: {found:?}");
}

#[test]
fn pages_that_name_release_and_host_are_repeated() {
    let conditions = SupportStatus::SupportedWithConditions;
    check(&Guest::linux("rhel", "9.4"), "ws2022", conditions);
    check(&Guest::linux("rhel", "10.0"), "ws2025", conditions);
    check(&Guest::linux("sles", "15.4"), "ws2019", conditions);
    check(
        &Guest::linux("rhel", "9.4"),
        "ocpv",
        SupportStatus::Supported,
    );
    check(&Guest::linux("sles", "16.0"), "ocpv", conditions);
    check(&Guest::windows("ws2022"), "ws2025", conditions);
}

#[test]
fn what_no_page_says_is_unknown() {
    for (id, version) in [
        ("rocky", "9.4"),
        ("arch", ""),
        ("debian", "13"),
        ("alpine", "3.20.3"),
    ] {
        for host in platforms() {
            check(&Guest::linux(id, version), &host.id, SupportStatus::Unknown);
        }
    }
    // Named for a generation, and for no host.
    check(
        &Guest::linux("ubuntu", "24.04"),
        "ws2022",
        SupportStatus::Unknown,
    );
    // A page that leaves a release out does not say that it is unsupported.
    check(
        &Guest::linux("debian", "12"),
        "ocpv",
        SupportStatus::Unknown,
    );
    // A third party's word is nobody's promise.
    check(
        &Guest::linux("rhel", "8.10"),
        "rhel9",
        SupportStatus::Unknown,
    );
}

#[test]
fn what_has_ended_is_not_supported_any_more() {
    check(
        &Guest::linux("debian", "8"),
        "ws2019",
        SupportStatus::NotSupportedAnymore,
    );
    check(
        &Guest::linux("rhel", "6.10"),
        "ws2016",
        SupportStatus::NotSupportedAnymore,
    );
    // The host has ended.
    check(
        &Guest::linux("rhel", "8.2"),
        "ws2012r2",
        SupportStatus::NotSupportedAnymore,
    );
}

#[test]
fn paid_support_is_a_condition() {
    let found = support(&Guest::linux("rhel", "7.9"), platform("ws2022").unwrap());
    assert_eq!(found.status, SupportStatus::SupportedWithConditions);
    let paid = "Red Hat Enterprise Linux 7 is past its ordinary maintenance since 2024-06-30, \
                and under a longer one until 2029-05-31";
    assert!(found.conditions.iter().any(|own| own == paid), "{found:?}");
}

#[test]
fn every_statement_has_its_source_and_every_answer_its_date() {
    for host in platforms() {
        for (id, version) in [
            ("rhel", "8.5"),
            ("sles", "15.2"),
            ("debian", "11"),
            ("ol", "8.5"),
        ] {
            let found = support(&Guest::linux(id, version), host);
            assert_eq!(found.as_of, "2026-11-22");
            assert!(
                found.statements.iter().all(|own| !own.sources.is_empty()),
                "{found:?}"
            );
            if found.status != SupportStatus::Unknown {
                assert!(!found.statements.is_empty(), "{found:?}");
            }
        }
    }
    assert_eq!(
        guest_name(&Guest::linux("sles", "15")),
        Some("SUSE Linux Enterprise Server 15")
    );
}
