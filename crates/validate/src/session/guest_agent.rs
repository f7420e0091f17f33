//! The QEMU guest agent's port: a JSON document a line, each way (QEMU, `qga/qapi-schema.json`).

use std::collections::VecDeque;
use std::time::Duration;

use detente_block::with_causes;
use detente_host::{HostError, Port};
use serde_json::{Value, json};

use super::{NoAnswer, Session, Waited};

/// The longest answer that is read; a list of every file system is a few KiB.
const ANSWER_BYTES: usize = 1 << 20;

/// Answers that wait.
const ANSWERS: usize = 16;

/// The byte before which everything is to be forgotten (`guest-sync-delimited`).
const SENTINEL: u8 = 0xff;

/// What has come from the port.
#[derive(Debug, Default)]
pub(crate) struct GuestAgentPort {
    line: Vec<u8>,
    answers: VecDeque<Value>,
}

impl GuestAgentPort {
    /// Takes bytes of the port. Lines that are too long or no JSON count for nothing.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                SENTINEL => self.line.clear(),
                b'\n' => {
                    let whole = self.line.len() <= ANSWER_BYTES;
                    if let Ok(answer) = serde_json::from_slice(&self.line)
                        && whole
                        && self.answers.len() < ANSWERS
                    {
                        self.answers.push_back(answer);
                    }
                    self.line.clear();
                }
                // One byte more than is read shows that a line is too long.
                _ if self.line.len() <= ANSWER_BYTES => self.line.push(byte),
                _ => {}
            }
        }
    }
}

/// Why the guest agent gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AgentRefusal {
    /// It refused, or fell silent (in words): the guest's fault.
    Said(String),
    /// The guest or the machine is gone, or the user has ended the run.
    Lost(NoAnswer),
}

impl Session {
    /// Finds the agent's ear: whatever was said before is forgotten, and it repeats a number.
    pub(crate) fn sync_guest_agent(
        &mut self,
        number: u32,
        limit: Duration,
    ) -> Result<Result<(), AgentRefusal>, HostError> {
        let arguments = json!({ "id": number });
        let order = order("guest-sync-delimited", Some(&arguments));
        let bytes = [&[SENTINEL], order.as_slice()].concat();
        let wanted = move |answer: &Value| answer["return"] == json!(number);
        Ok(self.exchange(&bytes, limit, wanted)?.map(|_| ()))
    }

    /// Has the agent do something; gives what it returns.
    pub(crate) fn ask_guest_agent(
        &mut self,
        command: &str,
        arguments: Option<&Value>,
        limit: Duration,
    ) -> Result<Result<Value, AgentRefusal>, HostError> {
        let bytes = order(command, arguments);
        let answer = self.exchange(&bytes, limit, |answer| {
            answer.get("return").is_some() || answer.get("error").is_some()
        })?;
        Ok(
            answer.and_then(|mut answer| match answer.get_mut("return") {
                Some(returned) => Ok(returned.take()),
                None => {
                    let why = answer["error"]["desc"].as_str().unwrap_or("no reason");
                    Err(AgentRefusal::Said(format!("{command} was refused: {why}")))
                }
            }),
        )
    }

    /// Sends, and waits for an answer that is wanted; others are passed over.
    fn exchange(
        &mut self,
        bytes: &[u8],
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Result<Value, AgentRefusal>, HostError> {
        self.guest_agent.answers.clear();
        if let Err(error) = self.machine.send(Port::GuestAgent, bytes) {
            let why = format!("nothing can be sent to it: {}", with_causes(&error));
            return Ok(Err(AgentRefusal::Said(why)));
        }
        let deadline = self.now() + limit;
        loop {
            while let Some(answer) = self.guest_agent.answers.pop_front() {
                if wanted(&answer) {
                    return Ok(Ok(answer));
                }
            }
            let waited = self.wait_until(deadline, |state| {
                let heard = !state.guest_agent.answers.is_empty();
                heard.then_some(None).or_else(|| state.lost().map(Some))
            })?;
            let lost = match waited {
                Waited::Came(None) => continue,
                Waited::Came(Some(lost)) => lost,
                Waited::Late => {
                    let why = format!("it did not answer within {} s", limit.as_secs());
                    return Ok(Err(AgentRefusal::Said(why)));
                }
                Waited::Gone => self.end(),
                Waited::Interrupted => NoAnswer::Interrupted,
            };
            return Ok(Err(AgentRefusal::Lost(lost)));
        }
    }
}

fn order(command: &str, arguments: Option<&Value>) -> Vec<u8> {
    let mut order = json!({ "execute": command });
    if let Some(arguments) = arguments {
        order["arguments"] = arguments.clone();
    }
    let mut bytes = order.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pieces: &[&[u8]]) -> Vec<Value> {
        let mut port = GuestAgentPort::default();
        for piece in pieces {
            port.receive(piece);
        }
        port.answers.into()
    }

    #[test]
    fn answers_are_lines_however_they_are_cut() {
        let answers = heard(&[b"{\"return\"", b": 7}\n{\"return\": {}}\n{\"ret"]);
        assert_eq!(answers, [json!({ "return": 7 }), json!({ "return": {} })]);
    }

    #[test]
    fn what_stands_before_the_sentinel_is_forgotten() {
        assert_eq!(
            heard(&[b"{\"half\": \xff{\"return\": 1}\n"]),
            [json!({ "return": 1 })]
        );
    }

    #[test]
    fn garbage_and_floods_are_bounded() {
        assert!(heard(&[b"\x00\x1b[2J\n\n\xfe\n{]\n"]).is_empty());
        let deep = [b"[".repeat(100_000).as_slice(), b"\n"].concat();
        assert!(heard(&[&deep]).is_empty());
        let long = [b"\"".as_slice(), &b"x".repeat(ANSWER_BYTES), b"\"\n1\n"].concat();
        assert_eq!(heard(&[&long]), [json!(1)]);
        assert_eq!(heard(&[&b"1\n".repeat(1000)]).len(), ANSWERS);
    }
}
