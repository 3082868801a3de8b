//! The file `checks` of a scenario: one check a line, in order.
//!
//! ```text
//! transports tcp udp icmp 253                 what `connect`, `reach` and `nothing` send; this is the default
//! ports same | distinct | NUMBER              of one phase; `distinct` where keys would clash by design
//! connect PATTERN <-> PATTERN                 every host asks every host (or ->), all at once
//! others apart                                nothing passes between all other pairs, nor to an own alias
//! reach HOST DESTINATION = HOST sees SOURCE   also tcp, udp, icmp, 253 for one of them
//! nothing HOST DESTINATION                    no answer, and nobody saw a packet
//! unreachable HOST DESTINATION                the same, and the asker is told at once
//! prohibited HOST DESTINATION                 the same, and it is that somebody does not want it
//! dead HOST DESTINATION                       host-unreachable arrives, after the neighbour was looked for
//! expired HOST DESTINATION ttl N by ADDRESS   time-exceeded arrives
//! toobig HOST DESTINATION size N              too-big arrives
//! gateway COMMAND / on HOST COMMAND           exit 0 of a shell command there; also how faults are made
//! flush                                       all rule sets of the kernel, as a restart of its service does
//! up, down, release                           the script again; close connections that were `hold`
//! up changed                                  by the script of the second site, `changed` in the file `site`
//! say HOST DESTINATION from PORT = HOST sees SOURCE
//!                                             once more on a connection that was `hold`
//! silent HOST DESTINATION from PORT           the same, and nobody hears it
//! traffic HOST DESTINATION = HOST sees SOURCE from now on, a packet of each transport again and again, and with
//!                                             `hold` on an open connection; `= nothing` for what nobody answers
//! answered [HOST]...                          all traffic (of these) is, from now on
//! each rule, each route                       of the site is deleted in turn, and put back
//! interrupted [every N from M]                up and down are killed at every place where they have changed
//!                                             something, or at every Nth; `from` says too which recovery is whose
//! traffic ends                                who answered all along, and that nobody saw anything else
//! ```
//! Options before `=`: `from [ADDRESS]:PORT | ADDRESS | PORT`, `port N`, `ttl N`, `size N`, `over PROTOCOL`,
//! `by ADDRESS`, `via ROUTER`, `strays HOST` (errors may end there), `hold`, `again`, `deaf` (nobody takes the answer: an
//! error about it goes back), `mss N/M` (largest segments that the answering and the asking side send).
//! Consecutive questions are one phase and run at the same time.

use std::net::{IpAddr, SocketAddr};

/// All transports, in the probe's words.
pub const TRANSPORTS: [&str; 4] = ["tcp", "udp", "icmp", "253"];

/// What a question should lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This host answers, having seen this source; a port of `None` means any.
    Answer {
        /// Who answers.
        host: String,
        /// The source address that it sees.
        source: IpAddr,
        /// The source port that it sees.
        port: Seen,
    },
    /// No answer, and nobody sees anything.
    Nothing,
    /// An ICMP error of one of these kinds reaches the asker, and nobody sees anything.
    Error {
        /// The probe's words for the kinds.
        kinds: &'static [&'static str],
        /// From this router.
        by: Option<IpAddr>,
    },
}

/// The source port that the answering host sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The one that the asker used.
    Same,
    /// Whatever.
    Any,
}

/// A question as written.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line.
    pub text: String,
    /// How it is asked; empty means all in effect.
    pub transports: Vec<String>,
    /// Who asks.
    pub host: String,
    /// Whom.
    pub destination: IpAddr,
    /// Which port.
    pub port: Option<u16>,
    /// From which address.
    pub from: Option<IpAddr>,
    /// From which port.
    pub from_port: Option<u16>,
    /// Passed to the probe as they are.
    pub options: Vec<String>,
    /// Whether the outcome takes its time.
    pub patient: bool,
    /// Whether it is asked on a connection that is open already.
    pub said: bool,
    /// A router that may see the packet on its way.
    pub via: Option<String>,
    /// A host that may be sent the errors about it.
    pub strays: Option<String>,
    /// The largest segments that the answering and the asking side send, as `N/M`.
    pub segments: Option<String>,
    /// What should happen.
    pub expected: Expected,
}

/// Traffic, and what is done to the gateway meanwhile.
#[derive(Clone, Debug)]
pub enum During {
    /// `traffic`
    Flow(Box<Line>),
    /// `answered`, of these askers or of all
    Answered(Vec<String>),
    /// `each rule`, `each route`
    Each(String),
    /// `interrupted`, with the stride and the first place
    Interrupted(usize, usize),
    /// `traffic ends`
    Ends,
}

/// A line of the file.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `transports`
    Transports(Vec<String>),
    /// `ports distinct`
    DistinctPorts(bool),
    /// `ports NUMBER`
    Port(u16),
    /// `connect`; the last says whether both ways.
    Connect(String, String, bool),
    /// `others apart`
    Apart,
    /// A question.
    Ask(Box<Line>),
    /// A shell command on a host, or on the gateway.
    Command(Option<String>, String),
    /// `up` or `down`
    Script(&'static str),
    /// What is done while traffic flows.
    During(During),
    /// `flush`
    Flush,
    /// `release`
    Release,
}

/// Reads the file's text.
pub fn parse(text: &str) -> Result<Vec<Statement>, String> {
    let mut statements = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            statements.push(statement(line).map_err(|e| format!("checks:{}: {e}", index + 1))?);
        }
    }
    Ok(statements)
}

