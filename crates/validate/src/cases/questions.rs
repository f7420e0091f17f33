//! The cases that are one question to the agent: what it is asked, and who judges the answer.

use std::time::Duration;

use detente_host::HostError;
use detente_host::network::{ECHO_PORT, GATEWAY, NAME};
use detente_plan::judge::{self, AllowList, EchoSeen, NetworkExpected};
use detente_plan::protocol::{Observation, Task};

use super::way::Way;
use super::{services, wrong_answer};
use crate::session::Session;

/// Warnings and worse are read of the kernel's log.
const KERNEL_LOG_LEVEL: u8 = 4;

/// How long the service on the host may take for the last bytes of a transfer.
const LAST_BYTES: Duration = Duration::from_secs(10);

pub(super) const BOOT_02: Way = Way::Question {
    ask: |_| Task::ReadKernelLog {
        max_level: KERNEL_LOG_LEVEL,
    },
    judge: |context, seen, _| match seen {
        Observation::KernelLog(seen) => Ok(judge::boot02(
            seen,
            &AllowList::built_in(),
            context.execution(),
        )),
        _ => Ok(wrong_answer()),
    },
};

pub(super) const CPU_01: Way = Way::Question {
    ask: |_| Task::CountCpus,
    judge: |context, seen, _| match seen {
        Observation::Cpus(seen) => Ok(judge::cpu01(seen, context.plan.parameters.vcpus)),
        _ => Ok(wrong_answer()),
    },
};

pub(super) const CPU_05: Way = Way::Question {
    ask: |_| Task::IdentifyHypervisor,
    judge: |context, seen, _| match seen {
        Observation::Hypervisor(seen) => {
            let discovery = &context.hardware().discovery;
            Ok(judge::cpu05(seen, discovery, context.execution()))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const CPU_08: Way = Way::Question {
    ask: |_| Task::ListVmbus,
    judge: |_, seen, session| match seen {
        Observation::Vmbus(seen) => {
            let agreed = session.services.agreed_version();
            Ok(judge::cpu08(seen, &services::offered(), agreed.as_deref()))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const MEM_01: Way = Way::Question {
    ask: |_| Task::MeasureMemory,
    judge: |context, seen, _| match seen {
        Observation::Memory(seen) => {
            let parameters = &context.plan.parameters;
            let reserved = parameters.memory_reserved_percent;
            Ok(judge::mem01(seen, parameters.memory_mib, reserved))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const STO_01: Way = Way::Question {
    ask: |context| Task::ExerciseRootDisk {
        bytes: context.plan.parameters.disk_bytes,
        seed: context.seed,
    },
    judge: |context, seen, _| match seen {
        Observation::RootDisk(seen) => {
            let bytes = context.plan.parameters.disk_bytes;
            Ok(judge::sto01(seen, &context.hardware(), bytes))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const NET_01: Way = Way::Question {
    ask: |context| Task::ProbeNetwork {
        mac: context.mac.clone(),
        ping: GATEWAY,
        name: NAME.to_owned(),
    },
    judge: |context, seen, _| match seen {
        Observation::Network(seen) => {
            let expected = NetworkExpected {
                name: NAME.to_owned(),
                address: GATEWAY,
            };
            Ok(judge::net01(seen, &context.hardware(), &expected))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const NET_02: Way = Way::Question {
    ask: |context| Task::TransferTcp {
        address: GATEWAY,
        port: ECHO_PORT,
        bytes: context.plan.parameters.transfer_bytes,
        seed: context.seed,
    },
    judge: |context, seen, session| match seen {
        Observation::Transfer(seen) => {
            let echo = echo_seen(session)?;
            let bytes = context.plan.parameters.transfer_bytes;
            Ok(judge::net02(seen, &echo, bytes))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const TIME_01: Way = Way::Question {
    ask: |_| Task::SwitchClockSources,
    judge: |context, seen, _| match seen {
        Observation::Clock(seen) => {
            let hardware = context.hardware();
            Ok(judge::time01(seen, &hardware, context.execution()))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(super) const RNG_01: Way = Way::Question {
    ask: |context| Task::ReadEntropy {
        bytes: context.plan.parameters.entropy_bytes,
    },
    judge: |context, seen, _| match seen {
        Observation::Entropy(seen) => Ok(judge::rng01(seen, context.plan.parameters.entropy_bytes)),
        _ => Ok(wrong_answer()),
    },
};

/// What the service on the host saw of the transfer. The guest's word may be here before the
/// service has taken its last bytes.
fn echo_seen(session: &mut Session) -> Result<EchoSeen, HostError> {
    // Late or not: what is there then is judged.
    session.wait(LAST_BYTES, |state| {
        let seen = state.network_seen();
        (!seen.echoed_sha256.is_empty()).then_some(())
    })?;
    let seen = session.network_seen();
    Ok(EchoSeen {
        bytes: seen.echoed_bytes,
        sha256: seen.echoed_sha256,
    })
}
