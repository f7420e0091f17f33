//! What the user asked for.

use detente_guest::Facts;
use detente_guest::check::{Boots, Profile, UnknownProfile, check, fitting};
use detente_guest::prepare::KnownMac;

use crate::failure::Failure;

/// The profiles that were named, each once; `None` if none was.
pub(super) fn named(names: &[String]) -> Result<Option<Vec<Profile>>, Failure> {
    let mut profiles = Vec::new();
    for name in names {
        if name == "all" {
            profiles.extend(Profile::ALL);
            continue;
        }
        profiles.push(name.parse().map_err(|error: UnknownProfile| {
            let hint = "`detente prepare --help` says what they are";
            Failure::usage(error.to_string(), hint)
        })?);
    }
    Ok((!names.is_empty()).then_some(profiles))
}

/// The hardware that the guest is to run on: what was asked for, else both sides' that fit its
/// firmware; and what it runs on now, which it must not lose.
pub(super) fn profiles(facts: &Facts, asked: Option<Vec<Profile>>) -> Vec<Profile> {
    let fits = fitting(facts).0;
    let wanted = asked.unwrap_or_else(|| {
        let both = |profile: &Profile| *profile != Profile::KvmLegacy;
        fits.iter().copied().filter(both).collect()
    });
    let now = check(facts, &fits).profiles;
    let runs_now = |profile: &Profile| {
        let mut now = now.iter();
        now.any(|own| own.profile == *profile && own.boots == Boots::Yes)
    };
    let all = Profile::ALL.into_iter();
    all.filter(|profile| wanted.contains(profile) || runs_now(profile))
        .collect()
}

/// The addresses of the machine's cards: `eth0=52:54:00:12:34:56`, or an address alone.
pub(super) fn macs(texts: &[String]) -> Result<Vec<KnownMac>, Failure> {
    let one = |text: &String| {
        let (name, mac) = match text.split_once('=') {
            Some((name, mac)) => (Some(name.to_owned()), mac),
            None => (None, text.as_str()),
        };
        let mac = mac
            .parse()
            .map_err(|error: detente_guest::prepare::NoMacAddress| {
                Failure::usage(error.to_string(), "write --mac eth0=52:54:00:12:34:56")
            })?;
        Ok(KnownMac { name, mac })
    };
    texts.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_may_have_a_name() {
        let texts = ["eth0=52:54:00:12:34:56", "52:54:00:12:34:57"].map(str::to_owned);
        let macs = macs(&texts).unwrap();
        assert_eq!(macs[0].name.as_deref(), Some("eth0"));
        assert_eq!(macs[1].name, None);
        assert_eq!(macs[1].mac.to_string(), "52:54:00:12:34:57");
        assert!(super::macs(&["eth0".to_owned()]).is_err());
    }

    #[test]
    fn profiles_are_named_once_or_not_at_all() {
        assert_eq!(named(&[]).unwrap(), None);
        let all = named(&["all".to_owned()]).unwrap().unwrap();
        assert_eq!(all, Profile::ALL);
        assert!(named(&["xen".to_owned()]).is_err());
    }
}
