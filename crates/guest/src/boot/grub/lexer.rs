//! The words of GRUB's script language.
//!
//! [GRUB manual] "Shell-like scripting": blanks part words, `;` and line ends part commands,
//! quotes and backslashes protect, `$` expands outside single quotes.

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text as it is.
    Text(String),
    /// The value of a variable; outside quotes it is split at blanks.
    Variable { name: String, quoted: bool },
}

/// A word: parts without a blank between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    /// Something in it was quoted: it is no keyword, and counts even if empty.
    pub(super) quoted: bool,
}

impl Word {
    /// The text, if the word is plain text: keywords are.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }

    fn push(&mut self, c: char) {
        if let Some(Part::Text(text)) = self.parts.last_mut() {
            text.push(c);
        } else {
            self.parts.push(Part::Text(c.to_string()));
        }
    }
}

/// What the parser sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `;` or the end of a line.
    Separator,
}

/// A token and its line, from 1.
pub(super) type Lexeme = (Token, u32);

/// Cuts a script into words. Never fails: an open quote ends with the script.
pub(super) fn lex(script: &str) -> Vec<Lexeme> {
    let mut lexer = Lexer {
        rest: script.chars().peekable(),
        line: 1,
        at_end: false,
        word: None,
        lexemes: Vec::new(),
    };
    while let Some(c) = lexer.next() {
        lexer.step(c);
    }
    lexer.end_word();
    lexer.lexemes
}

struct Lexer<'s> {
    rest: std::iter::Peekable<std::str::Chars<'s>>,
    line: u32,
    at_end: bool,
    word: Option<Word>,
    lexemes: Vec<Lexeme>,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        // What a line's end closes still belongs to that line.
        if std::mem::take(&mut self.at_end) {
            self.line = self.line.saturating_add(1);
        }
        let c = self.rest.next();
        self.at_end = c == Some('\n');
        c
    }

    fn step(&mut self, c: char) {
        match c {
            '\n' | ';' => {
                self.end_word();
                self.lexemes.push((Token::Separator, self.line));
            }
            c if c.is_whitespace() => self.end_word(),
            '#' if self.word.is_none() => while self.rest.next_if(|&c| c != '\n').is_some() {},
            '\'' => self.single(),
            '"' => self.double(),
            '\\' => match self.next() {
                Some('\n') | None => {}
                Some(c) => {
                    self.word().push(c);
                    self.word().quoted = true;
                }
            },
            '$' => self.variable(false),
            c => self.word().push(c),
        }
    }

    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.lexemes.push((Token::Word(word), self.line));
        }
    }

    fn single(&mut self) {
        self.word().quoted = true;
        while let Some(c) = self.next() {
            if c == '\'' {
                return;
            }
            self.word().push(c);
        }
    }

    fn double(&mut self) {
        self.word().quoted = true;
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '$' => self.variable(true),
                // [GRUB manual] a backslash keeps its meaning only before these.
                '\\' => match self.rest.next_if(|c| matches!(c, '$' | '"' | '\\' | '\n')) {
                    Some('\n') => self.line = self.line.saturating_add(1),
                    Some(c) => self.word().push(c),
                    None => self.word().push('\\'),
                },
                c => self.word().push(c),
            }
        }
    }

    /// `$name`, `${name}`, `$1`, `$?`; a `$` before anything else stays.
    fn variable(&mut self, quoted: bool) {
        let mut name = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            while let Some(c) = self.rest.next_if(|&c| c != '}' && c != '\n') {
                name.push(c);
            }
            self.rest.next_if_eq(&'}');
        } else if let Some(c) = self
            .rest
            .next_if(|c| "?*@#".contains(*c) || c.is_ascii_digit())
        {
            name.push(c);
        } else {
            while let Some(c) = self
                .rest
                .next_if(|&c| c.is_ascii_alphanumeric() || c == '_')
            {
                name.push(c);
            }
            if name.is_empty() {
                return self.word().push('$');
            }
        }
        self.word().parts.push(Part::Variable { name, quoted });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<String> {
        let show = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable { name, quoted: true } => format!("<{name}>"),
            Part::Variable {
                name,
                quoted: false,
            } => format!("<<{name}>>"),
        };
        let word = |(token, _): &Lexeme| match token {
            Token::Word(word) => word.parts.iter().map(show).collect(),
            Token::Separator => ";".to_owned(),
        };
        lex(script).iter().map(word).collect()
    }

    fn check(script: &str, expect: &[&str]) {
        assert_eq!(words(script), expect, "{script:?}");
    }

    #[test]
    fn quotes_variables_comments_and_continued_lines() {
        check("set root='hd0,gpt1'", &["set", "root=hd0,gpt1"]);
        check(
            "set default=\"${saved_entry}\"",
            &["set", "default=<saved_entry>"],
        );
        check(
            "linux /k $kernelopts ro",
            &["linux", "/k", "<<kernelopts>>", "ro"],
        );
        check("a # comment ' here\nb", &["a", ";", "b"]);
        check("a b#c", &["a", "b#c"]);
        check("a \\\n b; c", &["a", "b", ";", "c"]);
        check("echo 'it'\\''s'", &["echo", "it's"]);
        check("[ \"\" ]", &["[", "", "]"]);
        check("x\"a\\$b\\nc\"", &["xa$b\\nc"]);
        check("cost 5$ $?", &["cost", "5$", "<<?>>"]);
        check("'open\nto the end", &["open\nto the end"]);
    }
}
