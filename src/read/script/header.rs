//! The variables at the top of a script.
//!
//! Goes in: [`Variable`]s. Comes out: a [`Header`]. What must hold: each of them is there, none besides, and
//! what they say twice they say alike.

use super::pieces::Variable;
use crate::read::{Unread, words};

/// What a script says of the site as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The line that says the protocol; those around it say the rest.
    pub line: usize,
    /// Its name.
    pub site: String,
    /// What tells two versions of it apart.
    pub fingerprint: String,
    /// The protocol number of its rules and routes.
    pub protocol: u8,
    /// The preferences of its rules, first and last.
    pub preferences: (u32, u32),
    /// The preference that the rule for the table `local` is moved to, and the line that says so.
    pub local: Option<(usize, u32)>,
    /// Bits of the packet mark that say where a packet goes.
    pub destination: u32,
    /// Bits of the packet mark that say where it came from.
    pub source: u32,
    /// Bits of connection marks.
    pub connection_marks: u32,
    /// Whether any network has IPv6 prefixes.
    pub ipv6: bool,
    /// Whether networks are kept apart by VRF devices.
    pub vrf: bool,
    /// The packet filter that it speaks to.
    pub firewall: Firewall,
}

impl Header {
    /// Bits of the packet mark that are the site's.
    #[must_use]
    pub const fn marks(&self) -> u32 {
        self.destination | self.source
    }
}

/// The program that loads a ruleset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// nft(8).
    Nftables,
    /// iptables-restore(8).
    Iptables,
}

/// Where the notes of all sites are.
const STATE: &str = "/run/overlapc";

pub(super) fn read(variables: &[Variable<'_>]) -> Result<Header, Unread> {
    let mut known = Known { variables, taken: Vec::new() };
    let line = known.of("PROTOCOL")?.line;
    let protocol = known.last_number()?;
    let protocol = u8::try_from(protocol).map_err(|_| known.unread("not a number of 8 bits"))?;
    let preferences = (known.number("FIRST")?, known.number("LAST")?);
    let local = known.of("LOCAL")?;
    let local = match local.value {
        "" => None,
        _ => Some((local.line, known.last_number()?)),
    };
    let (destination, source) = (known.number("DESTINATION")?, known.number("SOURCE")?);
    if known.number("MARKS")? != destination | source || destination & source != 0 {
        return Err(known.unread("not what DESTINATION and SOURCE make together"));
    }
    let connection_marks = known.number("CONNECTION_MARKS")?;
    let (ipv6, vrf) = (known.yes("IPV6")?, known.yes("VRF")?);
    let kind = known.of("KIND")?.value;
    let isolation = if vrf { "vrf" } else { "rules" };
    let says =
        |firewall: &str| format!("firewall {firewall}, isolation {isolation}, protocol {protocol}") == kind;
    let firewall = match (says("nftables"), says("iptables")) {
        (true, _) => Firewall::Nftables,
        (_, true) => Firewall::Iptables,
        _ => return Err(known.unread("not what VRF and PROTOCOL say")),
    };
    let [tools, packages] = match firewall {
        Firewall::Nftables => ["nft", "nftables"],
        Firewall::Iptables => ["iptables-restore iptables-save ip6tables-restore ip6tables-save", "iptables"],
    };
    for (name, value) in [("STATE", STATE), ("FIREWALL_TOOLS", tools), ("FIREWALL_PACKAGES", packages)] {
        if known.of(name)?.value != value {
            return Err(known.unread("not what this script of a site has there"));
        }
    }
    let site = known.of("SITE")?.value.to_owned();
    let fingerprint = known.of("FINGERPRINT")?.value.to_owned();
    if fingerprint.len() != 16 || u64::from_str_radix(&fingerprint, 16).is_err() {
        return Err(known.unread("not a digest"));
    }
    if let Some(other) = variables.iter().find(|variable| !known.taken.contains(&variable.name)) {
        return Err(refuse(other, "a variable that is not known here"));
    }
    Ok(Header {
        line,
        site,
        fingerprint,
        protocol,
        preferences,
        local,
        destination,
        source,
        connection_marks,
        ipv6,
        vrf,
        firewall,
    })
}

/// Variables, and which of them were asked for, the last one last.
struct Known<'v, 't> {
    variables: &'v [Variable<'t>],
    taken: Vec<&'static str>,
}

impl<'v, 't> Known<'v, 't> {
    fn of(&mut self, name: &'static str) -> Result<&'v Variable<'t>, Unread> {
        self.taken.push(name);
        let found = self.variables.iter().find(|variable| variable.name == name);
        found.ok_or_else(|| Unread::new(1, format!("{name}="), "a variable is missing"))
    }

    fn number(&mut self, name: &'static str) -> Result<u32, Unread> {
        self.of(name)?;
        self.last_number()
    }

    fn yes(&mut self, name: &'static str) -> Result<bool, Unread> {
        match self.of(name)?.value {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.unread("neither yes nor no")),
        }
    }

    fn last(&self) -> Option<&'v Variable<'t>> {
        self.taken.last().and_then(|name| self.variables.iter().find(|variable| variable.name == *name))
    }

    fn last_number(&self) -> Result<u32, Unread> {
        let number = self.last().and_then(|variable| words::number(variable.value));
        number.ok_or_else(|| self.unread("not a number"))
    }

    fn unread(&self, why: &str) -> Unread {
        self.last().map_or_else(|| Unread::new(1, "", why), |variable| refuse(variable, why))
    }
}

fn refuse(variable: &Variable<'_>, why: &str) -> Unread {
    Unread::new(variable.line, format!("{}={}", variable.name, variable.value), why)
}
