//! Requests that change the disk: write, trim, write zeroes, flush.

use detente_block::BlockWrite;

use crate::reply::{ErrorValue, Refusal};
use crate::request::Request;
use crate::session::SessionError;
use crate::spec::{CMD_FLAG_FUA, CMD_FLAG_NO_HOLE, MAX_REQUEST_BYTES, PIECE_BYTES};
use crate::transmission::Transmission;

impl<'w> Transmission<'w, '_> {
    /// Takes the bytes that follow the request, and writes them piece by piece; where they may not
    /// be written they are passed over.
    pub(crate) fn write(
        &mut self,
        request: &Request,
        refused: Option<Refusal>,
    ) -> Result<Result<(), Refusal>, SessionError> {
        // "Block size constraints": more may be hung up on.
        if request.len > MAX_REQUEST_BYTES {
            let rule = "a write of more than 32 MiB";
            return Err(SessionError::Violation { rule });
        }
        let allowed = match refused {
            Some(refusal) => Err(refusal),
            None => self.disk_for(request, ErrorValue::NoSpace),
        };
        let disk = match allowed {
            Ok(disk) => disk,
            Err(refusal) => {
                self.wire.skip(request.len)?;
                return Ok(Err(refusal));
            }
        };
        let (mut at, mut left) = (request.offset, request.len);
        while left > 0 {
            let len = left.min(PIECE_BYTES);
            self.buffer.resize(usize::try_from(len).unwrap_or(0), 0);
            self.wire.fill(&mut self.buffer)?;
            left = left.saturating_sub(len);
            if let Err(error) = disk.write_all_at(at, &self.buffer) {
                self.wire.skip(left)?;
                return Ok(Err(Refusal::write(&error)));
            }
            at = at.saturating_add(u64::from(len));
        }
        Ok(flush_if_asked(disk, request))
    }

    /// A hint, taken: what was trimmed reads as zero.
    pub(crate) fn trim(&self, request: &Request) -> Result<(), Refusal> {
        let disk = self.disk_for(request, ErrorValue::Invalid)?;
        let zeroed = disk.zero_at(request.offset, u64::from(request.len));
        zeroed.map_err(|error| Refusal::write(&error))?;
        flush_if_asked(disk, request)
    }

    /// No limit but the field's: nothing of it is sent, and a hole costs nothing.
    pub(crate) fn write_zeroes(&mut self, request: &Request) -> Result<(), Refusal> {
        let disk = self.disk_for(request, ErrorValue::NoSpace)?;
        let zeroed = if request.flags & CMD_FLAG_NO_HOLE == 0 {
            disk.zero_at(request.offset, u64::from(request.len))
        } else {
            let (mut at, mut left) = (request.offset, request.len);
            self.buffer.clear();
            loop {
                let len = left.min(PIECE_BYTES);
                self.buffer.resize(usize::try_from(len).unwrap_or(0), 0);
                if let Err(error) = disk.write_all_at(at, &self.buffer) {
                    break Err(error);
                }
                at = at.saturating_add(u64::from(len));
                left = left.saturating_sub(len);
                if left == 0 {
                    break Ok(());
                }
            }
        };
        zeroed.map_err(|error| Refusal::write(&error))?;
        flush_if_asked(disk, request)
    }

    /// "`NBD_CMD_FLUSH`": offset and length are reserved.
    pub(crate) fn flush(&self, request: &Request) -> Result<(), Refusal> {
        if request.offset != 0 || request.len != 0 {
            return Err(Refusal::new(ErrorValue::Invalid, "a flush of a part"));
        }
        // Nothing was written to a disk that is only read.
        let Some(disk) = self.export.writer() else {
            return Ok(());
        };
        disk.flush().map_err(|error| Refusal::write(&error))
    }

    /// The disk, if all of the request lies inside and it can be written.
    fn disk_for(
        &self,
        request: &Request,
        past_end: ErrorValue,
    ) -> Result<&'w dyn BlockWrite, Refusal> {
        let disk = self
            .export
            .writer()
            .ok_or_else(|| Refusal::new(ErrorValue::NotPermitted, "the disk is only to be read"))?;
        match request.end_inside(disk.len_bytes()) {
            Some(_) => Ok(disk),
            None => Err(Refusal::new(past_end, "past the end of the disk")),
        }
    }
}

/// "Command flags": FUA is replied to when the data is safe.
fn flush_if_asked(disk: &dyn BlockWrite, request: &Request) -> Result<(), Refusal> {
    if request.flags & CMD_FLAG_FUA == 0 {
        return Ok(());
    }
    disk.flush().map_err(|error| Refusal::write(&error))
}
