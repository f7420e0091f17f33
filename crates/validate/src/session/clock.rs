//! How the agent's clock stands to the host's.

/// Where the agent's clock, which counts since the guest's boot, was zero on the host's: what is
/// heard soonest says it best, since every message is late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AgentClock {
    began_ms: Option<i64>,
}

impl AgentClock {
    /// Takes the agent's word of its time, heard at a time of ours.
    pub(crate) fn heard(&mut self, now_ms: u64, uptime_ms: u64) {
        let began = i128::from(now_ms) - i128::from(uptime_ms);
        // A guest that claims a time beyond all reason has told none.
        if let Ok(began) = i64::try_from(began) {
            self.began_ms = Some(self.began_ms.map_or(began, |earlier| earlier.min(began)));
        }
    }

    /// Where the agent's clock was zero, if it has told.
    pub(crate) fn began_ms(self) -> Option<i64> {
        self.began_ms
    }
}

#[cfg(test)]
mod tests {
    use super::AgentClock;

    #[test]
    fn what_is_heard_soonest_counts() {
        let mut clock = AgentClock::default();
        assert_eq!(clock.began_ms(), None);
        for (now, uptime) in [(10_400, 7_000), (11_050, 8_000), (12_900, 9_000)] {
            clock.heard(now, uptime);
        }
        assert_eq!(clock.began_ms(), Some(3_050));
        // A clock that the host's run has begun after.
        clock.heard(13_000, 20_000);
        assert_eq!(clock.began_ms(), Some(-7_000));
    }

    #[test]
    fn a_time_beyond_reason_is_none() {
        let mut clock = AgentClock::default();
        clock.heard(1, u64::MAX);
        assert_eq!(clock.began_ms(), None);
    }
}
