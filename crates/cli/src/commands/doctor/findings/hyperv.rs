//! The way to the Hyper-V-compatible machine: this host's KVM, or the lab.

use detente_host::hyperv::Route;
use detente_host::lab::DEVICES;
use detente_machine::Profile;

use super::super::look::Seen;
use super::super::remedies;
use super::super::report::{Check, ProfileState, State};
use super::{check as finding, fine, had_by, hardware};

/// Which way is taken, and why.
pub(super) fn check(seen: &Seen) -> Check {
    let id = "hyperv-vmbus";
    match (&seen.hyperv.route, &seen.hyperv.kernel) {
        (Route::Kvm(proof), _) => fine(id, format!("our machine runs on this host: {proof}")),
        (Route::Lab(because), Ok(kernel)) => {
            let message = format!(
                "our machine runs in the lab, many times slower: {because}. The lab is {kernel} in \
                 QEMU's translator"
            );
            finding(id, State::Lacking, message, None)
        }
        (Route::Lab(because), Err(why)) => {
            let message = format!("our machine can only run in the lab: {because}. Missing: {why}");
            finding(id, State::Lacking, message, Some(remedies::lab_kernel()))
        }
    }
}

/// The profile that the machine shows.
pub(super) fn profile(seen: &Seen) -> ProfileState {
    let (state, needs, missing) = match (&seen.hyperv.route, &seen.hyperv.kernel) {
        (Route::Kvm(_), _) => (State::Fine, Vec::new(), Vec::new()),
        (Route::Lab(_), kernel) => {
            let needs = DEVICES.to_vec();
            let (state, missing) = had_by(&seen.qemu, &needs);
            let state = if kernel.is_err() {
                State::Missing
            } else {
                state
            };
            (state, needs, missing)
        }
    };
    let profile = Profile::HypervVmbus;
    ProfileState {
        name: profile.name(),
        state,
        hardware: hardware(profile),
        needs,
        missing,
    }
}
