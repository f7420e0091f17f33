//! The table, on the screen and in `docs/prediction.md`.

use anyhow::{Context, bail};

use super::{Pair, Seen};
use crate::say::say;
use crate::tool::Tool;
use crate::workspace::root;

const FILE: &str = "docs/prediction.md";
const BEGIN: &str = "<!-- prediction -->\n";
const END: &str = "<!-- end of prediction -->\n";
/// As much of a message as a table takes.
const MESSAGE: usize = 90;

/// The pairs, a line each.
pub(super) fn table(pairs: &[Pair]) -> String {
    let mut text =
        "| guest | profile | check says | rules | validate saw | |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for pair in pairs {
        let (seen, message, mark) = match &pair.seen {
            Seen::Booted(message) => ("boots", message, "the same"),
            Seen::Stopped(message) => ("does not", message, "the same"),
            Seen::Nothing(message) => ("nothing", message, "not compared"),
        };
        let mark = if pair.is_mismatch() {
            "**differs**"
        } else {
            mark
        };
        let message: String = message.replace('|', "/").chars().take(MESSAGE).collect();
        let Pair {
            guest,
            profile,
            said,
            rules,
            ..
        } = pair;
        let rules = rules.join(", ");
        text.push_str(&format!(
            "| {guest} | {profile} | {said} | {rules} | {seen}: {message} | {mark} |\n"
        ));
    }
    text
}

/// Puts the table where the last one was.
pub(super) fn write(pairs: &[Pair]) -> anyhow::Result<()> {
    let path = root().join(FILE);
    let page = std::fs::read_to_string(&path).context(FILE)?;
    let date = Tool::new("date").args(["-u", "+%Y-%m-%d"]).capture()?;
    let compared = pairs
        .iter()
        .filter(|pair| !matches!(pair.seen, Seen::Nothing(_)));
    let section = format!(
        "`cargo xtask prediction`, {}: {} of {} pairs were run, {} of them differ.\n\n{}",
        date.trim(),
        compared.count(),
        pairs.len(),
        pairs.iter().filter(|pair| pair.is_mismatch()).count(),
        table(pairs)
    );
    std::fs::write(&path, replaced(&page, &section)?).context(FILE)?;
    say(&format!("written to {FILE}"));
    Ok(())
}

fn replaced(page: &str, section: &str) -> anyhow::Result<String> {
    let parts = page.split_once(BEGIN);
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!("{FILE} has no place for the table");
    };
    Ok(format!("{before}{BEGIN}\n{section}\n{END}{after}"))
}