fn statement(line: &str) -> Result<Statement, String> {
    if let Some(command) = line.strip_prefix("gateway ") {
        return Ok(Statement::Command(None, command.to_owned()));
    }
    let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    Ok(match words[..] {
        ["transports", ref rest @ ..] => {
            Statement::Transports(rest.iter().map(|t| (*t).to_owned()).collect())
        }
        ["ports", choice @ ("same" | "distinct")] => Statement::DistinctPorts(choice == "distinct"),
        ["ports", number] => Statement::Port(number.parse().map_err(|_| "not a port")?),
        ["connect", from, way @ ("->" | "<->"), to] => {
            Statement::Connect(from.to_owned(), to.to_owned(), way == "<->")
        }
        ["others", "apart"] => Statement::Apart,
        ["up"] => Statement::Script("up"),
        ["up", "changed"] => Statement::Script("up changed"),
        ["down"] => Statement::Script("down"),
        ["flush"] => Statement::Flush,
        ["release"] => Statement::Release,
        ["on", host, ..] => {
            let rest = line.split_once(host).map_or("", |(_, rest)| rest.trim());
            Statement::Command(Some(host.to_owned()), rest.to_owned())
        }
        ["answered", ref hosts @ ..] => {
            Statement::During(During::Answered(hosts.iter().map(|h| (*h).to_owned()).collect()))
        }
        ["each", what @ ("rule" | "route")] => Statement::During(During::Each(what.to_owned())),
        ["interrupted"] => Statement::During(During::Interrupted(1, 0)),
        ["interrupted", "every", stride, "from", first] => {
            let number = |word: &str| word.parse().map_err(|_| format!("not a number: {word}"));
            Statement::During(During::Interrupted(number(stride)?, number(first)?))
        }
        ["traffic", "ends"] => Statement::During(During::Ends),
        ["traffic", ..] => Statement::During(During::Flow(Box::new(question(line, &words)?))),
        _ => Statement::Ask(Box::new(question(line, &words)?)),
    })
}

fn question(text: &str, words: &[&str]) -> Result<Line, String> {
    let [kind, host, destination, rest @ ..] = words else { return Err("not understood".to_owned()) };
    let (destination, port) = endpoint(destination)?;
    let transports = if TRANSPORTS.contains(kind) { vec![(*kind).to_owned()] } else { Vec::new() };
    let (text, host) = (text.to_owned(), (*host).to_owned());
    let mut line = Line {
        text,
        transports,
        host,
        destination,
        port,
        from: None,
        from_port: None,
        options: Vec::new(),
        patient: false,
        said: false,
        via: None,
        strays: None,
        segments: None,
        expected: Expected::Nothing,
    };
    let mut by = None;
    let mut rest = rest.iter();
    let mut answers = None;
    while let Some(word) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("{word} needs a value"));
        match *word {
            "from" => {
                let value = value()?;
                match value.parse::<u16>() {
                    Ok(port) => line.from_port = Some(port),
                    Err(_) => {
                        let (address, port) = endpoint(value)?;
                        (line.from, line.from_port) = (Some(address), port);
                    }
                }
            }
            "port" => line.port = Some(value()?.parse().map_err(|_| "not a port")?),
            "over" => line.transports = value()?.split(',').map(str::to_owned).collect(),
            "via" => line.via = Some(value()?.to_owned()),
            "strays" => line.strays = Some(value()?.to_owned()),
            "mss" => line.segments = Some(value()?.to_owned()),
            "by" => by = Some(endpoint(value()?)?.0),
            "ttl" | "size" | "dev" => line.options.push(format!("{word}={}", value()?)),
            "hold" | "again" | "deaf" => line.options.push((*word).to_owned()),
            "=" => {
                let host = value()?;
                if (*kind, host) == ("traffic", "nothing") {
                    continue;
                }
                let sees = value()?;
                let source = value()?;
                if sees != "sees" {
                    return Err("`= HOST sees SOURCE` expected".to_owned());
                }
                let (source, port) =
                    source.strip_suffix(":*").map_or((source, Seen::Same), |address| (address, Seen::Any));
                let source = endpoint(source)?.0;
                answers = Some(Expected::Answer { host: host.to_owned(), source, port });
            }
            _ => return Err(format!("not understood: {word}")),
        }
    }
    line.expected = match (*kind, answers) {
        ("silent", None) => {
            (line.transports, line.said) = (vec!["tcp".to_owned()], true);
            Expected::Nothing
        }
        ("nothing" | "traffic", None) => Expected::Nothing,
        ("unreachable", None) => {
            // It hears of it at once, and asks again where the kernel has told others of that number just now.
            if line.transports.is_empty() {
                line.transports.push("tcp".to_owned());
            }
            line.patient = true;
            Expected::Error { kinds: &["net-unreachable", "host-unreachable", "prohibited"], by }
        }
        ("prohibited", None) => {
            if line.transports.is_empty() {
                line.transports.push("udp".to_owned());
            }
            Expected::Error { kinds: &["prohibited"], by }
        }
        ("dead", None) => {
            line.patient = true;
            Expected::Error { kinds: &["host-unreachable"], by }
        }
        ("expired", None) => Expected::Error { kinds: &["expired"], by },
        ("toobig", None) => Expected::Error { kinds: &["too-big"], by },
        ("say", Some(answer)) => {
            (line.transports, line.said) = (vec!["tcp".to_owned()], true);
            answer
        }
        ("traffic" | "reach" | "tcp" | "udp" | "icmp" | "253", Some(answer)) => answer,
        _ => return Err(format!("not understood: {kind}")),
    };
    Ok(line)
}

fn endpoint(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(both) = text.parse::<SocketAddr>() {
        return Ok((both.ip(), Some(both.port())));
    }
    text.parse().map(|address| (address, None)).map_err(|_| format!("not an address: {text}"))
}
