//! Traffic that flows while something is done to the gateway.
//!
//! In: flows, in the words of the hosts. Out: which source ports were in use when, and who answered.
//! What must hold: what is waited for is a packet or an answer, never time as such.

use std::collections::BTreeMap;

use super::agents::{Agents, Query};

impl Agents {
    /// Starts a flow: `ID DESTINATION from=ADDRESS [hold] [over=TRANSPORT,...]`.
    ///
    /// # Errors
    ///
    /// The agent is unknown or has ended.
    pub fn flow(&mut self, flow: &Query) -> Result<(), String> {
        self.agent(&flow.by)?.tell(&format!("flow {}", flow.words))
    }

    /// Waits until everybody has sent one more round; gives the source port of each one's round.
    ///
    /// # Errors
    ///
    /// An agent has ended.
    pub fn round(&mut self) -> Result<BTreeMap<String, u16>, String> {
        for agent in self.running.values_mut() {
            agent.tell("round")?;
        }
        let mut ports = BTreeMap::new();
        for (name, agent) in &mut self.running {
            let line = agent.line()?;
            let port = line.strip_prefix("round ").and_then(|port| port.parse().ok());
            ports.insert(name.clone(), port.ok_or_else(|| format!("{name}: {line}"))?);
        }
        Ok(ports)
    }

    /// Waits until rounds from these ports on are answered in each way, `FLOW TRANSPORT` by agent. Gives
    /// what is not after `limit` milliseconds.
    ///
    /// # Errors
    ///
    /// An agent is unknown or has ended.
    pub fn unanswered(
        &mut self,
        since: &BTreeMap<String, u16>,
        ways: &BTreeMap<String, Vec<String>>,
        limit: u32,
    ) -> Result<Vec<String>, String> {
        for (name, ways) in ways {
            let port = since.get(name).copied().unwrap_or_default();
            self.agent(name)?.tell(&format!("heard {port} {limit} {}", ways.join(" ")))?;
        }
        let mut missing = Vec::new();
        for name in ways.keys() {
            missing.extend(self.agent(name)?.list("missing ")?);
        }
        Ok(missing)
    }

    /// Ends all flows. Gives who answered: `FLOW TRANSPORT NAME SOURCE PORT`, the port as `same` where it
    /// is the asker's own; `FLOW icmp echo` of the kernel.
    ///
    /// # Errors
    ///
    /// An agent has ended.
    pub fn flowed(&mut self) -> Result<Vec<String>, String> {
        for agent in self.running.values_mut() {
            agent.tell("flowed")?;
        }
        let mut told = Vec::new();
        for agent in self.running.values_mut() {
            told.extend(agent.list("told ")?);
        }
        Ok(told)
    }
}
