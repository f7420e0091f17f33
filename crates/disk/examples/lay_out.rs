//! Writes a dynamic VHDX of any image with I/O of its own, instead of detente-copy's:
//! `lay_out IMAGE NEW.vhdx`. No temporary name, no fsync, no lock: what detente-copy is for.

use std::error::Error;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use detente_block::{BlockRead as _, DirectoryGate, FileBackend};
use detente_disk::{Mapped as _, Patch, Place, Stamp, Target, VhdxSpec, open};

/// What is read and written at a time.
const BUFFER: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = &*arguments else {
        return Err("lay_out IMAGE NEW.vhdx".into());
    };
    let from = Path::new(from);
    let gate = DirectoryGate::beside(from);
    let image = open(from, Arc::new(FileBackend::open(from)?), &gate)?;
    let size = image.stack.len_bytes();

    let target = Target::Vhdx(VhdxSpec::default());
    let mut layout = target.layout(size, &stamp()?)?;
    // What nobody writes has to read as zero: so the file starts empty.
    let file = std::fs::File::create_new(to)?;

    let mut buffer = vec![0; BUFFER];
    let mut offset = 0;
    while offset < size {
        let most = u64::try_from(BUFFER)?;
        let extent = image.stack.map_extent(offset, most)?;
        let len = extent.len.min(most);
        match extent.place {
            // Only images that rest on a parent have something to write down here.
            Place::Zero { .. } | Place::Unallocated => layout.zero(offset, len)?,
            Place::File { .. } | Place::Compressed { .. } => {
                // A layout may place less than it was asked for: the rest is asked for anew.
                let placed = layout.place(offset, len)?;
                let part = buffer.get_mut(..usize::try_from(placed.len)?);
                let part = part.ok_or("placed more than was asked for")?;
                image.stack.read_exact_at(offset, part)?;
                file.write_all_at(part, placed.offset)?;
                offset = offset.saturating_add(placed.len);
                write(&file, &layout.take_patches())?;
                continue;
            }
        }
        offset = offset.saturating_add(len);
    }
    let finish = layout.finish()?;
    write(&file, &finish.patches)?;
    file.set_len(finish.file_len)?;
    writeln!(std::io::stdout(), "{} bytes", finish.file_len)?;
    Ok(())
}

/// The tables that are complete.
fn write(file: &std::fs::File, patches: &[Patch]) -> std::io::Result<()> {
    patches
        .iter()
        .try_for_each(|patch| file.write_all_at(&patch.bytes, patch.offset))
}

/// Formats have neither clock nor dice. Real programs draw the ids, or call
/// `detente_copy::fresh_stamp`; here they come out of the clock.
#[expect(clippy::disallowed_methods, reason = "an example is a whole program")]
fn stamp() -> Result<Stamp, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let id = |salt: u128| now.as_nanos().wrapping_mul(salt).to_le_bytes();
    Ok(Stamp {
        ids: [id(3), id(5), id(7), id(11)],
        unix_seconds: now.as_secs(),
    })
}
