//! Small kernels for tests, sound until a field is spoiled.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets in files of our own making"
)]

use detente_block::MemoryBackend;

/// A file whose fields can be spoiled.
#[derive(Clone)]
pub(super) struct Kernel(pub(super) Vec<u8>);

impl Kernel {
    /// A bzImage of protocol 2.15 as Linux 6.1 has it: setup code of four sectors, 64 KiB of
    /// kernel, wanted at 16 MiB, 1 MiB needed there, a command line of at most 2047 bytes.
    pub(super) fn bzimage() -> Self {
        let mut kernel = Self(vec![0; 5 * 512 + 0x1_0000]);
        kernel.put(0x1f1, &[4]);
        kernel.put(0x1fe, &0xaa55_u16.to_le_bytes());
        // A jump over the header: its operand says where the header ends.
        kernel.put(0x200, &[0xeb, 0x6a]);
        kernel.put(0x202, b"HdrS");
        kernel.put(0x206, &0x020f_u16.to_le_bytes());
        kernel.put(0x22c, &0x7fff_ffff_u32.to_le_bytes());
        kernel.put(0x230, &0x0020_0000_u32.to_le_bytes());
        kernel.put(0x236, &0x7f_u16.to_le_bytes());
        kernel.put(0x238, &2047_u32.to_le_bytes());
        kernel.put(0x258, &0x100_0000_u64.to_le_bytes());
        kernel.put(0x260, &0x10_0000_u32.to_le_bytes());
        kernel.put(5 * 512, b"the first bytes of the code");
        kernel
    }

    /// An ELF kernel: code at 16 MiB, data with room behind it, a note that is not loaded.
    pub(super) fn elf() -> Self {
        let mut kernel = Self(vec![0; 0x3000]);
        kernel.put(0, b"\x7fELF\x02\x01\x01");
        kernel.put(0x10, &2_u16.to_le_bytes());
        kernel.put(0x12, &62_u16.to_le_bytes());
        kernel.put(0x18, &0x100_0000_u64.to_le_bytes());
        kernel.put(0x20, &64_u64.to_le_bytes());
        kernel.put(0x36, &56_u16.to_le_bytes());
        kernel.put(0x38, &3_u16.to_le_bytes());
        kernel.segment(0, 1, 0x100_0000, (0x1000, 0x800), 0x800);
        kernel.segment(1, 1, 0x110_0000, (0x2000, 0x400), 0x5000);
        kernel.segment(2, 4, 0, (0x2800, 0x20), 0x20);
        kernel.put(0x1000, b"startup_64");
        kernel.put(0x2000, b"the data");
        kernel
    }

    /// The kernel with bytes of it replaced.
    pub(super) fn spoil(mut self, at: usize, bytes: &[u8]) -> Self {
        self.put(at, bytes);
        self
    }

    /// The kernel cut off.
    pub(super) fn cut(mut self, len: usize) -> Self {
        self.0.truncate(len);
        self
    }

    pub(super) fn file(self) -> MemoryBackend {
        MemoryBackend::new(self.0)
    }

    fn segment(&mut self, index: usize, kind: u32, address: u64, file: (u64, u64), memory: u64) {
        let at = 64 + 56 * index;
        self.put(at, &kind.to_le_bytes());
        self.put(at + 0x08, &file.0.to_le_bytes());
        self.put(at + 0x10, &(address | 0xffff_ffff_8000_0000).to_le_bytes());
        self.put(at + 0x18, &address.to_le_bytes());
        self.put(at + 0x20, &file.1.to_le_bytes());
        self.put(at + 0x28, &memory.to_le_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }
}
