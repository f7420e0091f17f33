//! Names of a package's files.

use std::path::PathBuf;

use super::OvfError;

/// The path of a package's file, relative to the envelope.
///
/// # Errors
/// [`OvfError::Unsupported`] for a file elsewhere: by a URL, an absolute path or one that leads up.
pub fn file_of(href: &str) -> Result<PathBuf, OvfError> {
    let elsewhere = |why: &str| OvfError::Unsupported {
        what: format!("the file {href:?}: {why}"),
    };
    if href.contains("://") {
        return Err(elsewhere("it is not in the package"));
    }
    let name = decode(href).ok_or_else(|| elsewhere("its name is no text"))?;
    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." | ".." => return Err(elsewhere("it does not lie beside the envelope")),
            part if part.contains(['\\', '\0', ':']) => {
                return Err(elsewhere("its name is not one for every system"));
            }
            part => path.push(part),
        }
    }
    Ok(path)
}

/// `%20` and the like, RFC 3986.
fn decode(href: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = after.split_at_checked(2).filter(|_| *first == b'%');
        let digit = escape.and_then(|(hex, after)| {
            let hex = std::str::from_utf8(hex).ok()?;
            let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            Some((u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)?, after))
        });
        // A percent sign that begins no escape is one: some writers do not escape at all.
        let (byte, after) = digit.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_beside_the_envelope() {
        for (href, expect) in [
            ("disk1.vmdk", Some("disk1.vmdk")),
            ("disks/my%20disk.vmdk", Some("disks/my disk.vmdk")),
            ("100%.vmdk", Some("100%.vmdk")),
            ("%+1.vmdk", Some("%+1.vmdk")),
            ("../disk1.vmdk", None),
            ("%2e%2e/disk1.vmdk", None),
            ("/etc/shadow", None),
            ("%2fetc%2fshadow", None),
            ("a//b", None),
            ("", None),
            ("http://host/disk.vmdk", None),
            ("C:\\disk.vmdk", None),
            ("%ff", None),
            ("a%00b", None),
        ] {
            assert_eq!(file_of(href).ok(), expect.map(PathBuf::from), "{href}");
        }
    }
}
