//! A network card that comes, loses its cable, gets it back, or goes.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use detente_plan::protocol::{AwaitCard, Card, CardState};

use super::exercise_disk::elapsed_ms;
use super::{Limits, link_up, network};
use crate::sysfs;
use crate::task_error::TaskError;

const RESERVE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
/// How long the guest's own set-up has to bring up an interface before the agent does.
const GUESTS_TURN: Duration = Duration::from_secs(3);
/// `linux/if.h`: `IFF_UP`.
const IFF_UP: u32 = 1;

/// Waits for the state.
pub(super) fn run(order: &AwaitCard, limits: &Limits) -> Result<Card, TaskError> {
    let (begun, class) = (Instant::now(), Path::new("/sys/class/net"));
    let most = Duration::from_millis(order.wait_ms).min(limits.left(RESERVE));
    let mut appeared = None;
    loop {
        let mut card = look(class, &order.mac);
        card.came = has_come(order.state, &card);
        card.waited_ms = elapsed_ms(begun);
        if card.came || begun.elapsed() >= most {
            return Ok(card);
        }
        if let (CardState::Up, Some(interface)) = (order.state, &card.interface) {
            let since = *appeared.get_or_insert_with(Instant::now);
            if since.elapsed() >= GUESTS_TURN && !is_up(class, interface) {
                bring_up(class, interface)?;
            }
        }
        sleep(LOOK);
    }
}

fn look(class: &Path, mac: &str) -> Card {
    let Some(interface) = network::find(class, mac) else {
        return Card::default();
    };
    let place = class.join(&interface);
    Card {
        driver: sysfs::link_name(place.join("device/driver"))
            .unwrap_or_default()
            .replace('-', "_"),
        carrier: match sysfs::text(place.join("carrier")).as_str() {
            "1" => Some(true),
            "0" => Some(false),
            // An interface that is down has none to tell of.
            _ => None,
        },
        interface: Some(interface),
        ..Card::default()
    }
}

fn has_come(state: CardState, card: &Card) -> bool {
    match state {
        CardState::Up => !card.driver.is_empty() && card.carrier == Some(true),
        CardState::Carrier => card.carrier == Some(true),
        CardState::NoCarrier => card.interface.is_some() && card.carrier != Some(true),
        CardState::Gone => card.interface.is_none(),
    }
}

fn is_up(class: &Path, interface: &str) -> bool {
    let flags = sysfs::text(class.join(interface).join("flags"));
    let flags = flags.strip_prefix("0x").unwrap_or(&flags);
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & IFF_UP != 0)
}

fn bring_up(class: &Path, interface: &str) -> Result<(), TaskError> {
    match sysfs::text(class.join(interface).join("ifindex")).parse() {
        Ok(index) => link_up::bring_up(index),
        // It has gone meanwhile: the next look tells.
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn card(carrier: Option<bool>) -> Card {
        Card {
            interface: Some("eth1".to_owned()),
            driver: "virtio_net".to_owned(),
            carrier,
            ..Card::default()
        }
    }

    #[test]
    fn each_state_is_told_from_the_others() {
        use CardState::{Carrier, Gone, NoCarrier, Up};
        for (state, seen, expect) in [
            (Up, card(Some(true)), true),
            (Up, card(None), false),
            (Carrier, card(Some(true)), true),
            (Carrier, card(Some(false)), false),
            (NoCarrier, card(Some(false)), true),
            (NoCarrier, card(None), true),
            (NoCarrier, Card::default(), false),
            (Gone, Card::default(), true),
            (Gone, card(None), false),
        ] {
            assert_eq!(has_come(state, &seen), expect, "{state:?} {seen:?}");
        }
    }

    #[test]
    fn a_card_is_read_as_sysfs_shows_it() {
        let class = tempfile::tempdir().unwrap();
        let place = class.path().join("eth1");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("address"), "52:54:00:d7:e2:02\n").unwrap();
        fs::write(place.join("carrier"), "0\n").unwrap();
        fs::write(place.join("flags"), "0x1003\n").unwrap();
        let seen = look(class.path(), "52:54:00:d7:e2:02");
        assert_eq!(seen.interface.as_deref(), Some("eth1"));
        assert_eq!(seen.carrier, Some(false));
        assert!(is_up(class.path(), "eth1"));
        assert!(!is_up(class.path(), "eth2"));
    }
}
