//! GRUB's environment block: `NAME=VALUE` lines in a file of 1024 bytes, filled up with `#`.

/// More is no environment block; GRUB's own tools write 1024 bytes.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// The variables; none if the signature is missing.
pub(super) fn parse(text: &str) -> Vec<(String, String)> {
    // [GRUB] util/grub-editenv: the block starts with this comment.
    if !text.starts_with("# GRUB Environment Block\n") {
        return Vec::new();
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), unescape(value)))
        .collect()
}

/// A backslash protects the next character.
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut escaped = false;
    for c in value.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_block() {
        let block = "# GRUB Environment Block\n# WARNING: Do not edit\nsaved_entry=a>b\n\
                     kernelopts=root=UUID=1 ro\nodd=x\\\\y\nempty=\n######";
        let expect = [
            ("saved_entry", "a>b"),
            ("kernelopts", "root=UUID=1 ro"),
            ("odd", "x\\y"),
            ("empty", ""),
        ];
        let got = parse(block);
        let got: Vec<_> = got
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn a_block_without_its_signature_has_no_variables() {
        assert!(parse("saved_entry=1\n").is_empty());
    }
}
