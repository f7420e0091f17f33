//! The kernel's command line.

/// The parameters of a kernel's command line, split at blanks that no double quote protects, as the
/// kernel does: each name with its value, if it has one. What stands behind `--` belongs to the
/// first process and is left out.
#[must_use]
pub fn parameters(line: &str) -> Vec<(String, Option<String>)> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word, None),
    };
    // Behind `--` are the arguments of the first process.
    words
        .into_iter()
        .take_while(|word| word != "--")
        .map(pair)
        .collect()
}

/// The value of the last `name=`, which is the one that counts.
pub(crate) fn value(line: &str, name: &str) -> Option<String> {
    let all = parameters(line);
    all.into_iter()
        .rev()
        .find(|(own, _)| own == name)
        .and_then(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_counts_and_quotes_protect_blanks() {
        let line = "root=/dev/sda1 ro root=UUID=1 dyndbg=\"file x +p\" quiet -- root=no";
        assert_eq!(value(line, "root").as_deref(), Some("UUID=1"));
        assert_eq!(value(line, "dyndbg").as_deref(), Some("file x +p"));
        assert_eq!(value(line, "quiet"), None);
        assert_eq!(value("", "root"), None);
        assert_eq!(value("root=\"UUID=1\"", "root").as_deref(), Some("UUID=1"));
    }
}
