//! NET-07, NET-14: a card that comes and goes, a cable that is pulled out and put back.

use std::time::Duration;

use detente_host::network::{GATEWAY, NAME};
use detente_host::{HostError, Operation};
use detente_plan::CaseId;
use detente_plan::judge::{self, Cable, Finding, HotCard};
use detente_plan::protocol::{AwaitCard, Card, CardState, Observation, Task};

use super::operating::{Step, ask, found, let_go, operate};
use crate::cases::{Context, Found};
use crate::limits::ms;
use crate::session::Session;

/// The slot of the card that is plugged in.
pub(super) const SLOT: u8 = 4;

/// Locally administered, beside that of the machine's own card.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0xd7, 0xe2, 0x02];

const NAME_OF_CARD: &str = "detente-card";

fn card(session: &mut Session, mac: String, state: CardState, limit: Duration) -> Step<Card> {
    let wait_ms = ms(limit);
    let order = AwaitCard {
        mac,
        state,
        wait_ms,
    };
    // The waiting has the limit; the answer needs a moment more.
    let limit = limit.saturating_mul(2);
    ask(session, Task::AwaitCard(order), limit, |seen| match seen {
        Observation::Card(card) => Some(card),
        _ => None,
    })
}

/// NET-07: a card is plugged in, comes up, and is taken away.
pub(crate) fn hot_card(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Net07);
    let mac = MAC.map(|byte| format!("{byte:02x}")).join(":");
    let talk = |session: &mut Session| -> Step<Finding> {
        let name = NAME_OF_CARD.to_owned();
        let plug = Operation::PlugCard {
            name: name.clone(),
            mac: MAC,
            slot: SLOT,
        };
        operate(session, &plug)?;
        let up = card(session, mac.clone(), CardState::Up, limit)?;
        let mut seen = HotCard {
            up,
            ..HotCard::default()
        };
        if seen.up.interface.is_some() {
            operate(session, &Operation::UnplugCard { name })?;
            seen.let_go = let_go(session, NAME_OF_CARD, limit)?;
            seen.gone = card(session, mac, CardState::Gone, limit)?;
        }
        let driver = "virtio_net";
        Ok(judge::net07(&seen, driver, ms(limit)))
    };
    found(talk(session))
}

/// NET-14: the cable is pulled out and put back.
pub(crate) fn cable(context: &Context<'_>, session: &mut Session) -> Result<Found, HostError> {
    let limit = context.limit(CaseId::Net14);
    let mac = || context.mac.clone();
    let talk = |session: &mut Session| -> Step<Finding> {
        operate(session, &Operation::SetLink { up: false })?;
        let out = card(session, mac(), CardState::NoCarrier, limit);
        // Whatever was seen, the guest gets its network back.
        operate(session, &Operation::SetLink { up: true })?;
        let out = out?;
        let back = card(session, mac(), CardState::Carrier, limit)?;
        let probe = Task::ProbeNetwork {
            mac: mac(),
            ping: GATEWAY,
            name: NAME.to_owned(),
        };
        // The guest's own set-up may need a while for the address.
        let network = ask(session, probe, limit.saturating_mul(2), |seen| match seen {
            Observation::Network(network) => Some(network),
            _ => None,
        })?;
        Ok(judge::net14(&Cable { out, back, network }))
    };
    found(talk(session))
}
