//! The statements of GRUB's script language.

use std::rc::Rc;

use super::lexer::{Lexeme, Token, Word, lex};

/// Blocks inside blocks; what grub-mkconfig writes needs 4.
const MAX_DEPTH: u32 = 32;

/// Statements in order; shared, since a menu keeps the bodies of its entries.
pub(super) type Script = Rc<[Statement]>;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// A command with its words, and the block of `menuentry` and `submenu`.
    Command {
        words: Vec<Word>,
        block: Option<Script>,
    },
    /// `if … then … elif … then … else … fi`.
    If {
        arms: Vec<(Script, Script)>,
        otherwise: Script,
    },
    /// `for NAME in WORDS; do … done`.
    For {
        name: String,
        items: Vec<Word>,
        body: Script,
    },
    /// `while … do … done`, or `until`.
    While {
        until: bool,
        condition: Script,
        body: Script,
    },
    /// `function NAME { … }`.
    Function { name: String, body: Script },
}

/// A script that breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {rule}")]
pub(super) struct SyntaxError {
    pub(super) line: u32,
    pub(super) rule: String,
}

/// The statements up to the first that breaks the grammar, and how it does. GRUB too runs what
/// comes before an error.
pub(super) fn parse(script: &str) -> (Script, Option<SyntaxError>) {
    let mut parser = Parser {
        lexemes: lex(script).into_iter().peekable(),
        line: 1,
        depth: 0,
    };
    let mut statements = Vec::new();
    loop {
        parser.skip_separators();
        match parser.statement() {
            Ok(Some(statement)) => statements.push(statement),
            Ok(None) => return (statements.into(), None),
            Err(error) => return (statements.into(), Some(error)),
        }
    }
}

