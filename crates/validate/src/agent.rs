//! The agent that this program carries, and the archive that brings it into a guest.

use detente_guest::BootFiles;
use detente_initramfs::CpioWriter;
use detente_plan::protocol::{Order, PROTOCOL};
use sha2::{Digest as _, Sha256};

use crate::root_mount;

/// The agent's file.
const AGENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/detente-agent"));

/// Where the agent lies in the initramfs; also what the kernel is told to start.
pub(crate) const AGENT_PATH: &str = "/.detente/agent";

/// The agent's length.
pub(crate) fn size_bytes() -> u64 {
    AGENT.len() as u64
}

/// The agent's digest, as hex.
pub(crate) fn sha256() -> String {
    hex(&Sha256::digest(AGENT))
}

/// Bytes as hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The order that the agent obeys in a guest with these boot files.
pub(crate) fn order(run_id: &str, plan_digest: &str, files: &BootFiles) -> Order {
    let own = root_mount::has_own_init(&files.initramfs);
    Order {
        protocol: PROTOCOL,
        run_id: run_id.to_owned(),
        plan_digest: plan_digest.to_owned(),
        original_init: files.original_init.clone(),
        root: (!own).then(|| root_mount::root_mount(&files.cmdline)),
        modules: Vec::new(),
    }
}

/// The archive: the agent, and its order beside it.
pub(crate) fn archive(order: &Order) -> Result<Vec<u8>, serde_json::Error> {
    let mut writer = CpioWriter::new();
    writer.directory(".detente", 0o700);
    writer.file(".detente/agent", 0o700, AGENT);
    writer.file(".detente/order.json", 0o600, &serde_json::to_vec(order)?);
    Ok(writer.finish())
}

#[cfg(test)]
mod tests {
    use super::AGENT;

    /// What design and issue promise.
    const LIMIT_BYTES: usize = 2 << 20;

    /// ELF: the type of the program header that names a dynamic loader.
    const PT_INTERP: u32 = 3;

    #[test]
    fn the_agent_is_small() {
        assert!(AGENT.len() < LIMIT_BYTES, "{} bytes", AGENT.len());
    }

    #[test]
    fn the_agent_needs_no_loader() {
        // ELF-64: e_machine at 18, e_phoff at 32, e_phentsize at 54, e_phnum at 56; p_type first.
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([AGENT[at], AGENT[at + 1]]));
        assert!(AGENT.starts_with(b"\x7fELF\x02\x01"));
        assert_eq!(u16_at(18), 62, "made for x86-64");
        let first = u16_at(32);
        assert_eq!(first, 64, "the headers follow the ELF header");
        let kinds: Vec<u32> = (0..u16_at(56))
            .map(|number| first + number * u16_at(54))
            .map(|at| u32::from_le_bytes(AGENT[at..at + 4].try_into().unwrap()))
            .collect();
        assert!(!kinds.is_empty());
        assert!(!kinds.contains(&PT_INTERP), "{kinds:?}");
    }
}
