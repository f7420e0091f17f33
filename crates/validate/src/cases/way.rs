//! How each case is run: one row a case.

use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::Finding;
use detente_plan::protocol::{Observation, Task};

use super::{Context, Found, console, exercises, plugging, questions, services};
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
            CaseId::Boot03 | CaseId::Boot04 | CaseId::Boot05 | CaseId::Crs03 => Self::OwnBoot,
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
            CaseId::Hb02 => Self::Alone(plugging::alive),
            CaseId::Agt01 => Self::Alone(plugging::facts),
            CaseId::Snp02 => Self::Alone(plugging::snapshot),
            CaseId::Snp05 => Self::Alone(plugging::restored),
            CaseId::Boot08
            | CaseId::Pwr02
            | CaseId::Pwr03
            | CaseId::Sto05
            | CaseId::Crs02
            | CaseId::Crs05 => Self::OwnBoot,
            CaseId::Cpu03 => exercises::CPU_03,
            CaseId::Cpu07 => Self::Alone(exercises::processor),
            CaseId::Mem08 => exercises::MEM_08,
            CaseId::Sto13 => exercises::STO_13,
            CaseId::Net03 => exercises::NET_03,
            CaseId::Net04 => exercises::NET_04,
            CaseId::Time02 => Self::Alone(exercises::drift),
            CaseId::Time03 => Self::Alone(exercises::correction),
            CaseId::Kvp02 => Self::Alone(exercises::pairs),
            CaseId::Con02 => Self::Alone(exercises::port),
            CaseId::Gfx01 => Self::Alone(exercises::screen),
            CaseId::Str01 => Self::Alone(exercises::soak),
            CaseId::Sup01 => Self::Alone(exercises::supportable),
            CaseId::Sup04 => exercises::SUP_04,
            CaseId::Sup06 => Self::Alone(exercises::support_data),
        }
    }
}
