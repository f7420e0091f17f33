//! Seeded faults: for each rule an image with just that fault, made from a healthy one; and healthy
//! images without any alarm.
//!
//! File systems, tables and logical volumes come from their own tools, archives and programs from
//! their specifications. Which file and line shows a fault is known from the change that made it.
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod archive;
mod expected;
mod format;
mod healthy;
mod judge;
mod machine;
mod makers;
mod menus;
mod prepared;
mod program;
#[path = "../schema/mod.rs"]
mod schema;
mod seed;
mod seeds;
mod shapes;

use std::collections::BTreeSet;

use detente_guest::check::rules;

#[test]
fn every_rule_has_a_seeded_image() {
    let seeded: BTreeSet<&str> = seeds::all().map(|seed| seed.rule).collect();
    let rules: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    let missing: Vec<_> = rules.difference(&seeded).collect();
    assert!(missing.is_empty(), "without an image: {missing:?}");
    let unknown: Vec<_> = seeded.difference(&rules).collect();
    assert!(unknown.is_empty(), "no such rule: {unknown:?}");
}

macro_rules! caught {
    ($($name:ident: $seeds:path;)*) => {$(
        #[test]
        fn $name() {
            judge::all_are_caught(stringify!($name), $seeds);
        }
    )*};
}

caught! {
    faults_of_the_boot_chain_are_caught: seeds::chain::SEEDS;
    kernels_without_drivers_are_caught: seeds::drivers::SEEDS;
    incomplete_initramfs_files_are_caught: seeds::initramfs::SEEDS;
    refused_drivers_are_caught: seeds::refused::SEEDS;
    names_of_disks_are_caught: seeds::disks::SEEDS;
    faults_of_lvm_and_volumes_are_caught: seeds::volumes::SEEDS;
    faults_of_the_network_are_caught: seeds::network::SEEDS;
    faults_of_the_firmware_are_caught: seeds::firmware::SEEDS;
    faults_of_secure_boot_are_caught: seeds::secure_boot::SEEDS;
    arguments_and_consoles_are_caught: seeds::arguments::SEEDS;
    faults_of_time_and_agents_are_caught: seeds::services::SEEDS;
}
