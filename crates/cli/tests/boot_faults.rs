//! Each case's own spoiled twin fails: the committed table says how, and what is said.

mod support;

use support::faults::check;

#[test]
fn the_faults_of_the_first_boot_fail_their_cases() {
    check(
        "the_faults_of_the_first_boot_fail_their_cases",
        ("kvm", 1),
        &["BOOT-01", "BOOT-10", "NET-01", "TIME-01", "SUP-05"],
    );
}

#[test]
fn the_faults_of_the_second_boot_fail_their_cases() {
    // Without an address there is no transfer either.
    check(
        "the_faults_of_the_second_boot_fail_their_cases",
        ("kvm", 2),
        &[
            "BOOT-01", "BOOT-10", "CPU-01", "MEM-01", "STO-01", "RNG-01", "CON-01", "PWR-01",
            "SUP-05",
        ],
    );
}

#[test]
fn the_faults_of_the_synthetic_hardware_fail_their_cases() {
    check(
        "the_faults_of_the_synthetic_hardware_fail_their_cases",
        ("hyperv-vmbus", 3),
        &[
            "BOOT-01", "BOOT-10", "CPU-01", "CPU-05", "MEM-01", "STO-01", "NET-01", "NET-02",
            "TIME-01", "CON-01", "PWR-01", "SUP-05",
        ],
    );
}