struct Parser {
    lexemes: std::iter::Peekable<std::vec::IntoIter<Lexeme>>,
    line: u32,
    depth: u32,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let (token, line) = self.lexemes.next()?;
        self.line = line;
        Some(token)
    }

    fn error<T>(&self, rule: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError {
            line: self.line,
            rule: rule.into(),
        })
    }

    fn skip_separators(&mut self) {
        while self
            .lexemes
            .next_if(|(token, _)| *token == Token::Separator)
            .is_some()
        {}
    }

    /// The next token, if it is an unquoted word.
    fn keyword(&mut self) -> Option<String> {
        match self.lexemes.peek() {
            Some((Token::Word(word), _)) => word.plain().map(str::to_owned),
            _ => None,
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), SyntaxError> {
        self.skip_separators();
        match self.keyword() {
            Some(word) if word == wanted => {
                self.next();
                Ok(())
            }
            Some(word) => self.error(format!("{word:?} where {wanted:?} belongs")),
            None => self.error(format!("{wanted:?} is missing")),
        }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.keyword() {
            Some(word) => {
                self.next();
                Ok(word)
            }
            None => self.error("a name is missing"),
        }
    }

    /// Statements up to one of the words in `ends`, which stays.
    fn block(&mut self, ends: &[&str]) -> Result<Script, SyntaxError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return self.error(format!("more than {MAX_DEPTH} blocks inside each other"));
        }
        let mut statements = Vec::new();
        loop {
            self.skip_separators();
            if self
                .keyword()
                .is_some_and(|word| ends.contains(&word.as_str()))
            {
                self.depth = self.depth.saturating_sub(1);
                return Ok(statements.into());
            }
            match self.statement()? {
                Some(statement) => statements.push(statement),
                None => return self.error(format!("{:?} is missing", ends.join("|"))),
            }
        }
    }

    fn braced(&mut self) -> Result<Script, SyntaxError> {
        self.expect("{")?;
        let body = self.block(&["}"])?;
        self.expect("}")?;
        Ok(body)
    }

    /// `None` at the end of the script.
    fn statement(&mut self) -> Result<Option<Statement>, SyntaxError> {
        if self.lexemes.peek().is_none() {
            return Ok(None);
        }
        let statement = match self.keyword().as_deref() {
            Some("if") => self.conditional()?,
            Some("for") => self.for_loop()?,
            Some(word @ ("while" | "until")) => {
                let until = word == "until";
                self.next();
                let condition = self.block(&["do"])?;
                Statement::While {
                    until,
                    condition,
                    body: self.loop_body()?,
                }
            }
            Some("function") => {
                self.next();
                Statement::Function {
                    name: self.name()?,
                    body: self.braced()?,
                }
            }
            Some(word @ ("then" | "elif" | "else" | "fi" | "do" | "done" | "}")) => {
                return self.error(format!("{word:?} without its beginning"));
            }
            _ => self.command()?,
        };
        Ok(Some(statement))
    }

    fn conditional(&mut self) -> Result<Statement, SyntaxError> {
        let mut arms = Vec::new();
        loop {
            // `if` or `elif`.
            self.next();
            let condition = self.block(&["then"])?;
            self.expect("then")?;
            arms.push((condition, self.block(&["elif", "else", "fi"])?));
            match self.keyword().as_deref() {
                Some("elif") => {}
                Some("else") => {
                    self.next();
                    let otherwise = self.block(&["fi"])?;
                    self.expect("fi")?;
                    return Ok(Statement::If { arms, otherwise });
                }
                _ => {
                    self.expect("fi")?;
                    return Ok(Statement::If {
                        arms,
                        otherwise: Rc::new([]),
                    });
                }
            }
        }
    }

    fn for_loop(&mut self) -> Result<Statement, SyntaxError> {
        self.next();
        let name = self.name()?;
        self.expect("in")?;
        let mut items = Vec::new();
        while let Some((Token::Word(_), _)) = self.lexemes.peek() {
            if let Some(Token::Word(word)) = self.next() {
                items.push(word);
            }
        }
        Ok(Statement::For {
            name,
            items,
            body: self.loop_body()?,
        })
    }

    fn loop_body(&mut self) -> Result<Script, SyntaxError> {
        self.expect("do")?;
        let body = self.block(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    /// Words up to a separator, a `}`, or the end; a `{` opens a block.
    fn command(&mut self) -> Result<Statement, SyntaxError> {
        let (mut words, mut block) = (Vec::new(), None);
        loop {
            match self.keyword().as_deref() {
                Some("{") => block = Some(self.braced()?),
                Some("}") => break,
                _ => match self.next() {
                    Some(Token::Word(word)) => words.push(word),
                    Some(Token::Separator) | None => break,
                },
            }
        }
        Ok(Statement::Command { words, block })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(script: &str) -> String {
        parse(script)
            .1
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn blocks_have_their_ends() {
        for sound in [
            "if a; then b; elif c; then d; else e; fi",
            "if [ x = y ] ; then\n  a\nfi\n",
            "menuentry 'x' --class os { a; b\n}\nsubmenu \"y\" { menuentry z { c } }",
            "function f { a }",
            "for i in a b c; do echo $i; done; while true; do break; done",
            "if true; then fi",
        ] {
            assert_eq!(error(sound), "", "{sound:?}");
        }
        let (script, _) = parse("a\nb; menuentry x { c }");
        assert_eq!(script.len(), 3);
    }

    #[test]
    fn what_breaks_the_grammar_is_named_with_its_line() {
        assert_eq!(
            error("a\nif b; then c\n"),
            "line 2: \"elif|else|fi\" is missing"
        );
        assert_eq!(error("fi"), "line 1: \"fi\" without its beginning");
        assert_eq!(error("menuentry x {\na\n"), "line 2: \"}\" is missing");
        assert_eq!(
            error("for i a; do b; done"),
            "line 1: \"a\" where \"in\" belongs"
        );
        let deep = "menuentry x {\n".repeat(100_000);
        assert_eq!(
            error(&deep),
            "line 33: more than 32 blocks inside each other"
        );
    }

    #[test]
    fn what_comes_before_an_error_is_kept() {
        let (script, error) = parse("a\nb\nfi\nc");
        assert_eq!(script.len(), 2);
        assert!(error.is_some());
    }
}
