//! One channel to the agent: frames in and out, and who is at the other end.

use detente_host::{HostError, Machine, Port};
use detente_plan::protocol::{AgentMessage, Decoder, HostMessage, Order, PROTOCOL, encode};

/// One channel to the agent.
#[derive(Debug)]
pub(crate) struct Link {
    port: Port,
    decoder: Decoder,
    /// The agent said hello with our run and plan, and was welcomed.
    pub(crate) open: bool,
}

/// What an agent said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentIdentity {
    pub(crate) sha256: String,
    pub(crate) plan_digest: String,
    pub(crate) kernel_release: String,
}

impl Link {
    pub(crate) fn new(port: Port) -> Self {
        Self {
            port,
            decoder: Decoder::new(),
            open: false,
        }
    }

    /// Takes bytes of the port; yields the messages that are whole now. What is framed but no
    /// message of ours counts for nothing.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<AgentMessage> {
        let frames = self.decoder.push(bytes);
        frames
            .iter()
            .filter_map(|frame| serde_json::from_slice(frame).ok())
            .collect()
    }

    /// Bytes that belonged to no frame.
    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.decoder.garbage_bytes()
    }

    /// Who says hello, if it is ours: our protocol, run and plan, and the one agent that was
    /// `known` before, if one was.
    pub(crate) fn identity(
        hello: &AgentMessage,
        order: &Order,
        known: Option<&AgentIdentity>,
    ) -> Option<AgentIdentity> {
        let AgentMessage::Hello {
            protocol,
            run_id,
            plan_digest,
            agent_sha256,
            kernel_release,
        } = hello
        else {
            return None;
        };
        let ours = *protocol == PROTOCOL
            && *run_id == order.run_id
            && *plan_digest == order.plan_digest
            && known.is_none_or(|known| known.sha256 == *agent_sha256);
        ours.then(|| AgentIdentity {
            sha256: agent_sha256.clone(),
            plan_digest: plan_digest.clone(),
            kernel_release: kernel_release.clone(),
        })
    }

    /// Answers a hello; from now on, what comes counts.
    pub(crate) fn welcome(
        &mut self,
        machine: &mut dyn Machine,
        order: &Order,
    ) -> Result<(), HostError> {
        self.open = true;
        let welcome = HostMessage::Welcome {
            run_id: order.run_id.clone(),
            plan_digest: order.plan_digest.clone(),
        };
        self.send(machine, &welcome)
    }

    /// Sends a message.
    pub(crate) fn send(
        &self,
        machine: &mut dyn Machine,
        message: &HostMessage,
    ) -> Result<(), HostError> {
        let frame = encode(message).expect("our own messages are short and plain");
        machine.send(self.port, &frame)
    }
}
