//! Cylinders, heads and sectors: how Virtual PC says how large a disk is.

/// The geometry in a footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VhdGeometry {
    /// How many cylinders there are.
    pub cylinders: u16,
    /// How many heads.
    pub heads: u8,
    /// How many sectors a track has.
    pub sectors_per_track: u8,
}

/// What a geometry can say at most: 65535 cylinders, 16 heads, 255 sectors.
const LARGEST: VhdGeometry = VhdGeometry {
    cylinders: u16::MAX,
    heads: 16,
    sectors_per_track: 255,
};

impl VhdGeometry {
    /// How many sectors of 512 bytes there are in all.
    #[must_use]
    pub fn sectors(self) -> u64 {
        u64::from(self.cylinders)
            .saturating_mul(u64::from(self.heads))
            .saturating_mul(u64::from(self.sectors_per_track))
    }

    /// Whether it says "at least this much".
    pub(super) fn is_largest(self) -> bool {
        self.sectors() == LARGEST.sectors()
    }

    /// The geometry of a disk of so many sectors, which may be a little smaller: \[VHD\] "Appendix:
    /// CHS Calculation".
    pub(super) fn of(sectors: u64) -> Self {
        let sectors = sectors.min(LARGEST.sectors());
        let (per_track, heads) = shape(sectors);
        let a_cylinder = u64::from(per_track).saturating_mul(u64::from(heads));
        let cylinders = sectors.checked_div(a_cylinder).unwrap_or(0);
        Self {
            cylinders: u16::try_from(cylinders).unwrap_or(u16::MAX),
            heads,
            sectors_per_track: per_track,
        }
    }
}

/// Sectors a track, and heads.
fn shape(sectors: u64) -> (u8, u8) {
    if sectors >= 65_535 * 16 * 63 {
        return (255, 16);
    }
    let tracks = sectors / 17;
    let heads = tracks.div_ceil(1024).max(4);
    match u8::try_from(heads) {
        Ok(few @ ..=16) if tracks < heads.saturating_mul(1024) => (17, few),
        Ok(_) | Err(_) if sectors / 31 < 16 * 1024 => (31, 16),
        Ok(_) | Err(_) => (63, 16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes and geometries that `qemu-img create -f vpc` 7.2 wrote, and that of Virtual PC's sample.
    #[test]
    fn geometries_are_those_of_the_specification() {
        let check = |size: u64, expect: (u16, u8, u8)| {
            let got = VhdGeometry::of(size / 512);
            let got = (got.cylinders, got.heads, got.sectors_per_track);
            assert_eq!(got, expect, "{size} bytes");
        };
        check(4_212_736, (121, 4, 17));
        check(67_125_248, (964, 8, 17));
        check(209_764_352, (826, 16, 31));
        check(524_353_536, (1016, 16, 63));
        check(1_073_995_776, (2081, 16, 63));
        check(33_821_835_264, (65_534, 16, 63));
        check(136_365_219_840, (65_279, 16, 255));
        check(0x1f_c000_0000, (0xfefe, 16, 255));
        check(2040 << 30, (65_535, 16, 255));
    }

    #[test]
    fn a_disk_of_any_size_has_a_geometry_that_is_not_larger() {
        for sectors in (0..2_000_000).step_by(997).chain([u64::MAX]) {
            assert!(VhdGeometry::of(sectors).sectors() <= sectors);
        }
    }
}
