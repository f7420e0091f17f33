//! How each case is run: one row a case.

use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::Finding;
use detente_plan::protocol::{Observation, Task};

use super::{Context, Found, console, plugging, questions, services};
use crate::session::Session;

/// How a case is run.
pub(super) enum Way {
    /// It falls out of the shared boot itself: its start, its end, what is left on the disk.
    OfTheRun,
    /// One question to the agent; those of a group are asked side by side.
    Question {
        /// The question.
        ask: fn(&Context<'_>) -> Task,
        /// What an answer means.
        judge: fn(&Context<'_>, &Observation, &mut Session) -> Result<Finding, HostError>,
    },
    /// A conversation that has the machine to itself.
    Alone(fn(&Context<'_>, &mut Session) -> Result<Found, HostError>),
    /// It has a boot beside the shared one: [`super::OWN_BOOTS`].
    OwnBoot,
}

impl Way {
    /// The way of a case.
    pub(super) fn of(case: CaseId) -> Self {
        match case {
            CaseId::Boot01 | CaseId::Boot10 | CaseId::Pwr01 | CaseId::Sup05 => Self::OfTheRun,
            CaseId::Boot02 => questions::BOOT_02,
            CaseId::Cpu01 => questions::CPU_01,
            CaseId::Cpu05 => questions::CPU_05,
            CaseId::Cpu08 => questions::CPU_08,
            CaseId::Mem01 => questions::MEM_01,
            CaseId::Sto01 => questions::STO_01,
            CaseId::Net01 => questions::NET_01,
            CaseId::Net02 => questions::NET_02,
            CaseId::Time01 => questions::TIME_01,
            CaseId::Rng01 => questions::RNG_01,
            CaseId::Con01 => Self::Alone(console::console),
            CaseId::Hb01 => Self::Alone(services::heartbeat),
            CaseId::Kvp01 => Self::Alone(services::key_values),
            CaseId::Kbd01 => Self::Alone(services::keyboard),
            CaseId::Snp01 => Self::Alone(services::freezing),
            CaseId::Crs03 => Self::OwnBoot,
            CaseId::Cpu04 => Self::Alone(plugging::processor),
            CaseId::Mem02 => Self::Alone(plugging::balloon),
            CaseId::Mem04 => Self::Alone(plugging::memory),
            CaseId::Sto02 => Self::Alone(plugging::hot_disk),
            CaseId::Sto03 => Self::Alone(plugging::growing_disk),
            CaseId::Sto04 => Self::Alone(plugging::discarded_disk),
            CaseId::Sto14 => Self::Alone(plugging::read_only_disk),
            CaseId::Net07 => Self::Alone(plugging::hot_card),
            CaseId::Net14 => Self::Alone(plugging::cable),
            CaseId::Time04 => Self::Alone(plugging::pause),
        }
    }
}
