//! A machine that can do everything, and the same with one thing spoiled.

use detente_host::Implementation;

use detente_host::hyperv::Route;

use super::super::look::{Hyperv, KvmNode};
use super::super::report::{Report, Verdict};
use super::*;

fn sound() -> Seen {
    Seen {
        architecture: "x86_64".to_owned(),
        kernel: "6.1.0".to_owned(),
        memory_available_bytes: Some(8192 * MIB),
        run_folder: Some("/home/a/.local/state/detente/runs".into()),
        disk_free_bytes: Some(50_000 * MIB),
        kvm: KvmNode::Open,
        qemu: works("7.2.22 (Debian 1:7.2)", Acceleration::Hardware),
        hyperv: Hyperv {
            route: Route::Kvm("KVM ran a guest".to_owned()),
            kernel: Ok("Linux 6.1.0 (this host's own)".to_owned()),
        },
    }
}

fn in_the_lab(kernel: Result<&str, &str>) -> Seen {
    Seen {
        hyperv: Hyperv {
            route: Route::Lab("there is no /dev/kvm".to_owned()),
            kernel: kernel.map(str::to_owned).map_err(str::to_owned),
        },
        ..sound()
    }
}

fn works(version: &str, acceleration: Acceleration) -> Qemu {
    let all = Profile::QEMU.into_iter().flat_map(devices);
    let all = all.chain(&lab::DEVICES);
    let facts = HostFacts {
        product: "QEMU".to_owned(),
        version: version.to_owned(),
        package: Some("qemu-system-x86 1:7.2".to_owned()),
        implementation: Implementation::UpstreamBuild,
        acceleration,
        acceleration_proof: "a test program ran".to_owned(),
        host_kernel: "6.1.0".to_owned(),
        host_cpu: "a processor".to_owned(),
        program: "/usr/bin/qemu-system-x86_64".into(),
    };
    Qemu::Works {
        facts: Box::new(facts),
        devices: Ok(all.map(ToString::to_string).collect()),
    }
}

fn without_devices(names: &[&str]) -> Qemu {
    let Qemu::Works { facts, devices } = works("8.0.0", Acceleration::Hardware) else {
        unreachable!("works() works");
    };
    let mut devices = devices.unwrap();
    devices.retain(|device| !names.contains(&device.as_str()));
    Qemu::Works {
        facts,
        devices: Ok(devices),
    }
}

/// The state, message and commands of one check, and the verdict over all.
#[track_caller]
fn check_one(seen: &Seen, id: &str, state: State, message: &str, verdict: Verdict) -> Vec<String> {
    let report = Report::of(seen);
    let found = report.checks.iter().find(|check| check.id == id).unwrap();
    assert_eq!((found.state, found.message.as_str()), (state, message));
    assert_eq!(report.verdict, verdict);
    let commands = found.remedy.iter().flat_map(|remedy| &remedy.commands);
    commands.map(|command| command.command.clone()).collect()
}

#[test]
fn a_machine_that_has_everything_is_fine() {
    let report = Report::of(&sound());
    assert_eq!(report.verdict, Verdict::Fine);
    for check in &report.checks {
        assert_eq!((check.state, &check.remedy), (State::Fine, &None));
    }
    assert!(report.profiles.iter().all(|p| p.state == State::Fine));
    let ids: Vec<_> = report.checks.iter().map(|check| check.id).collect();
    assert_eq!(
        ids,
        [
            "architecture",
            "qemu",
            "acceleration",
            "devices",
            "hyperv-vmbus",
            "memory",
            "disk"
        ]
    );
}

#[test]
fn without_qemu_the_packages_are_named() {
    let seen = Seen {
        qemu: Qemu::Missing("qemu-system-x86_64 is missing".to_owned()),
        ..sound()
    };
    let message = "qemu-system-x86_64 is missing";
    let commands = check_one(&seen, "qemu", State::Missing, message, Verdict::Bad);
    assert_eq!(
        commands,
        [
            "sudo apt-get install --no-install-recommends qemu-system-x86 seabios",
            "sudo dnf install qemu-kvm seabios-bin"
        ]
    );
    let profiles = Report::of(&seen).profiles;
    let (ours, of_qemu) = profiles.split_last().unwrap();
    assert_eq!(ours.state, State::Fine);
    assert!(of_qemu.iter().all(|p| p.state == State::Missing));
}

#[test]
fn a_qemu_that_does_not_work_cannot_be_judged() {
    let seen = Seen {
        qemu: Qemu::Broken("it crashed".to_owned()),
        ..sound()
    };
    let message = "QEMU was found, but it crashed";
    check_one(
        &seen,
        "qemu",
        State::Unknown,
        message,
        Verdict::CouldNotTell,
    );
    let message = "cannot be proved without a QEMU that works";
    check_one(
        &seen,
        "acceleration",
        State::Unknown,
        message,
        Verdict::CouldNotTell,
    );
}

#[test]
fn an_old_qemu_is_bad() {
    let seen = Seen {
        qemu: works("5.2.0", Acceleration::Hardware),
        ..sound()
    };
    let message = "QEMU 5.2.0 at /usr/bin/qemu-system-x86_64, from qemu-system-x86 1:7.2; \
                   version 6 or later is wanted";
    check_one(&seen, "qemu", State::Missing, message, Verdict::Bad);
}

