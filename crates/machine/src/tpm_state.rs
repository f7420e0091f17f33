//! What a TPM holds never moves: where a disk may need it, a gate is shut, wherever the machine goes.

use crate::loss::{Gate, Losses};
use crate::spec::{MachineSpec, Sealing};

/// Where it stands in reports.
const FIELD: &str = "tpm.state";

/// Shuts the gate unless no disk needs what the TPM holds.
///
/// A definition without a TPM whose disks nobody looked at has nothing to lose: nothing that it says
/// has held a key. Disks that are known to be sealed need their TPM whatever the definition says.
pub(crate) fn tpm_state(spec: &MachineSpec, losses: &mut Losses) {
    match (spec.guest.sealed_disks, &spec.tpm) {
        (Sealing::Tpm, _) => losses.refused(
            FIELD,
            Gate::TpmState,
            "disks open with what the TPM holds, and that never moves: have the recovery key at \
             hand, suspend BitLocker, or add a passphrase to LUKS before the move",
        ),
        (Sealing::Unknown, Some(_)) => losses.refused(
            FIELD,
            Gate::TpmState,
            "nobody could see whether disks open with what the TPM holds, and that never moves: with \
             BitLocker or LUKS have the recovery key or a passphrase at hand",
        ),
        (Sealing::None, Some(_)) => {
            losses.dropped(FIELD, "the new TPM is empty; no disk needs the old one");
        }
        (Sealing::Unknown | Sealing::None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Firmware, Tpm, TpmInterface, TpmVersion};

    #[test]
    fn only_disks_that_were_looked_at_leave_the_gate_open() {
        let tpm = Tpm {
            version: TpmVersion::V2_0,
            interface: TpmInterface::Crb,
        };
        for (sealing, has_tpm, gates, count) in [
            (Sealing::Tpm, true, vec![Gate::TpmState], 1),
            (Sealing::Tpm, false, vec![Gate::TpmState], 1),
            (Sealing::Unknown, true, vec![Gate::TpmState], 1),
            (Sealing::Unknown, false, vec![], 0),
            (Sealing::None, true, vec![], 1),
            (Sealing::None, false, vec![], 0),
        ] {
            let mut spec = MachineSpec::new("shop", 1, 1 << 30, Firmware::Bios);
            spec.guest.sealed_disks = sealing;
            spec.tpm = has_tpm.then(|| tpm.clone());
            let mut losses = Losses::new();
            tpm_state(&spec, &mut losses);
            assert_eq!(losses.gates(&[]), gates, "{sealing:?}, {has_tpm}");
            assert_eq!(losses.len(), count, "{sealing:?}, {has_tpm}");
            assert_eq!(losses.gates(&[Gate::TpmState]), []);
        }
    }
}
