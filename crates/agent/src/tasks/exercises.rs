//! What the plan `base` asks beyond `smoke`, one file each. What is changed is put back, whatever
//! happens in between; every wait ends before the worker is killed, so that there is time for it.

mod burn;
mod disk;
mod ethtool;
mod firmware;
mod kernel_state;
mod memory;
mod mtu;
mod offloads;
mod processor;
mod processors;
mod support_data;
mod turned_clock;

use std::path::Path;

use detente_plan::protocol::{Exercise, Exercised};

use super::Limits;
use crate::task_error::TaskError;
use crate::worker::Report;

/// Whether the exercise looks at the guest's files.
pub(super) fn needs_root(exercise: &Exercise) -> bool {
    match exercise {
        Exercise::LoadDisk { .. }
        | Exercise::ReadKernelState
        | Exercise::CollectSupportData { .. } => true,
        Exercise::CycleProcessors
        | Exercise::ReadProcessor { .. }
        | Exercise::StressMemory { .. }
        | Exercise::ToggleOffloads { .. }
        | Exercise::ChangeMtu { .. }
        | Exercise::BurnProcessors { .. }
        | Exercise::TurnBackClock { .. }
        | Exercise::Echo { .. }
        | Exercise::ReadFirmware => false,
    }
}

/// Does it.
pub(super) fn run(
    exercise: &Exercise,
    limits: &Limits,
    tell: &mut dyn FnMut(Report),
) -> Result<Exercised, TaskError> {
    let root = Path::new("/");
    Ok(match exercise {
        Exercise::CycleProcessors => Exercised::Processors(processors::run(root, limits)),
        Exercise::ReadProcessor { leaves } => Exercised::Processor(processor::run(root, leaves)),
        Exercise::StressMemory {
            percent,
            most_bytes,
            seed,
            spoil,
        } => {
            let most = (*percent, *most_bytes);
            Exercised::Memory(memory::run(root, most, *seed, *spoil, limits)?)
        }
        Exercise::LoadDisk {
            workers,
            bytes,
            rounds,
            seed,
            spoil,
        } => Exercised::Disk(disk::run(
            (*workers, *rounds),
            *bytes,
            *seed,
            *spoil,
            limits,
        )?),
        Exercise::ToggleOffloads {
            mac,
            address,
            port,
            bytes,
            seed,
        } => {
            let service = offloads::Service {
                address: *address,
                port: *port,
                bytes: *bytes,
                seed: *seed,
            };
            Exercised::Offloads(offloads::run(mac, service, limits)?)
        }
        Exercise::ChangeMtu { mac, mtu, ping } => {
            Exercised::Mtu(mtu::run(mac, *mtu, *ping, limits)?)
        }
        Exercise::BurnProcessors { for_ms } => Exercised::Burnt(burn::run(*for_ms, limits)),
        Exercise::TurnBackClock {
            by_s,
            within_ms,
            for_ms,
        } => Exercised::ClockTurned(turned_clock::run(*by_s, *within_ms, *for_ms, limits)?),
        Exercise::Echo { content } => Exercised::Echo {
            content: content.clone(),
        },
        Exercise::ReadKernelState => Exercised::Kernel(kernel_state::run(root)),
        Exercise::ReadFirmware => Exercised::Firmware(firmware::run(root)),
        Exercise::CollectSupportData { piece_bytes } => {
            Exercised::SupportData(support_data::run(root, *piece_bytes, limits, tell)?)
        }
    })
}
