//! `docs/benchmarks.md`: each benchmark has a place between two markers, and only that is written.

use anyhow::{Context, bail};

use crate::say::say;
use crate::workspace::root;

/// The page.
pub(super) const FILE: &str = "docs/benchmarks.md";

/// Puts what was measured in the place of what was there.
pub(super) fn replace(name: &str, section: &str) -> anyhow::Result<()> {
    let path = root().join(FILE);
    let page = std::fs::read_to_string(&path).context(FILE)?;
    std::fs::write(&path, replaced(&page, name, section)?).context(FILE)?;
    say(&format!("written to {FILE}"));
    Ok(())
}

fn replaced(page: &str, name: &str, section: &str) -> anyhow::Result<String> {
    let begin = format!("<!-- bench {name} -->\n");
    let end = format!("<!-- end of bench {name} -->\n");
    let Some((before, rest)) = page.split_once(&begin) else {
        bail!("{FILE} has no place for {name}: {}", begin.trim());
    };
    let Some((_, after)) = rest.split_once(&end) else {
        bail!("{FILE}: the place for {name} does not end: {}", end.trim());
    };
    Ok(format!(
        "{before}{begin}\n{}\n\n{end}{after}",
        section.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    const PAGE: &str = "# Page\n\
        <!-- bench one -->\nold\n<!-- end of bench one -->\nbetween\n\
        <!-- bench two -->\nkept\n<!-- end of bench two -->\n";

    #[test]
    fn a_section_replaces_its_own_and_nothing_else() {
        let page = replaced(PAGE, "one", "new\n").unwrap();
        assert_eq!(
            page,
            "# Page\n<!-- bench one -->\n\nnew\n\n<!-- end of bench one -->\nbetween\n\
             <!-- bench two -->\nkept\n<!-- end of bench two -->\n"
        );
        assert_eq!(replaced(&page, "one", "new").unwrap(), page);
    }

    #[test]
    fn a_page_without_a_place_is_not_written() {
        assert!(replaced(PAGE, "three", "new").is_err());
        let open = PAGE.replace("<!-- end of bench two -->", "");
        assert!(replaced(&open, "two", "new").is_err());
    }
}
