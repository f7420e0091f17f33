//! Text of guests and hosts for a page: without what steers terminals or turns lines around, and
//! no longer than a reader needs; numbers with their units.

/// The longest text that a page shows of one field.
pub(crate) const FIELD_LIMIT: usize = 2_000;

/// One line: what steers is replaced, white space is plain, the end is cut.
pub(crate) fn shown(text: &str) -> String {
    clipped(text, FIELD_LIMIT)
}

/// The same with a limit of its own, in characters.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    let mut line: String = text.chars().take(limit).map(visible).collect();
    let more = text.chars().skip(limit).count();
    if more > 0 {
        line.push_str(&format!(" … ({more} characters more)"));
    }
    line
}

/// A character that stays where it is and does nothing.
fn visible(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_control() || turns(c) => '\u{fffd}',
        c => c,
    }
}

/// Characters that turn text around or cannot be seen (Unicode, UAX #9 and the zero widths).
fn turns(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// Bytes of a console as text: escape sequences (ECMA-48, 5.4) and control characters go, lines
/// stay.
pub(crate) fn console_text(bytes: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    let mut text = String::with_capacity(lossy.len());
    let mut chars = lossy.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\n' => text.push('\n'),
            '\t' => text.push(' '),
            c if c.is_control() => {}
            c => text.push(visible(c)),
        }
    }
    text
}

/// A duration for people.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        120_000..7_200_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A measured value with its unit, for people.
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "ms" => milliseconds(value),
        "bytes" => bytes(value),
        "count" => plain(value),
        other => format!("{} {}", plain(value), clipped(other, 40)),
    }
}

fn milliseconds(value: f64) -> String {
    if value.abs() < 1_000.0 {
        return format!("{} ms", plain(value));
    }
    if value.abs() < 120_000.0 {
        return format!("{:.1} s", value / 1_000.0);
    }
    format!("{} s", plain((value / 1_000.0).round()))
}

/// Bytes in the largest binary unit that they fill.
fn bytes(value: f64) -> String {
    const UNITS: [(&str, f64); 4] = [
        ("TiB", 1_099_511_627_776.0),
        ("GiB", 1_073_741_824.0),
        ("MiB", 1_048_576.0),
        ("KiB", 1_024.0),
    ];
    let filled = UNITS.iter().find(|(_, size)| value.abs() >= *size);
    match filled {
        Some((unit, size)) => format!("{} {unit}", trimmed(value / size, 1)),
        None => format!("{} bytes", plain(value)),
    }
}

/// A number without needless zeros; a very large one as a power.
fn plain(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:e}");
    }
    grouped(&trimmed(value, 2))
}

fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Thousands set apart by commas.
fn grouped(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, part) = match rest.split_once('.') {
        Some((whole, part)) => (whole, format!(".{part}")),
        None => (rest, String::new()),
    };
    let backwards: Vec<char> = whole.chars().rev().collect();
    let groups: Vec<String> = backwards
        .chunks(3)
        .map(|group| group.iter().rev().collect())
        .rev()
        .collect();
    format!("{sign}{}{part}", groups.join(","))
}

/// `1 case`, `2 cases`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Part of a whole in percent with one decimal, for a drawing: `12.5`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part)
        .saturating_mul(1_000)
        .checked_div(u128::from(whole))
        .unwrap_or(0)
        .min(1_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_replaced_and_what_is_long_is_cut() {
        assert_eq!(
            shown("a\u{1b}[2J\r\nb\u{202e}c\u{9b}"),
            "a\u{fffd}[2J  b\u{fffd}c\u{fffd}"
        );
        assert_eq!(clipped("abcdef", 4), "abcd … (2 characters more)");
        assert_eq!(clipped("ab<c>", 5), "ab<c>");
    }

    #[test]
    fn a_console_loses_its_escapes_and_keeps_its_lines() {
        let text = console_text(b"\x1b[1;31mred\x1b[0m\r\nnext\x07\x1b\x1b[Kx\xff\n");
        assert_eq!(text, "red\nnext[Kx\u{fffd}\n");
    }

    #[test]
    fn an_escape_without_an_end_takes_no_more_than_there_is() {
        assert_eq!(console_text(b"a\x1b[1;1;1"), "a");
        assert_eq!(console_text(b"a\x1b"), "a");
    }

    #[test]
    fn durations_are_for_people() {
        for (ms, expect) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_234, "1.2 s"),
            (119_999, "119.9 s"),
            (137_128, "2 min 17 s"),
            (7_260_000, "2 h 01 min"),
        ] {
            assert_eq!(duration(ms), expect);
        }
    }

    #[test]
    fn quantities_have_their_units() {
        for (value, unit, expect) in [
            (117_473.0, "ms", "117.5 s"),
            (300_000.0, "ms", "300 s"),
            (331.0, "ms", "331 ms"),
            (8_388_608.0, "bytes", "8 MiB"),
            (2_062_479_360.0, "bytes", "1.9 GiB"),
            (512.0, "bytes", "512 bytes"),
            (538.0, "count", "538"),
            (1_234_567.0, "count", "1,234,567"),
            (-1_234.5, "count", "-1,234.5"),
            (0.5, "ratio", "0.5 ratio"),
            (1e300, "count", "1e300"),
        ] {
            assert_eq!(quantity(value, unit), expect);
        }
    }

    #[test]
    fn a_part_of_nothing_is_nothing() {
        assert_eq!(percent(1, 8), "12.5");
        assert_eq!(percent(9, 8), "100.0");
        assert_eq!(percent(1, 0), "0.0");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0");
    }

    #[test]
    fn names_are_listed_as_people_do() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&names[..1]), "a");
        assert_eq!(listed(&names[..2]), "a and b");
        assert_eq!(listed(&names), "a, b and c");
    }
}
