//! Signatures: Authenticode's table of PKCS #7 messages, as far as names go.
//!
//! The messages are walked here, since signing services do not sort their sets as DER wants, which
//! strict readers refuse; certificates and names are read by `x509-cert`. Sources: "Windows
//! Authenticode Portable Executable Signature Format"; \[PE\] "The Attribute Certificate Table";
//! RFC 5652; \[UEFI\] 32.4.1 for lists of keys.

use x509_cert::certificate::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::name::Name;

use crate::facts::{Authority, Certificate, Signature, Signer};

/// shim has two signatures, with two certificates each.
const MAX_SIGNATURES: usize = 16;
const MAX_CERTIFICATES: usize = 32;

/// The signatures in a certificate table, and what is wrong with it.
pub(super) fn table(mut bytes: &[u8]) -> (Vec<Signature>, Option<String>) {
    let (mut all, mut damage) = (Vec::new(), None);
    let mut number = 0_u32;
    while !bytes.iter().all(|&byte| byte == 0) && all.len() < MAX_SIGNATURES {
        number = number.saturating_add(1);
        let Some((kind, data, rest)) = win_certificate(bytes) else {
            damage = Some(format!("signature {number} does not end inside the table"));
            break;
        };
        bytes = rest;
        // [PE]: WIN_CERT_TYPE_PKCS_SIGNED_DATA.
        if kind != 2 {
            damage = Some(format!("signature {number} is of kind {kind}, not PKCS #7"));
            continue;
        }
        match signature(data) {
            Some(signature) => all.push(signature),
            None => damage = Some(format!("signature {number} is no PKCS #7 message")),
        }
    }
    (all, damage)
}

/// \[PE\] `WIN_CERTIFICATE`: length, revision, kind, data; each starts at a multiple of 8.
fn win_certificate(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let len = u32::from_le_bytes(*bytes.first_chunk()?);
    let len = usize::try_from(len).ok()?;
    let kind = u16::from_le_bytes(*bytes.get(6..)?.first_chunk()?);
    let data = bytes.get(8..len)?;
    let next = len.checked_next_multiple_of(8)?.min(bytes.len());
    Some((kind, data, bytes.get(next..)?))
}

/// RFC 5652, 3 and 5.1: `ContentInfo`, in it `SignedData`.
fn signature(message: &[u8]) -> Option<Signature> {
    let mut content_info = Der(Der(message).expect(SEQUENCE)?);
    content_info.expect(OID)?;
    let mut data = Der(Der(content_info.expect(CONTEXT_0)?).expect(SEQUENCE)?);
    data.expect(INTEGER)?;
    let digest = Der(data.expect(SET)?).expect(SEQUENCE);
    data.expect(SEQUENCE)?;
    let mut certificates = Vec::new();
    let mut infos = None;
    while let Some(item) = data.next() {
        match item.tag {
            CONTEXT_0 => certificates = read_certificates(item.content),
            SET => infos = Some(item.content),
            _ => {}
        }
    }
    let mut infos = Der(infos?);
    let mut signers = Vec::new();
    while let Some(info) = infos.next() {
        if signers.len() < MAX_CERTIFICATES {
            signers.extend(signer(info.content, &certificates));
        }
    }
    Some(Signature {
        digest: digest.map_or_else(String::new, algorithm),
        signers,
        certificates,
    })
}

fn read_certificates(set: &[u8]) -> Vec<Certificate> {
    let mut set = Der(set);
    let mut all = Vec::new();
    while let Some(item) = set.next() {
        if item.tag == SEQUENCE && all.len() < MAX_CERTIFICATES {
            all.extend(certificate(item.whole));
        }
    }
    all
}

/// RFC 5652, 5.3: `SignerInfo` names its certificate by issuer and serial number.
fn signer(info: &[u8], certificates: &[Certificate]) -> Option<Signer> {
    let mut info = Der(info);
    info.expect(INTEGER)?;
    let mut by = Der(info.expect(SEQUENCE)?);
    let issuer = name(by.next()?.whole);
    let serial = hexadecimal(by.expect(INTEGER)?);
    let own = certificates
        .iter()
        .find(|own| own.serial == serial && own.issuer == issuer);
    Some(Signer {
        subject: own.map(|own| own.subject.clone()),
        issuer,
        serial,
        authority: Authority::Other,
    })
}

