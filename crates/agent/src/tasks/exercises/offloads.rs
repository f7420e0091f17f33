//! Offloads of a network card, each turned the other way round for a transfer.

use std::path::Path;
use std::time::Duration;

use detente_plan::protocol::{Offload, OffloadsToggled, Transfer};

use super::ethtool::{Card, FEATURES, Feature};
use crate::task_error::TaskError;
use crate::tasks::{Limits, network, transfer};

/// Kept back to turn everything back and to report.
const RESERVE: Duration = Duration::from_secs(3);

/// A service that sends back every byte, and what it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) address: [u8; 4],
    pub(super) port: u16,
    pub(super) bytes: u64,
    pub(super) seed: u64,
}

/// Turns them, one after the other.
pub(super) fn run(
    mac: &str,
    service: Service,
    limits: &Limits,
) -> Result<OffloadsToggled, TaskError> {
    let class = Path::new("/sys/class/net");
    let Some(interface) = network::find(class, mac) else {
        return Ok(OffloadsToggled::default());
    };
    let card = Card::open(&interface)?;
    let transfer = Some(send(service, limits)?);
    let mut offloads: Vec<Offload> = FEATURES
        .iter()
        .map(|feature| turn(&card, feature, service, limits))
        .collect();
    // One may have taken another with it (checksums and segmentation); all are looked at last.
    for (seen, feature) in offloads.iter_mut().zip(FEATURES) {
        seen.after = card.get(feature).ok();
    }
    Ok(OffloadsToggled {
        interface,
        transfer,
        offloads,
    })
}

/// Turns one, transfers, and turns it back.
fn turn(card: &Card, feature: &Feature, service: Service, limits: &Limits) -> Offload {
    let mut seen = Offload {
        name: feature.name.to_owned(),
        ..Offload::default()
    };
    let before = match card.get(feature) {
        Ok(before) => before,
        Err(error) => {
            seen.refused = Some(error.to_string());
            return seen;
        }
    };
    seen.before = Some(before);
    if limits.left(RESERVE).is_zero() {
        seen.refused = Some("there was no time for it".to_owned());
        return seen;
    }
    let asked = card.set(feature, !before);
    seen.turned = card.get(feature) == Ok(!before);
    seen.refused = asked.err().map(|error| error.to_string());
    if seen.turned {
        match send(service, limits) {
            Ok(transfer) => seen.transfer = Some(transfer),
            Err(error) => seen.refused = Some(error.to_string()),
        }
    }
    // Also after a refusal: what the kernel says in the end is what we report.
    let _ = card.set(feature, before);
    seen
}

fn send(service: Service, limits: &Limits) -> Result<Transfer, TaskError> {
    let to = (service.address, service.port);
    let limits = Limits {
        end: limits.end.checked_sub(RESERVE).unwrap_or(limits.end),
        output_bytes: limits.output_bytes,
    };
    transfer::run(to, service.bytes, service.seed, &limits)
}
