//! CPU-07: what the processor can, as the machine gives it and as the guest sees it.

use detente_evidence::Outcome;
use detente_host::HostError;
use detente_plan::CaseId;
use detente_plan::judge::{self, Finding, GivenWord};
use detente_plan::protocol::{Exercise, Exercised, Leaf, MAX_LEAVES};

use super::exercise;
use crate::cases::plugging::operating::{Step, found};
use crate::cases::{Context, Found};
use crate::session::Session;

/// Asks the machine, then the guest for the same leaves.
pub(crate) fn processor(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Cpu07);
    let talk = |session: &mut Session| -> Step<Finding> {
        let words = session
            .machine()
            .processor_words()
            .map_err(|error| Finding::plain(Outcome::NotRun, "not_known", error.to_string()))?;
        let given: Vec<GivenWord> = words
            .iter()
            .map(|word| GivenWord {
                leaf: Leaf {
                    leaf: word.leaf,
                    subleaf: word.subleaf,
                },
                register: word.register,
                bits: word.bits,
            })
            .collect();
        let wanted = given.iter().filter(|word| word.bits != 0);
        let mut leaves: Vec<Leaf> = wanted.map(|word| word.leaf).collect();
        leaves.sort();
        leaves.dedup();
        leaves.truncate(MAX_LEAVES);
        let asked = Exercise::ReadProcessor { leaves };
        let seen = exercise(session, asked, limit, |seen| match seen {
            Exercised::Processor(seen) => Some(seen),
            _ => None,
        })?;
        Ok(judge::cpu07(&given, &seen))
    };
    found(talk(session))
}
