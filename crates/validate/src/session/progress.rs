//! What running tools say.

use std::collections::VecDeque;

use detente_plan::protocol::{PROGRESS_LINE_BYTES, PROGRESS_LINES};

/// Lines that are kept until somebody takes them: a guest may say what it likes.
const KEPT_LINES: usize = 256;

/// The lines of the task that was given last, bounded whatever the guest sends.
#[derive(Debug, Default)]
pub(crate) struct ToolProgress {
    lines: VecDeque<String>,
    left_out: u64,
}

impl ToolProgress {
    /// Takes a message's lines.
    pub(super) fn heard(&mut self, lines: Vec<String>, left_out: u64) {
        self.left_out = self.left_out.saturating_add(left_out);
        for mut line in lines.into_iter().take(PROGRESS_LINES) {
            line.truncate(line.floor_char_boundary(PROGRESS_LINE_BYTES));
            line.retain(|character| !character.is_control());
            self.lines.push_back(line);
        }
        while self.lines.len() > KEPT_LINES {
            self.lines.pop_front();
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Gives the lines that have come since the last time, and how many were left out.
    pub(crate) fn take(&mut self) -> (Vec<String>, u64) {
        let lines = std::mem::take(&mut self.lines);
        (lines.into(), std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_LINES, ToolProgress};

    #[test]
    fn lines_are_taken_once_and_are_bounded() {
        let mut tools = ToolProgress::default();
        tools.heard(vec!["one\u{1b}[31m".to_owned(), "é".repeat(500)], 3);
        let (lines, left_out) = tools.take();
        assert_eq!(lines, ["one[31m".to_owned(), "é".repeat(120)]);
        assert_eq!(left_out, 3);
        for _ in 0..100 {
            tools.heard(vec!["x".to_owned(); 1000], 0);
        }
        let (lines, left_out) = tools.take();
        assert_eq!((lines.len(), left_out), (KEPT_LINES, 1600 - 256));
        assert_eq!(tools.take(), (Vec::new(), 0));
    }
}
