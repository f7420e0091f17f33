//! What a case says of itself: lines of its file that begin with `# detente:`.

use detente_evidence::Requirement;
use detente_machine::Profile;

/// How long a case may take that says nothing of it.
const LIMIT_S: u64 = 60;

/// The longest limit.
const MOST_S: u64 = 3_600;

/// How many lines of a file are looked at.
const LINES: usize = 64;

/// The longest title.
const TITLE_LIMIT: usize = 80;

/// What a case says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) title: Option<String>,
    pub(super) requirement: Requirement,
    pub(super) profiles: Vec<Profile>,
    pub(super) limit_s: u64,
}

/// Reads the first lines of a file; an error has the line, from 1, and what is wrong with it.
pub(super) fn read(content: &[u8]) -> Result<Header, (usize, String)> {
    let mut header = Header {
        title: None,
        requirement: Requirement::Required,
        profiles: Profile::ALL.to_vec(),
        limit_s: LIMIT_S,
    };
    // Only scripts say something of themselves; of other programs the lines are no text.
    if !content.starts_with(b"#!") {
        return Ok(header);
    }
    for (index, line) in content.split(|byte| *byte == b'\n').take(LINES).enumerate() {
        let text = String::from_utf8_lossy(line);
        let Some(said) = text.trim().strip_prefix("# detente:") else {
            continue;
        };
        take(&mut header, said).map_err(|what| (index.saturating_add(1), what))?;
    }
    Ok(header)
}

/// Takes one `name = value`.
fn take(header: &mut Header, said: &str) -> Result<(), String> {
    let Some((name, value)) = said.split_once('=') else {
        return Err(format!("{said:?} is no `name = value`"));
    };
    let value = value.trim();
    match name.trim() {
        "title" => header.title = Some(title(value)?),
        "limit_s" => header.limit_s = limit(value)?,
        "requirement" => header.requirement = requirement(value)?,
        "profiles" => header.profiles = profiles(value)?,
        other => {
            return Err(format!(
                "unknown name {other:?}; the names are title, limit_s, requirement, profiles"
            ));
        }
    }
    Ok(())
}

fn title(value: &str) -> Result<String, String> {
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_control());
    if is_plain && value.chars().count() <= TITLE_LIMIT {
        Ok(value.to_owned())
    } else {
        Err(format!(
            "a title has 1 to {TITLE_LIMIT} characters that can be printed"
        ))
    }
}

fn limit(value: &str) -> Result<u64, String> {
    let limit_s = value
        .parse()
        .ok()
        .filter(|limit| (1..=MOST_S).contains(limit));
    limit_s.ok_or_else(|| format!("limit_s is a number of seconds from 1 to {MOST_S}"))
}

fn requirement(value: &str) -> Result<Requirement, String> {
    match value {
        "required" => Ok(Requirement::Required),
        "advisory" => Ok(Requirement::Advisory),
        "optional" => Ok(Requirement::Optional),
        other => Err(format!(
            "unknown requirement {other:?}; it is required, advisory or optional"
        )),
    }
}

fn profiles(value: &str) -> Result<Vec<Profile>, String> {
    let names = value.split([',', ' ']).filter(|name| !name.is_empty());
    let mut profiles = Vec::new();
    for name in names {
        let profile: Profile = name
            .parse()
            .map_err(|error: detente_machine::UnknownProfile| error.to_string())?;
        if !profiles.contains(&profile) {
            profiles.push(profile);
        }
    }
    if profiles.is_empty() {
        return Err("no profile is named".to_owned());
    }
    Ok(profiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_says_is_taken() {
        let text = "#!/bin/sh\n# detente: title = every file system is there\n\
                    # detente: limit_s=5\n# detente: requirement = advisory\n\
                    # detente: profiles = kvm, hyperv-vmbus\nexit 0\n";
        let header = read(text.as_bytes()).unwrap();
        assert_eq!(header.title.as_deref(), Some("every file system is there"));
        assert_eq!(header.limit_s, 5);
        assert_eq!(header.requirement, Requirement::Advisory);
        assert_eq!(header.profiles, [Profile::Kvm, Profile::HypervVmbus]);
    }

    #[test]
    fn who_says_nothing_is_required_everywhere_within_a_minute() {
        let silent = Header {
            title: None,
            requirement: Requirement::Required,
            profiles: Profile::ALL.to_vec(),
            limit_s: 60,
        };
        assert_eq!(read(b"#!/bin/sh\n"), Ok(silent));
        let program = b"\x7fELF\n# detente: what is this\n";
        assert!(read(program).is_ok());
    }

    #[track_caller]
    fn refused(said: &str, part: &str) {
        let text = format!("#!/bin/sh\n\n# detente:{said}\n");
        let (line, what) = read(text.as_bytes()).unwrap_err();
        assert_eq!(line, 3);
        assert!(what.contains(part), "{what}");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        refused(" limit = 5", "unknown name \"limit\"");
        refused(" limit_s = 0", "from 1 to 3600");
        refused(" limit_s = 3601", "from 1 to 3600");
        refused(" limit_s = soon", "from 1 to 3600");
        refused(" requirement = deprecated", "unknown requirement");
        refused(" profiles = xen", "xen");
        refused(" profiles =", "no profile");
        refused(" title =", "a title has");
        refused(&format!(" title = {}", "x".repeat(81)), "a title has");
        refused(" title = a\u{1b}[31m", "a title has");
        refused(" nonsense", "is no `name = value`");
    }
}