#[test]
fn emulation_is_fine_but_lacking_and_the_way_out_depends_on_the_node() {
    let emulated = |kvm| Seen {
        kvm,
        qemu: works("7.2.0", Acceleration::Emulated),
        ..sound()
    };
    let message = "emulated: a test program ran. Validation runs, several times slower, and what \
                   only a processor can show (kvm-clock) is not run";
    let commands = |kvm| {
        let seen = emulated(kvm);
        check_one(
            &seen,
            "acceleration",
            State::Lacking,
            message,
            Verdict::Fine,
        )
    };
    assert_eq!(
        commands(KvmNode::Absent),
        ["sudo modprobe -a kvm-intel || sudo modprobe -a kvm-amd"]
    );
    assert_eq!(
        commands(KvmNode::Closed),
        ["sudo usermod --append --groups kvm \"$USER\""]
    );
    assert!(commands(KvmNode::Open).is_empty());
}

#[test]
fn another_architecture_is_lacking() {
    let seen = Seen {
        architecture: "aarch64".to_owned(),
        ..sound()
    };
    let message = "aarch64; guests are x86_64, and their instructions can only be translated here";
    check_one(
        &seen,
        "architecture",
        State::Lacking,
        message,
        Verdict::Fine,
    );
}

#[test]
fn too_little_memory_is_bad_and_translation_wants_more() {
    // 2048 MiB for the guest of the plan smoke, 256 MiB for QEMU, 512 MiB for its translator.
    let with = |bytes, acceleration| Seen {
        memory_available_bytes: Some(bytes),
        qemu: works("7.2.0", acceleration),
        ..sound()
    };
    let seen = with(2304 * MIB - 1, Acceleration::Hardware);
    let message = "2303 MiB memory available (2304 MiB wanted)";
    check_one(&seen, "memory", State::Missing, message, Verdict::Bad);
    let seen = with(2304 * MIB, Acceleration::Emulated);
    let message = "2304 MiB memory available (2816 MiB wanted)";
    check_one(&seen, "memory", State::Missing, message, Verdict::Bad);
}

#[test]
fn memory_that_the_kernel_does_not_tell_cannot_be_judged() {
    let seen = Seen {
        memory_available_bytes: None,
        ..sound()
    };
    let message = "memory available: cannot be told (2304 MiB wanted)";
    check_one(
        &seen,
        "memory",
        State::Unknown,
        message,
        Verdict::CouldNotTell,
    );
}

#[test]
fn a_full_disk_is_bad() {
    let seen = Seen {
        disk_free_bytes: Some(1023 * MIB),
        ..sound()
    };
    let message = "1023 MiB free for runs in /home/a/.local/state/detente/runs (1024 MiB wanted)";
    check_one(&seen, "disk", State::Missing, message, Verdict::Bad);
}

#[test]
fn no_place_for_runs_is_lacking_since_out_names_one() {
    let seen = Seen {
        run_folder: None,
        disk_free_bytes: None,
        ..sound()
    };
    let message = "there is no place to keep runs: neither XDG_STATE_HOME nor HOME is set";
    check_one(&seen, "disk", State::Lacking, message, Verdict::Fine);
}

#[test]
fn a_qemu_without_a_device_loses_the_profile() {
    let seen = Seen {
        qemu: without_devices(&["e1000e"]),
        ..sound()
    };
    let message = "QEMU lacks devices of kvm-legacy (e1000e)";
    check_one(&seen, "devices", State::Lacking, message, Verdict::Fine);
    let states: Vec<_> = Report::of(&seen).profiles.iter().map(|p| p.state).collect();
    // Our own machine is shown without QEMU.
    assert_eq!(states, [State::Fine, State::Missing, State::Fine]);
}

#[test]
fn a_qemu_without_any_profile_is_bad() {
    let seen = Seen {
        qemu: without_devices(&["isa-serial"]),
        ..sound()
    };
    let message = "QEMU lacks devices of kvm (isa-serial) and of kvm-legacy (isa-serial)";
    check_one(&seen, "devices", State::Missing, message, Verdict::Bad);
}

#[test]
fn without_kvm_the_lab_serves_and_says_why() {
    let message = "our machine runs in the lab, many times slower: there is no /dev/kvm. The lab \
                   is Linux 6.1.0 (this host's own) in QEMU's translator";
    let seen = in_the_lab(Ok("Linux 6.1.0 (this host's own)"));
    check_one(
        &seen,
        "hyperv-vmbus",
        State::Lacking,
        message,
        Verdict::Fine,
    );
    let report = Report::of(&seen);
    assert!(report.profiles.iter().all(|p| p.state == State::Fine));
}

#[test]
fn a_lab_without_a_kernel_has_a_way_out_for_each_distribution() {
    let message = "our machine can only run in the lab: there is no /dev/kvm. Missing: a kernel";
    let seen = in_the_lab(Err("a kernel"));
    let commands = check_one(
        &seen,
        "hyperv-vmbus",
        State::Lacking,
        message,
        Verdict::Fine,
    );
    assert_eq!(
        commands,
        [
            "detente lab up --fetch-kernel && detente lab down",
            "sudo apt-get install --no-install-recommends linux-image-cloud-amd64",
            "sudo dnf install kernel-core kernel-modules-core",
        ]
    );
    let report = Report::of(&seen);
    let profile = report.profiles.last().unwrap();
    assert_eq!(
        (profile.name, profile.state),
        ("hyperv-vmbus", State::Missing)
    );
}

#[test]
fn a_lab_wants_memory_for_itself_beside_its_guests() {
    // 2048 for the guest, 512 for the lab's Linux, 512 and 256 for QEMU.
    let message = "3000 MiB memory available (3328 MiB wanted)";
    let seen = Seen {
        memory_available_bytes: Some(3000 * MIB),
        ..in_the_lab(Ok("Linux 6.1.0 (this host's own)"))
    };
    check_one(&seen, "memory", State::Missing, message, Verdict::Bad);
}
