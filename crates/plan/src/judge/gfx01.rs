//! GFX-01: the guest shows something on its screen.

use detente_evidence::Comparator;

use super::finding::{Finding, check, measured, number};

/// What is seen of a screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Screen {
    /// Points across.
    pub width: u32,
    /// Points down.
    pub height: u32,
    /// How many points have another colour than the first one.
    pub differing: u64,
}

/// Fewer than the points of one letter on a screen of text are no picture.
const LEAST_POINTS: u64 = 32;

/// The smallest screen that a server shows: 80 by 25 letters of 8 by 14 points.
const LEAST: (u32, u32) = (640, 350);

/// Judges it.
#[must_use]
pub fn gfx01(seen: &Screen) -> Finding {
    let Screen {
        width,
        height,
        differing,
    } = *seen;
    let checks = vec![
        check(
            "size",
            width >= LEAST.0 && height >= LEAST.1,
            format!("the screen has {width} by {height} points"),
        ),
        check(
            "content",
            differing >= LEAST_POINTS,
            if differing >= LEAST_POINTS {
                format!("{differing} of them are of another colour than the rest")
            } else {
                format!("it is blank ({differing} points are of another colour than the rest)")
            },
        ),
    ];
    let limit = Some((Comparator::AtLeast, number(LEAST_POINTS)));
    Finding::of_checks(
        checks,
        vec![measured("drawn", number(differing), "points", limit)],
    )
}

#[cfg(test)]
mod tests {
    use detente_evidence::Outcome;

    use super::*;

    #[track_caller]
    fn verdict((width, height): (u32, u32), differing: u64, outcome: Outcome) {
        let finding = gfx01(&Screen {
            width,
            height,
            differing,
        });
        assert_eq!(finding.outcome, outcome, "{}", finding.message);
    }

    #[test]
    fn text_on_a_screen_passes_and_a_blank_or_tiny_one_fails() {
        verdict((720, 400), 2000, Outcome::Passed);
        verdict((640, 350), 32, Outcome::Passed);
        verdict((720, 400), 31, Outcome::Failed);
        verdict((720, 400), 0, Outcome::Failed);
        verdict((1, 1), 2000, Outcome::Failed);
    }
}
