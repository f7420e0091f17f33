//! What the words of a run mean, and what to do about them.

use detente_evidence::{Follows, Outcome, Requirement, Verdict};

/// One word, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As it stands in documents.
    pub word: &'static str,
    /// What kind of word it is: `outcome of a case`, `verdict of a run`, ….
    pub kind: &'static str,
    /// What it means, in sentences.
    pub meaning: &'static str,
    /// What to do, in sentences; empty where nothing is to be done.
    pub advice: &'static str,
}

const OUTCOME: &str = "outcome of a case";
const VERDICT: &str = "verdict of a run";
const REQUIREMENT: &str = "requirement of a case";
const RESPONSIBILITY: &str = "responsibility for a failure";
const IMPLEMENTATION: &str = "implementation of a platform";
const ACCELERATION: &str = "acceleration of a machine";
const KIND: &str = "kind of a run";

/// Every word, in the order of this page.
const WORDS: &[Word] = &[
    Word {
        word: "passed",
        kind: OUTCOME,
        meaning: "It was seen, and it was as it must be.",
        advice: "",
    },
    Word {
        word: "passed_with_warning",
        kind: OUTCOME,
        meaning: "It was seen, and it was as it must be, with something that you should know: a unit that \
                  failed, a warning of the kernel, a pass on a later attempt.",
        advice: "Read the message. It counts as passed; a program's policy may still refuse it.",
    },
    Word {
        word: "failed",
        kind: OUTCOME,
        meaning: "It was seen, and it was wrong. The fault is the guest's or the platform's, not this program's.",
        advice: "Read the message: it names what was measured and the limit. Then look at the console around \
                 the failure and at the control run, which says whether the failure follows the guest or the \
                 platform. For drivers that are missing, `detente check IMAGE` says what to change.",
    },
    Word {
        word: "error",
        kind: OUTCOME,
        meaning: "It was not seen, because the tool or the lab broke, or the agent did not answer. Nobody's \
                  product is to blame so far.",
        advice: "Run it again. If it stays, `detente doctor` says what this machine lacks; else report it \
                 with the run's folder.",
    },
    Word {
        word: "skipped",
        kind: OUTCOME,
        meaning: "The case does not apply to this hardware profile or to this guest, so there was nothing to \
                  see; or the user left it out of a partial run. The message says which.",
        advice: "",
    },
    Word {
        word: "not_run",
        kind: OUTCOME,
        meaning: "The case applies, but could not be shown here: the guest was not ready, or the host or \
                  the hardware profile cannot show it (in emulation, for instance, what only a processor has). It \
                  never counts as passed.",
        advice: "Look for a failure before it, of BOOT-01 first. Where emulation is the reason, run it on a \
                 host whose KVM can be used.",
    },
    Word {
        word: "interrupted",
        kind: OUTCOME,
        meaning: "The user ended the run before the case was seen.",
        advice: "Run it again, and let it end.",
    },
    Word {
        word: "needs_review",
        kind: OUTCOME,
        meaning: "The rules do not decide: a person has to look at what was seen.",
        advice: "Read the message and the files that it names, and decide.",
    },
    Word {
        word: "passed",
        kind: VERDICT,
        meaning: "Every required case that applies passed, and at least one was shown. The exit code is 0.",
        advice: "Read what was not proved, too: a pass says nothing about that.",
    },
    Word {
        word: "failed",
        kind: VERDICT,
        meaning: "A required case failed. This weighs more than what was not seen. The exit code is 1.",
        advice: "Start with the first failure: the others often follow from it.",
    },
    Word {
        word: "incomplete",
        kind: VERDICT,
        meaning: "Nothing required failed, but not everything required was seen. The exit code is 2.",
        advice: "Look at the required cases whose outcome is error, not_run or needs_review.",
    },
    Word {
        word: "interrupted",
        kind: VERDICT,
        meaning: "The user ended the run. What was seen until then is recorded. The exit code is 130.",
        advice: "Run it again, and let it end.",
    },
    Word {
        word: "required",
        kind: REQUIREMENT,
        meaning: "A run in which it applies and did not pass does not pass.",
        advice: "",
    },
    Word {
        word: "advisory",
        kind: REQUIREMENT,
        meaning: "It is reported and does not count in the verdict; the next version of the plan requires it.",
        advice: "",
    },
    Word {
        word: "optional",
        kind: REQUIREMENT,
        meaning: "It is reported and does not count in the verdict.",
        advice: "",
    },
    Word {
        word: "deprecated",
        kind: REQUIREMENT,
        meaning: "It is reported, does not count in the verdict, and is gone in the next version of the plan.",
        advice: "",
    },
    Word {
        word: "guest",
        kind: RESPONSIBILITY,
        meaning: "The failure follows the guest: the same case fails on the other side's hardware too.",
        advice: "Look into the guest: its drivers, services and settings. Its vendor can reproduce it on hardware of its own.",
    },
    Word {
        word: "platform",
        kind: RESPONSIBILITY,
        meaning: "The failure follows the platform: the same case passes on the other side's hardware.",
        advice: "Look at what is special to this hardware: its drivers in the guest first, then the platform \
                 itself. `detente check IMAGE` names what the guest lacks for it.",
    },
    Word {
        word: "undetermined",
        kind: RESPONSIBILITY,
        meaning: "It cannot be told whether the failure follows the guest or the platform: there was no control run, or it did not show the case.",
        advice: "Run the same plan on the other side's hardware too: `detente validate IMAGE` without `--profile` and `--no-control`.",
    },
    Word {
        word: "vendor_product",
        kind: IMPLEMENTATION,
        meaning: "The vendor's own package, identified as such.",
        advice: "",
    },
    Word {
        word: "upstream_build",
        kind: IMPLEMENTATION,
        meaning: "QEMU and KVM as a distribution ships them; no vendor's product was tested.",
        advice: "",
    },
    Word {
        word: "compatible_implementation",
        kind: IMPLEMENTATION,
        meaning: "A machine that shows the guest what a vendor's product shows, and is not that product.",
        advice: "What passes here has still to be shown on the product itself.",
    },
    Word {
        word: "hardware",
        kind: ACCELERATION,
        meaning: "The processor ran the guest itself.",
        advice: "",
    },
    Word {
        word: "nested",
        kind: ACCELERATION,
        meaning: "The host is a virtual machine itself; limits are doubled.",
        advice: "",
    },
    Word {
        word: "emulated",
        kind: ACCELERATION,
        meaning: "Every instruction of the guest was translated in software. Limits are multiplied by six, and what only a processor can show is not_run.",
        advice: "For times that mean something, run it where KVM can be used; `detente doctor` says why it cannot here.",
    },
    Word {
        word: "unofficial",
        kind: KIND,
        meaning: "A run that was not made for a certification program.",
        advice: "",
    },
    Word {
        word: "partial",
        kind: KIND,
        meaning: "A run of a part of a plan: cases were chosen or left out (`--case`, `--skip`, \
                  `--rerun-failed`). Its verdict is about those that were run, and about nothing else.",
        advice: "Run the whole plan before you rely on it.",
    },
    Word {
        word: "fault_injected",
        kind: KIND,
        meaning: "Faults were put in on purpose, to see whether they are noticed. It says nothing about the guest.",
        advice: "",
    },
];