fn certificate(der: &[u8]) -> Option<Certificate> {
    let x509 = X509::from_der(der).ok()?;
    let own = x509.tbs_certificate();
    Some(Certificate {
        subject: own.subject().to_string(),
        issuer: own.issuer().to_string(),
        serial: hexadecimal(own.serial_number().as_bytes()),
        not_after: own.validity().not_after.to_string(),
    })
}

/// As RFC 4514 writes names: `CN=Debian Secure Boot CA`.
fn name(der: &[u8]) -> String {
    Name::from_der(der).map_or_else(|_| String::new(), |name| name.to_string())
}

fn hexadecimal(number: &[u8]) -> String {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let digits = number.get(zeros..).unwrap_or_default();
    digits
        .iter()
        .take(64)
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// NIST's and OIW's object identifiers.
fn algorithm(identifier: &[u8]) -> String {
    let known = match Der(identifier).expect(OID) {
        Some([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last]) => match last {
            1 => "sha256",
            2 => "sha384",
            3 => "sha512",
            _ => "",
        },
        Some([0x2b, 0x0e, 0x03, 0x02, 0x1a]) => "sha1",
        _ => "",
    };
    known.to_owned()
}

/// The certificates that shim trusts, in its section `.vendor_cert`: shim's cert.S has the sizes of
/// two lists and where they start; each is a certificate, or a list as UEFI has them.
pub(super) fn vendor(section: &[u8]) -> Vec<Certificate> {
    let field = |at: usize| {
        let bytes = section.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let list = || {
        let (size, start) = (field(0)?, field(8)?);
        section.get(start..start.checked_add(size)?)
    };
    let list = list().unwrap_or_default();
    if let Some(one) = certificate(list) {
        return vec![one];
    }
    signature_lists(list)
}

/// \[UEFI\] 32.4.1: type, sizes of list, header and entry; an entry has its owner first.
fn signature_lists(mut bytes: &[u8]) -> Vec<Certificate> {
    let mut all = Vec::new();
    while let Some((x509, entries, rest)) = signature_list(bytes) {
        bytes = rest;
        for entry in entries.filter(|_| x509) {
            if all.len() < MAX_CERTIFICATES {
                all.extend(entry.get(16..).and_then(certificate));
            }
        }
    }
    all
}

fn signature_list(bytes: &[u8]) -> Option<(bool, std::slice::ChunksExact<'_, u8>, &[u8])> {
    // EFI_CERT_X509_GUID.
    let x509 = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
        0x72,
    ];
    let field = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let (len, header, entry) = (field(16)?, field(20)?, field(24)?);
    let entries = bytes.get(28_usize.checked_add(header)?..len)?;
    let is_x509 = bytes.get(..16)? == x509.as_slice();
    (entry > 0 && len > 0).then_some(())?;
    Some((is_x509, entries.chunks_exact(entry), bytes.get(len..)?))
}

const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0xa0;

/// Values one after another, each with tag and length (X.690, 8.1).
struct Der<'a>(&'a [u8]);

struct Item<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<Item<'a>> {
        let all = self.0;
        let (tag, first) = (*all.first()?, *all.get(1)?);
        let (start, len) = match first {
            0..=0x7f => (2, usize::from(first)),
            // 8.1.3.5: that many bytes of length; more than 4 are longer than any file here.
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let start = 2_usize.checked_add(count)?;
                let digits = all.get(2..start)?;
                let len = digits.iter().try_fold(0_usize, |len, &digit| {
                    len.checked_mul(256)?.checked_add(usize::from(digit))
                })?;
                (start, len)
            }
            _ => return None,
        };
        let end = start.checked_add(len)?;
        let item = Item {
            tag,
            content: all.get(start..end)?,
            whole: all.get(..end)?,
        };
        self.0 = all.get(end..)?;
        Some(item)
    }

    /// The next value's content, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|item| item.tag == tag)
            .map(|item| item.content)
    }
}
