//! Those that are one question to the agent.

use detente_host::network::{ECHO_PORT, GATEWAY};
use detente_machine::Profile;
use detente_plan::judge::{self, DiskLoad, Stated};
use detente_plan::protocol::{Exercise, Exercised, Observation, Task};

use crate::Fault;
use crate::cases::way::Way;
use crate::cases::{Context, wrong_answer};
use crate::machine::uuid;

/// How much of what is available is filled, in hundredths, and how much at most.
const MEMORY_PERCENT: u8 = 40;
const MOST_MEMORY_BYTES: u64 = 512 << 20;

/// Files at once, and how often each is written and read.
pub(super) const WORKERS: u8 = 4;
pub(super) const ROUNDS: u8 = 2;

/// What is sent with each offload, as a part of what NET-02 sends.
const OFFLOAD_SHARE: u64 = 4;

/// What cards carry beyond the usual.
const LONG_MTU: u32 = 9000;

/// What is written of each file.
pub(super) fn disk_load(context: &Context<'_>) -> DiskLoad {
    DiskLoad {
        workers: WORKERS,
        rounds: ROUNDS,
        bytes: context.plan.parameters.disk_bytes,
    }
}

pub(crate) const CPU_03: Way = Way::Question {
    ask: |_| Task::Exercise(Exercise::CycleProcessors),
    judge: |_, seen, _| match seen {
        Observation::Exercised(Exercised::Processors(seen)) => Ok(judge::cpu03(seen)),
        _ => Ok(wrong_answer()),
    },
};

pub(crate) const MEM_08: Way = Way::Question {
    ask: |context| {
        Task::Exercise(Exercise::StressMemory {
            percent: MEMORY_PERCENT,
            most_bytes: MOST_MEMORY_BYTES,
            seed: context.seed,
            spoil: context.has(Fault::MemoryBit),
        })
    },
    judge: |context, seen, _| match seen {
        Observation::Exercised(Exercised::Memory(seen)) => {
            Ok(judge::mem08(seen, context.plan.parameters.memory_mib))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(crate) const STO_13: Way = Way::Question {
    ask: |context| {
        let DiskLoad {
            workers,
            rounds,
            bytes,
        } = disk_load(context);
        Task::Exercise(Exercise::LoadDisk {
            workers,
            bytes,
            rounds,
            seed: context.seed,
            spoil: context.has(Fault::DiskContent),
        })
    },
    judge: |context, seen, _| match seen {
        Observation::Exercised(Exercised::Disk(seen)) => Ok(judge::sto13(seen, disk_load(context))),
        _ => Ok(wrong_answer()),
    },
};

pub(crate) const NET_03: Way = Way::Question {
    ask: |context| {
        Task::Exercise(Exercise::ToggleOffloads {
            mac: context.mac.clone(),
            address: GATEWAY,
            port: ECHO_PORT,
            bytes: context.plan.parameters.transfer_bytes / OFFLOAD_SHARE,
            seed: context.seed,
        })
    },
    judge: |context, seen, _| match seen {
        Observation::Exercised(Exercised::Offloads(seen)) => {
            let bytes = context.plan.parameters.transfer_bytes / OFFLOAD_SHARE;
            Ok(judge::net03(seen, bytes))
        }
        _ => Ok(wrong_answer()),
    },
};

pub(crate) const NET_04: Way = Way::Question {
    ask: |context| {
        Task::Exercise(Exercise::ChangeMtu {
            mac: context.mac.clone(),
            mtu: LONG_MTU,
            ping: GATEWAY,
        })
    },
    judge: |_, seen, _| match seen {
        Observation::Exercised(Exercised::Mtu(seen)) => Ok(judge::net04(seen, LONG_MTU)),
        _ => Ok(wrong_answer()),
    },
};

pub(crate) const SUP_04: Way = Way::Question {
    ask: |_| Task::Exercise(Exercise::ReadFirmware),
    judge: |context, seen, _| match seen {
        Observation::Exercised(Exercised::Firmware(seen)) => {
            let stated = Stated {
                vendors: vendors(context.profile),
                uuid: uuid(context.profile),
            };
            Ok(judge::sup04(seen, &stated))
        }
        _ => Ok(wrong_answer()),
    },
};

/// Makers of the machine, as its SMBIOS names them: QEMU's own and its builds in distributions.
fn vendors(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Kvm | Profile::KvmLegacy => &["QEMU", "Red Hat"],
        Profile::HypervVmbus => &["Microsoft Corporation"],
    }
}
