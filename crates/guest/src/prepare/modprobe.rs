//! Drivers that are refused: the lines become comments.

use detente_volume::FsError;

use super::disk_names::commented;
use super::draft::{Ask, Draft, Reason};
use super::edit::lines::{self, Line};

/// The rules that this planner mends.
pub(super) const RULES: &[&str] = &[
    "linux.modprobe.storage-blacklisted",
    "linux.modprobe.storage-disabled",
    "linux.modprobe.network-blacklisted",
    "linux.modprobe.network-disabled",
];

pub(super) fn plan(ask: Ask<'_>, draft: &mut Draft<'_>) -> Result<(), FsError> {
    for finding in ask.findings {
        for proof in &finding.evidence {
            let (Some(path), Some(text)) = (&proof.file, &proof.value) else {
                continue;
            };
            let why = Reason::new(finding.rule, format!("`{text}` becomes a comment."));
            // An initramfs has a copy; where the place is in one, that copy alone is left.
            draft.rebuild_all(&why);
            let own = own_path(path);
            let now = match draft.bytes(&own)? {
                Some(bytes) => Some(bytes),
                None => draft.bytes(path)?,
            };
            let Some(now) = now else {
                continue;
            };
            let new = without(&now, text);
            if new != now {
                draft.write(&own, new, &why)?;
            }
        }
    }
    Ok(())
}

/// The file to write. What a package brings below `/usr` is not changed: a file of the same name in
/// `/etc` hides it.
fn own_path(path: &str) -> String {
    let is_of_package = ["/usr/", "/lib/", "/run/"]
        .iter()
        .any(|own| path.starts_with(own));
    match path.rsplit_once('/') {
        Some((_, name)) if is_of_package => format!("/etc/modprobe.d/{name}"),
        Some(_) | None => path.to_owned(),
    }
}

/// The file with the statement as a comment; `\` at the end of a line joins it to the next.
fn without(bytes: &[u8], statement: &str) -> Vec<u8> {
    let mut joined: Vec<(u32, String)> = Vec::new();
    let mut gone: Vec<u32> = Vec::new();
    lines::edit(bytes, |number, line| {
        let (text, goes_on) = match line.trim().strip_suffix('\\') {
            Some(text) => (text.trim_end(), true),
            None => (line.trim(), false),
        };
        joined.push((number, text.to_owned()));
        if !goes_on {
            let words: Vec<&str> = joined
                .iter()
                .flat_map(|(_, own)| own.split_whitespace())
                .collect();
            if words.iter().copied().eq(statement.split_whitespace()) {
                gone.extend(joined.iter().map(|(number, _)| number));
            }
            joined.clear();
        }
        Line::Keep
    });
    lines::edit(bytes, |number, line| match gone.contains(&number) {
        true => Line::Text(commented(line)),
        false => Line::Keep,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_becomes_a_comment_with_all_its_lines() {
        let old = "# blacklist hv_storvsc\n blacklist  hv_storvsc\nblacklist hv_storvsc2\n\
                   install hv_vmbus \\\n  /bin/true\n";
        let new = without(old.as_bytes(), "blacklist hv_storvsc");
        let new = without(&new, "install hv_vmbus /bin/true");
        assert_eq!(
            String::from_utf8(new).unwrap(),
            "# blacklist hv_storvsc\n # blacklist  hv_storvsc\nblacklist hv_storvsc2\n\
             # install hv_vmbus \\\n  # /bin/true\n"
        );
    }

    #[test]
    fn what_a_package_brings_is_hidden_and_not_changed() {
        assert_eq!(
            own_path("/usr/lib/modprobe.d/a.conf"),
            "/etc/modprobe.d/a.conf"
        );
        assert_eq!(own_path("/etc/modprobe.conf"), "/etc/modprobe.conf");
    }
}
