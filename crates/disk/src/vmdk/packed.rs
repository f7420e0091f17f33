//! Compressed grains: \[VMDK\] "Stream-Optimized Compressed Sparse Extents".

use detente_block::ReadError;
use flate2::{Decompress, FlushDecompress, Status};

use super::SECTOR;
use super::corrupt;
use super::field::{read, to_u64, to_usize, u32_at, u64_at};
use super::grains::Grains;

/// The marker before a grain: the grain's first sector, and how many compressed bytes follow.
pub(super) const MARKER_BYTES: u64 = 12;

impl Grains {
    /// The most that a grain's compressed bytes can be: what deflate cannot make smaller grows a
    /// little, and QEMU allows for twice a grain.
    pub(super) fn packed_limit(&self) -> u64 {
        self.shape.grain_bytes().saturating_mul(2)
    }

    /// Fills `part` from `into` bytes into the grain whose marker is at `at`.
    pub(super) fn fill_packed(
        &self,
        grain: u64,
        at: u64,
        into: u64,
        part: &mut [u8],
    ) -> Result<(), ReadError> {
        let unpacked = self.unpacked.get_or(at, || self.unpack(grain, at))?;
        let wanted = unpacked
            .get(to_usize(into)..)
            .and_then(|rest| rest.get(..part.len()));
        let Some(wanted) = wanted else {
            let rule = format!("grain {grain} unpacks to {} bytes only", unpacked.len());
            return Err(corrupt(at, rule));
        };
        part.copy_from_slice(wanted);
        Ok(())
    }

    /// No more than a grain is unpacked, whatever the stream would yield.
    fn unpack(&self, grain: u64, at: u64) -> Result<Vec<u8>, ReadError> {
        let marker = read(&*self.file, at, MARKER_BYTES, "grain marker")?;
        let (first, size) = (u64_at(&marker, 0), u64::from(u32_at(&marker, 8)));
        if first != grain.saturating_mul(self.shape.grain_sectors) {
            let rule = format!("the marker of grain {grain} says that sector {first} follows");
            return Err(corrupt(at, rule));
        }
        if size == 0 || size > self.packed_limit() {
            let rule = format!("the marker of grain {grain} says that {size} bytes follow");
            return Err(corrupt(at.saturating_add(8), rule));
        }
        let packed = read(
            &*self.file,
            at.saturating_add(MARKER_BYTES),
            size,
            "compressed grain",
        )?;
        let mut bytes = Vec::with_capacity(to_usize(self.shape.grain_bytes()));
        // RFC 1950 as everybody writes it, though the specification says RFC 1951.
        let status =
            Decompress::new(true).decompress_vec(&packed, &mut bytes, FlushDecompress::Finish);
        match status {
            Ok(Status::StreamEnd) if to_u64(bytes.len()) >= self.shape.grain_len(grain) => {
                Ok(bytes)
            }
            Ok(Status::StreamEnd) => {
                let rule = format!("grain {grain} unpacks to {} bytes only", bytes.len());
                Err(corrupt(at, rule))
            }
            Ok(Status::Ok | Status::BufError) => {
                let rule = format!("grain {grain} is cut off, or unpacks to more than a grain");
                Err(corrupt(at, rule))
            }
            Err(error) => Err(corrupt(
                at,
                format!("grain {grain} cannot be unpacked: {error}"),
            )),
        }
    }

    /// The number of the grain at `offset` of the extent.
    pub(super) fn grain_of(&self, offset: u64) -> (u64, u64) {
        let bytes = self.shape.grain_bytes().max(SECTOR);
        (
            offset.checked_div(bytes).unwrap_or(0),
            offset.checked_rem(bytes).unwrap_or(0),
        )
    }
}
