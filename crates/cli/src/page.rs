//! A page of text: headings, named lines, tables. Nothing that a guest wrote can move the cursor.

/// Wide enough for the longest name on the page.
const NAME_WIDTH: usize = 14;

/// A page in the making.
#[derive(Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    /// A title, with an empty line before it unless it is the first.
    pub(crate) fn heading(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.push(title);
    }

    /// `name  value`; without a name it continues the line above.
    pub(crate) fn line(&mut self, name: &str, value: &str) {
        self.push(&format!("  {name:NAME_WIDTH$}{value}"));
    }

    /// A line with a mark before it.
    pub(crate) fn item(&mut self, mark: &str, text: &str) {
        self.push(&format!("  {mark:2}{text}"));
    }

    /// Rows with their columns aligned; the last one runs free.
    pub(crate) fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| -> usize {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell: &String| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from("  ");
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}  ", width = *width));
            }
            self.push(&line);
        }
    }

    /// The finished page.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(&clean(line.trim_end()));
        self.text.push('\n');
    }
}

/// A line without what would steer the reader's terminal: a title, a label or a file name may hold
/// escape sequences.
pub(crate) fn clean(line: &str) -> String {
    let safe = |c| if is_unsafe(c) { '\u{fffd}' } else { c };
    line.chars().map(safe).collect()
}

/// Control characters, and those that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A size in the largest unit that leaves at least 1, rounded: `1.0 MiB`, `512 bytes`.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut tenths = 0;
    let mut unit = "";
    for (shift, name) in [
        (10, "KiB"),
        (20, "MiB"),
        (30, "GiB"),
        (40, "TiB"),
        (50, "PiB"),
    ] {
        let one = 1_u128 << shift;
        tenths = (u128::from(bytes) * 10 + one / 2) / one;
        unit = name;
        if tenths < 10 * 1024 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        assert_eq!(size(512), "512 bytes");
        assert_eq!(size(1 << 20), "1.0 MiB");
        assert_eq!(size((4 << 30) - 1), "4.0 GiB");
        assert_eq!(size(1536), "1.5 KiB");
    }

    #[test]
    fn sizes_are_rounded_not_cut() {
        assert_eq!(size(2040 << 30), "2.0 TiB");
        // 1.049 and 1.051 KiB lie on either side of the middle.
        assert_eq!(size(1074), "1.0 KiB");
        assert_eq!(size(1076), "1.1 KiB");
        // What is rounded up to a whole unit is said in that unit.
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size((1 << 20) - 1), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn what_a_guest_wrote_cannot_steer_the_terminal() {
        let mut page = Page::default();
        page.line("title", "\u{1b}[2Jx\r\n\u{202e}y");
        assert_eq!(
            page.finish(),
            "  title         \u{fffd}[2Jx\u{fffd}\u{fffd}\u{fffd}y\n"
        );
    }

    #[test]
    fn columns_of_a_table_are_aligned() {
        let mut page = Page::default();
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        page.table(&[row(["1", "ext4", "/"]), row(["12", "fat", ""])]);
        assert_eq!(page.finish(), "  1   ext4  /\n  12  fat\n");
    }
}
