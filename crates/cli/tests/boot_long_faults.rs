//! The spoiled twins of the cases that only the plan base has: three more boots, and those that the
//! cases have to themselves.

mod support;

use support::faults::check;

#[test]
fn the_faults_of_a_machine_that_changes_fail_their_cases() {
    check(
        "the_faults_of_a_machine_that_changes_fail_their_cases",
        ("kvm", 4),
        &[],
    );
}

#[test]
fn the_faults_of_boots_of_their_own_fail_their_cases() {
    check(
        "the_faults_of_boots_of_their_own_fail_their_cases",
        ("kvm", 5),
        &[],
    );
}

#[test]
fn a_machine_that_does_not_start_again_fails_the_loop() {
    check(
        "a_machine_that_does_not_start_again_fails_the_loop",
        ("kvm", 6),
        &[],
    );
}

#[test]
fn the_faults_of_the_firmware_fail_their_cases() {
    check(
        "the_faults_of_the_firmware_fail_their_cases",
        ("kvm", 10),
        &[],
    );
}
