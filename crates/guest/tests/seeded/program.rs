//! Programs for UEFI and kernels, as far as anybody looks: headers, `.sbat`, who signed them.
//! \[PE\] is "PE Format", Microsoft; the kernel's header is Linux,
//! `Documentation/arch/x86/boot.rst`.

use std::sync::OnceLock;

/// Who signed a program.
#[derive(Clone, Copy)]
pub(crate) enum Signer {
    /// Microsoft's authority of 2011, on Debian's shim: a real one.
    Microsoft2011,
    /// Microsoft's authority of 2023, on the same: a real one, too.
    Microsoft2023,
    /// Debian, on its kernel: a real one.
    Debian,
    /// A machine's owner: one of our own.
    Owner,
}

/// Where the header of a program begins: behind DOS's, and before the kernel's.
const PE: usize = 0x40;
/// \[PE\] "Optional Header": the fifth directory is the certificate table.
const CERTIFICATES: usize = PE + 24 + 112 + 4 * 8;
/// \[PE\] "Section Table", behind 24 bytes of headers and 240 of the optional one.
const SECTIONS: usize = PE + 24 + 240;
/// How long the first of the two signatures of Debian's shim 15.8 is.
const SHIM_FIRST: usize = 9792;
/// Their tables, taken out of the samples once.
static SHIM: OnceLock<Vec<u8>> = OnceLock::new();
static KERNEL: OnceLock<Vec<u8>> = OnceLock::new();
const SBAT: usize = 0x800;
const TABLE: usize = 0xa00;

impl Signer {
    /// \[PE\] `WIN_CERTIFICATE` with a message, of a multiple of 8 bytes.
    fn certificate(self) -> Vec<u8> {
        match self {
            Self::Microsoft2011 => shim()[..SHIM_FIRST].to_vec(),
            Self::Microsoft2023 => shim()[SHIM_FIRST..].to_vec(),
            Self::Debian => KERNEL
                .get_or_init(|| table(include_bytes!("../images/vmlinuz.zst")))
                .clone(),
            Self::Owner => wrap(include_bytes!("signatures/owner.der")),
        }
    }
}

fn shim() -> &'static [u8] {
    SHIM.get_or_init(|| table(include_bytes!("../images/shimx64.efi.zst")))
}

/// The certificate table of a real program.
fn table(packed: &[u8]) -> Vec<u8> {
    let bytes = zstd::decode_all(packed).unwrap();
    let pe = number(&bytes, 0x3c);
    let at = pe + 24 + 112 + 4 * 8;
    let (start, len) = (number(&bytes, at), number(&bytes, at + 4));
    bytes[start..start + len].to_vec()
}

fn number(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
}

/// Length, revision 2, `WIN_CERT_TYPE_PKCS_SIGNED_DATA`, message.
fn wrap(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len() + 8).unwrap();
    let mut bytes = len.to_le_bytes().to_vec();
    bytes.extend([0, 2, 2, 0]);
    bytes.extend(message);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A program of this component, signed by these.
pub(crate) fn efi(component: &str, signers: &[Signer]) -> Vec<u8> {
    let mut bytes = vec![0; TABLE];
    headers(&mut bytes, 1);
    let text = format!("sbat,1,SBAT Version,sbat,1,x\n{component},1,x,{component},1,x\n");
    section(&mut bytes, *b".sbat\0\0\0", &text);
    sign(bytes, signers)
}

/// A kernel that names its release, signed by these.
pub(crate) fn kernel(release: &str, signers: &[Signer]) -> Vec<u8> {
    let mut bytes = detente_samples::kernel(release);
    bytes.resize(TABLE, 0);
    headers(&mut bytes, 0);
    sign(bytes, signers)
}

fn headers(bytes: &mut [u8], sections: u8) {
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = u8::try_from(PE).unwrap();
    bytes[PE..PE + 4].copy_from_slice(b"PE\0\0");
    // x86-64; how many sections; the optional header has 240 bytes, is PE32+ and 16 directories.
    bytes[PE + 4..PE + 6].copy_from_slice(&0x8664_u16.to_le_bytes());
    bytes[PE + 6] = sections;
    bytes[PE + 20] = 240;
    bytes[PE + 24..PE + 26].copy_from_slice(&0x20b_u16.to_le_bytes());
    bytes[PE + 24 + 108] = 16;
}

fn section(bytes: &mut [u8], name: [u8; 8], text: &str) {
    let len = u32::try_from(text.len()).unwrap().to_le_bytes();
    let start = u32::try_from(SBAT).unwrap().to_le_bytes();
    bytes[SECTIONS..SECTIONS + 8].copy_from_slice(&name);
    // Used bytes, address, stored bytes, place in the file.
    for (at, value) in [(8, len), (12, start), (16, len), (20, start)] {
        bytes[SECTIONS + at..SECTIONS + at + 4].copy_from_slice(&value);
    }
    bytes[SBAT..SBAT + text.len()].copy_from_slice(text.as_bytes());
}

fn sign(mut bytes: Vec<u8>, signers: &[Signer]) -> Vec<u8> {
    let table: Vec<u8> = signers
        .iter()
        .flat_map(|signer| signer.certificate())
        .collect();
    if !table.is_empty() {
        let (start, len) = (bytes.len(), table.len());
        for (at, value) in [(0, start), (4, len)] {
            let value = u32::try_from(value).unwrap().to_le_bytes();
            bytes[CERTIFICATES + at..CERTIFICATES + at + 4].copy_from_slice(&value);
        }
        bytes.extend(table);
    }
    bytes
}
