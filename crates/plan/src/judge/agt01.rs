//! AGT-01: what QEMU's guest agent says of the guest is what is seen inside.

use detente_evidence::Outcome;

use super::finding::{Finding, check, listed};

/// The guest, as one of two describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestFacts {
    /// `PRETTY_NAME` of its os-release.
    pub os: String,
    /// `uname -r`.
    pub kernel: String,
    /// The interface with the card's address.
    pub interface: String,
    /// Its IPv4 addresses, `10.0.2.15/24`.
    pub addresses: Vec<String>,
}

/// Holds what the guest agent said against what our own saw; the first may be missing, with the
/// reason.
#[must_use]
pub fn agt01(said: &Result<GuestFacts, String>, seen: &GuestFacts) -> Finding {
    let said = match said {
        Ok(said) => said,
        Err(why) => return Finding::plain(Outcome::Failed, "not_said", why.clone()),
    };
    let same = |name: &str, said: &str, seen: &str| {
        let message = format!("{name}: said {said:?}, seen {seen:?}");
        check(name, !seen.is_empty() && said == seen, message)
    };
    let sorted = |addresses: &[String]| {
        let mut addresses = addresses.to_vec();
        addresses.sort();
        listed(&addresses)
    };
    let checks = vec![
        same("operating system", &said.os, &seen.os),
        same("kernel", &said.kernel, &seen.kernel),
        same("interface", &said.interface, &seen.interface),
        check(
            "addresses",
            sorted(&said.addresses) == sorted(&seen.addresses),
            format!(
                "addresses: said {}, seen {}",
                sorted(&said.addresses),
                sorted(&seen.addresses)
            ),
        ),
    ];
    Finding::of_checks(checks, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> GuestFacts {
        GuestFacts {
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            kernel: "6.1.0-13-amd64".to_owned(),
            interface: "enp1s0".to_owned(),
            addresses: vec!["10.0.2.15/24".to_owned()],
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut GuestFacts), outcome: Outcome) {
        let mut said = facts();
        spoil(&mut said);
        let finding = agt01(&Ok(said), &facts());
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn two_that_say_the_same_pass() {
        check(|_| {}, Outcome::Passed);
    }

    #[test]
    fn each_spoiled_word_fails() {
        check(|said| said.os = "Debian".to_owned(), Outcome::Failed);
        check(|said| said.kernel.clear(), Outcome::Failed);
        check(|said| said.interface.clear(), Outcome::Failed);
        check(|said| said.addresses.clear(), Outcome::Failed);
        let silent = Err("it did not answer".to_owned());
        assert_eq!(agt01(&silent, &facts()).outcome, Outcome::Failed);
        let nothing = Ok(GuestFacts::default());
        let finding = agt01(&nothing, &GuestFacts::default());
        assert_eq!(finding.outcome, Outcome::Failed);
    }
}
