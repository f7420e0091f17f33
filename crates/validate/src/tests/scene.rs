//! One profile with a scripted guest, from the machine's start to its end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use detente_evidence::{CaseResult, Outcome, Verdict};
use detente_guest::BootFiles;
use detente_host::scripted::{Recorded, ScriptedHost};
use detente_host::{Acceleration, Host as _, Machine, MachineEvent, NetworkSeen};
use detente_machine::{DirectBoot, LaunchNetwork, LaunchSpec, Profile};
use detente_plan::Plan;
use detente_plan::protocol::{Decoder, HostMessage};
use detente_samples::initramfs;

use super::fake::{FakeGuest, RUN, TRANSFER_SHA256};
use crate::cases::Context;
use crate::left_out::LeftOut;
use crate::machine::{MAC, mac_text};
use crate::profile::{OverallLimits, in_guest};
use crate::results::Results;
use crate::session::Session;
use crate::{Observer, Progress, agent};

/// An agent that is silent for longer counts as dead.
const SILENCE: Duration = Duration::from_secs(15);

/// The plan of every test.
pub(super) fn plan() -> Plan {
    Plan::named("smoke").unwrap()
}

/// Wants to know nothing.
pub(super) struct Nobody;

impl Observer for Nobody {
    fn progress(&mut self, _: &Progress<'_>) {}
}

/// What the service on the host saw of a sound transfer.
pub(super) fn network_seen() -> NetworkSeen {
    NetworkSeen {
        echoed_bytes: plan().parameters.transfer_bytes,
        echoed_sha256: TRANSFER_SHA256.to_owned(),
        ..NetworkSeen::default()
    }
}

/// How a scene ended.
pub(super) struct Ended {
    pub(super) cases: Vec<CaseResult>,
    pub(super) recorded: Recorded,
    /// How long it took, by the machine's time.
    pub(super) elapsed: Duration,
    /// The names of the files that are there.
    pub(super) files: Vec<String>,
}

impl Ended {
    /// A case's outcome and message.
    #[track_caller]
    pub(super) fn case(&self, id: &str) -> (Outcome, &str) {
        let case = self.cases.iter().find(|case| case.case_id == id).unwrap();
        (case.outcome, &case.message)
    }

    /// Checks a case's outcome and a part of its message.
    #[track_caller]
    pub(super) fn expect(&self, id: &str, outcome: Outcome, part: &str) {
        let (is, message) = self.case(id);
        assert_eq!(is, outcome, "{id}: {message}");
        assert!(message.contains(part), "{id}: {message}");
    }

    /// Checks that these cases, and no others, did not pass, though they apply.
    #[track_caller]
    pub(super) fn expect_passed_but(&self, others: &[&str]) {
        let bad: Vec<&str> = self
            .cases
            .iter()
            .filter(|case| !case.outcome.is_pass() && case.outcome != Outcome::Skipped)
            .map(|case| case.case_id.as_str())
            .collect();
        assert_eq!(bad, others);
    }

    pub(super) fn verdict(&self) -> Verdict {
        let outcomes = self.cases.iter();
        Verdict::of(outcomes.map(|case| (case.requirement, case.outcome)))
    }

    /// What the host said.
    pub(super) fn messages(&self) -> Vec<HostMessage> {
        let mut decoder = Decoder::new();
        let sent = self.recorded.sent.iter();
        sent.flat_map(|(_, bytes)| decoder.push(bytes))
            .filter_map(|frame| serde_json::from_slice(&frame).ok())
            .collect()
    }
}

/// A machine that nobody looks at.
pub(super) fn spec() -> LaunchSpec {
    LaunchSpec {
        name: "scripted".to_owned(),
        profile: Profile::Kvm,
        topology: plan().parameters.vcpus,
        memory_mib: 1,
        disks: Vec::new(),
        boot: DirectBoot {
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            cmdline: String::new(),
        },
        network: LaunchNetwork {
            mac: MAC,
            dhcp: true,
            spoil_transfer: false,
        },
        entropy: true,
        console_input: true,
        hypervisor_bit: true,
        synthetic: detente_machine::Synthetic::default(),
        extras: detente_machine::Extras::default(),
    }
}

/// Plays a scene with a guest.
pub(super) fn play(guest: FakeGuest) -> Ended {
    play_until(guest, &Arc::default())
}

/// Plays a scene that the user may interrupt.
pub(super) fn play_until(guest: FakeGuest, interrupt: &Arc<AtomicBool>) -> Ended {
    play_on(guest, interrupt, |machine| machine)
}

/// Plays a scene on a machine that is spoiled.
pub(super) fn play_on(
    guest: FakeGuest,
    interrupt: &Arc<AtomicBool>,
    spoil: impl FnOnce(Box<dyn Machine>) -> Box<dyn Machine>,
) -> Ended {
    let guest = std::sync::Mutex::new(Some(guest));
    let host = ScriptedHost::new(move |_| guest.lock().unwrap().take().unwrap().script())
        .with_network_seen(network_seen());
    let place = tempfile::tempdir().unwrap();
    let work = place.path().join("kvm");
    std::fs::create_dir(&work).unwrap();
    let plan = plan();
    let context = Context {
        plan: &plan,
        profile: Profile::Kvm,
        label: "kvm".to_owned(),
        left_out: LeftOut::new(&plan, Profile::Kvm, None, &crate::Scope::default()),
        own_cases: &[],
        hold: None,
        acceleration: Acceleration::Hardware,
        case_limit: None,
        mac: mac_text(),
        seed: 42,
        faults: &[],
        work: &work,
        disks: crate::guest_disks::GuestDisks::default(),
    };
    let mut observer = Nobody;
    let mut results = Results::new(&context, &mut observer);
    let order = agent::order(RUN, &plan.digest(), &boot_files());
    let machine = spoil(host.start(&spec(), &work).unwrap());
    let mut session = Session::new(machine, order, interrupt.clone(), SILENCE);
    let limits = OverallLimits {
        boot: Duration::from_secs(60),
        shutdown: Duration::from_secs(30),
    };
    let shutdown = in_guest(&mut session, &mut results, limits).unwrap();
    results.add_shutdown(shutdown, || detente_plan::judge::RootState::Clean);
    let mut cases = results.in_plan_order(session.interrupted(), place.path());
    // The self-check is for whole runs.
    cases.retain(|case| case.case_id != "SUP-05");
    let files = std::fs::read_dir(&work).unwrap().flatten();
    Ended {
        cases,
        recorded: host.recorded(),
        elapsed: session.elapsed(),
        files: files
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .collect(),
    }
}

/// Of a guest with an initramfs of its own.
pub(super) fn boot_files() -> BootFiles {
    BootFiles {
        kernel: Vec::new(),
        initramfs: initramfs(),
        cmdline: "root=UUID=1 ro".to_owned(),
        kernel_release: "6.1".to_owned(),
        original_init: "/init".to_owned(),
    }
}

/// A guest's process that ends.
pub(super) fn exited() -> MachineEvent {
    MachineEvent::Exited {
        status: "killed by signal 9".to_owned(),
        stderr: "out of luck\n".to_owned(),
    }
}
