//! The spoiled twins of the cases of base that put the guest to something and leave it as it was.

mod support;

use support::faults::check;

#[test]
fn the_faults_of_what_the_guest_is_put_to_fail_their_cases() {
    check(
        "the_faults_of_what_the_guest_is_put_to_fail_their_cases",
        ("kvm", 7),
        &["BOOT-01"],
    );
}

#[test]
fn clocks_that_tick_wrong_or_have_no_server_fail_their_cases() {
    check(
        "clocks_that_tick_wrong_or_have_no_server_fail_their_cases",
        ("kvm", 8),
        &["BOOT-01"],
    );
}

#[test]
fn services_that_lie_fail_the_cases_of_base() {
    check(
        "services_that_lie_fail_the_cases_of_base",
        ("hyperv-vmbus", 9),
        &["BOOT-01"],
    );
}