/// Every word there is.
#[must_use]
pub fn all() -> &'static [Word] {
    WORDS
}

/// The explanations of a word, however it is written: `not_run`, `NOT-RUN`, `not run`. One word
/// may be an outcome and a verdict; nothing, if it is none of ours.
#[must_use]
pub fn find(word: &str) -> Vec<Word> {
    let wanted = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let same = |known: &&Word| known.word == wanted;
    WORDS.iter().filter(same).copied().collect()
}

/// What an outcome means.
#[must_use]
pub fn outcome(outcome: Outcome) -> Word {
    of_kind(OUTCOME, outcome.word())
}

/// What a verdict means.
#[must_use]
pub fn verdict(verdict: Verdict) -> Word {
    of_kind(VERDICT, verdict.word())
}

/// What it means that a failure follows something.
#[must_use]
pub fn follows(follows: Follows) -> Word {
    let word = match follows {
        Follows::Guest => "guest",
        Follows::Platform => "platform",
        Follows::Undetermined => "undetermined",
    };
    of_kind(RESPONSIBILITY, word)
}

/// How much a plan wants a case, as documents say it.
#[must_use]
pub fn requirement(requirement: Requirement) -> &'static str {
    match requirement {
        Requirement::Required => "required",
        Requirement::Advisory => "advisory",
        Requirement::Optional => "optional",
        Requirement::Deprecated => "deprecated",
    }
}

fn of_kind(kind: &str, word: &str) -> Word {
    WORDS
        .iter()
        .find(|known| known.kind == kind && known.word == word)
        .copied()
        .expect("every word of the enums is in the list, as this module's tests show")
}

/// An outcome as people write it: `not run`.
pub(crate) fn spoken(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::PassedWithWarning => "passed with warning",
        Outcome::Failed => "failed",
        Outcome::Error => "error",
        Outcome::Skipped => "skipped",
        Outcome::NotRun => "not run",
        Outcome::Interrupted => "interrupted",
        Outcome::NeedsReview => "needs review",
    }
}

/// One sign for an outcome; the word stands beside it.
pub(crate) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::PassedWithWarning => "!",
        Outcome::Failed => "✗",
        Outcome::Error => "E",
        Outcome::Skipped => "–",
        Outcome::NotRun => "○",
        Outcome::Interrupted => "×",
        Outcome::NeedsReview => "?",
    }
}

/// Every outcome, the best first, as in drawings and legends.
pub(crate) const OUTCOMES: [Outcome; 8] = [
    Outcome::Passed,
    Outcome::PassedWithWarning,
    Outcome::Failed,
    Outcome::Error,
    Outcome::NeedsReview,
    Outcome::Interrupted,
    Outcome::NotRun,
    Outcome::Skipped,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_enums_is_explained() {
        for known in OUTCOMES {
            assert_eq!(outcome(known).word, known.word());
            assert!(!find(spoken(known)).is_empty());
        }
        for known in [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::Incomplete,
            Verdict::Interrupted,
        ] {
            assert_eq!(verdict(known).word, known.word());
        }
        for known in [Follows::Guest, Follows::Platform, Follows::Undetermined] {
            assert!(!follows(known).meaning.is_empty());
        }
        use Requirement::{Advisory, Deprecated, Optional, Required};
        for known in [Required, Advisory, Optional, Deprecated] {
            assert_eq!(find(requirement(known)).len(), 1);
        }
    }

    #[test]
    fn a_word_is_found_however_it_is_written() {
        for written in ["not_run", "NOT-RUN", " not run "] {
            assert_eq!(find(written), [outcome(Outcome::NotRun)]);
        }
        assert_eq!(find("failed").len(), 2);
        assert!(find("certified").is_empty());
    }

    #[test]
    fn what_went_wrong_comes_with_advice() {
        for known in OUTCOMES {
            let fine = matches!(known, Outcome::Passed | Outcome::Skipped);
            assert_eq!(outcome(known).advice.is_empty(), fine, "{known}");
        }
    }
}
