//! A rule of iptables: matches, then a target.
//!
//! Goes in: its words behind the name of the chain. Comes out: a [`Rule`].

use ipnet::IpNet;

use crate::read::filter::{
    Action, Bits, Field, Match, Name, Refusal, Rule, Segments, Step, Translation, Values, Verdict, Way, Zone,
};
use crate::read::words;

/// What a chain of the table nat changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Translating {
    Destination,
    Source,
}

/// The flags of TCP by name.
const FLAGS: [(&str, u8); 8] =
    [("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32), ("ALL", 63), ("NONE", 0)];

/// Extensions whose options are told apart by their names.
const EXTENSIONS: [&str; 14] = [
    "mark",
    "connmark",
    "conntrack",
    "comment",
    "multiport",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "limit",
    "sctp",
    "dccp",
    "udplite",
    "esp",
];

/// Reads the words of one rule; `chain` finds a chain of the table.
pub(super) fn read(
    words: &[&str],
    v4: bool,
    line: usize,
    chain: &dyn Fn(&str) -> Option<usize>,
) -> Result<Rule, String> {
    let mut reader = Reader { words, at: 0, v4, chain, steps: Vec::new(), comment: None, limit: None };
    while let Some(word) = reader.next() {
        reader.option(word)?;
    }
    Ok(Rule { line, comment: reader.comment, steps: reader.steps })
}

/// The one table that a target is for: `.table` of the kernel's `struct xt_target`.
pub(super) fn table_of(step: &Step) -> Option<&'static str> {
    match step {
        Step::Action(Action::Zone { .. }) => Some("raw"),
        Step::Action(Action::Destination(_) | Action::Source(_) | Action::Masquerade) => Some("nat"),
        Step::Verdict(Verdict::Reject(_)) => Some("filter"),
        _ => None,
    }
}

/// A NETMAP in a chain that changes sources.
pub(super) fn of_source(rule: &mut Rule) {
    for step in &mut rule.steps {
        if let Step::Action(Action::Destination(translation)) = step {
            let by = if translation.by == Field::Destination4 { Field::Source4 } else { Field::Source6 };
            *step = Step::Action(Action::Source(Translation { by, to: translation.to.clone() }));
        }
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    v4: bool,
    chain: &'a dyn Fn(&str) -> Option<usize>,
    steps: Vec<Step>,
    comment: Option<String>,
    /// Where the step of `--limit` is, to which `--limit-burst` belongs.
    limit: Option<usize>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn value(&mut self) -> Result<&'a str, String> {
        self.next().ok_or_else(|| "a value is missing".to_owned())
    }

    fn option(&mut self, word: &str) -> Result<(), String> {
        let negated = word == "!";
        let word = if negated { self.value()? } else { word };
        let v4 = self.v4;
        match word {
            "-s" => self.asked(if v4 { Field::Source4 } else { Field::Source6 }, negated),
            "-d" => self.asked(if v4 { Field::Destination4 } else { Field::Destination6 }, negated),
            "-i" => self.interface(Field::In, negated),
            "-o" => self.interface(Field::Out, negated),
            "-p" => self.asked(Field::Protocol, negated),
            "-m" => {
                let name = self.value()?;
                if EXTENSIONS.contains(&name) {
                    Ok(())
                } else {
                    Err(format!("`-m {name}` is not known here"))
                }
            }
            "--mark" => self.mark(negated),
            "--ctdir" => {
                let way = self.value()?.to_ascii_lowercase();
                self.is(Field::Direction, negated, &[&way])
            }
            "--ctstate" => {
                let states = self.value()?.to_ascii_lowercase();
                self.is(Field::State, negated, &states.split(',').collect::<Vec<_>>())
            }
            "--dports" | "--dport" => self.ports(Field::DestinationPort, negated),
            "--sports" | "--sport" => self.ports(Field::SourcePort, negated),
            "--icmp-type" if v4 => self.asked(Field::Icmp4Type, negated),
            "--icmpv6-type" if !v4 => self.asked(Field::Icmp6Type, negated),
            "--tcp-flags" => {
                let (mask, wanted) = (flags(self.value()?)?, flags(self.value()?)?);
                let values = Values::Ranges(vec![(wanted.into(), wanted.into())]);
                self.steps.push(Step::Match(Match { field: Field::TcpFlags(mask), negated, values }));
                Ok(())
            }
            "--comment" if !negated => {
                self.comment = Some(self.value()?.to_owned());
                Ok(())
            }
            "--limit" if !negated => {
                let (count, seconds) = rate(self.value()?)?;
                self.limit = Some(self.steps.len());
                self.steps.push(Step::Action(Action::Limit { burst: 5, count, seconds }));
                Ok(())
            }
            "--limit-burst" if !negated => {
                let number = self.value()?.parse().map_err(|_| "not a number")?;
                match self.limit.and_then(|at| self.steps.get_mut(at)) {
                    Some(Step::Action(Action::Limit { burst, .. })) => *burst = number,
                    _ => return Err("a burst without a limit".to_owned()),
                }
                Ok(())
            }
            "-j" | "-g" if !negated => self.target(word == "-g"),
            _ => Err(format!("`{word}` is not known here")),
        }
    }

    fn asked(&mut self, field: Field, negated: bool) -> Result<(), String> {
        let word = self.value()?;
        self.is(field, negated, &[word])
    }

    fn is(&mut self, field: Field, negated: bool, words: &[&str]) -> Result<(), String> {
        let ranges = words.iter().map(|word| words::range(field, word)).collect::<Option<Vec<_>>>();
        let mut ranges = ranges.ok_or_else(|| format!("`{}` is not known here", words.join(",")))?;
        ranges.sort_unstable();
        // States are bits.
        let ranges = if field == Field::State { ranges } else { words::joined(ranges) };
        self.steps.push(Step::Match(Match { field, negated, values: Values::Ranges(ranges) }));
        Ok(())
    }

    fn interface(&mut self, field: Field, negated: bool) -> Result<(), String> {
        let word = self.value()?;
        let name = match word.strip_suffix('+') {
            Some(text) => Name { text: text.to_owned(), open: true },
            None => Name { text: word.to_owned(), open: false },
        };
        self.steps.push(Step::Match(Match { field, negated, values: Values::Names(vec![name]) }));
        Ok(())
    }

    /// `22,80:90`, as numbers.
    fn ports(&mut self, field: Field, negated: bool) -> Result<(), String> {
        let ports = self.value()?.replace(':', "-");
        self.is(field, negated, &ports.split(',').collect::<Vec<_>>())
    }

    /// `--mark VALUE/MASK` of the packet, or of the connection: whichever extension was named last.
    fn mark(&mut self, negated: bool) -> Result<(), String> {
        let named = self.words[..self.at].iter().rev().find(|word| ["mark", "connmark"].contains(word));
        let (value, mask) = masked(self.value()?)?;
        let field = match named {
            Some(&"connmark") => Field::ConnectionMark(mask),
            _ => Field::Mark(mask),
        };
        let values = Values::Ranges(vec![(value.into(), value.into())]);
        self.steps.push(Step::Match(Match { field, negated, values }));
        Ok(())
    }

    fn target(&mut self, goes: bool) -> Result<(), String> {
        let name = self.value()?;
        if let Some(place) = (self.chain)(name) {
            let verdict = if goes { Verdict::Goto(place) } else { Verdict::Jump(place) };
            self.steps.push(Step::Verdict(verdict));
            return Ok(());
        }
        if goes {
            return Err(format!("there is no chain `{name}`"));
        }
        let step = match name {
            "ACCEPT" => Step::Verdict(Verdict::Accept),
            "DROP" => Step::Verdict(Verdict::Drop),
            "RETURN" => Step::Verdict(Verdict::Return),
            "REJECT" => Step::Verdict(Verdict::Reject(self.refusal()?)),
            "MARK" => {
                let bits = self.bits("--set-xmark", "--xor-mark")?;
                Step::Action(Action::Mark(bits))
            }
            "CONNMARK" if self.words.get(self.at) == Some(&"--restore-mark") => {
                self.at += 1;
                let (mut mark, mut connection) = (u32::MAX, u32::MAX);
                while let Some(word) = self.next() {
                    let number = words::number(self.value()?).ok_or("not a number")?;
                    match word {
                        "--nfmask" => mark = number,
                        "--ctmask" => connection = number,
                        _ => return Err(format!("`{word}` is not known here")),
                    }
                }
                Step::Action(Action::RestoreMark { mark, connection })
            }
            "CONNMARK" => {
                let bits = self.bits("--set-xmark", "--xor-mark")?;
                Step::Action(Action::ConnectionMark(bits))
            }
            "CT" => self.zone()?,
            "NETMAP" => {
                self.expect("--to")?;
                Step::Action(Action::Destination(self.moved(true)?))
            }
            "SNAT" => {
                self.expect("--to-source")?;
                Step::Action(Action::Source(self.moved(false)?))
            }
            "MASQUERADE" => Step::Action(Action::Masquerade),
            "TCPMSS" => Step::Action(Action::Segments(match self.value()? {
                "--clamp-mss-to-pmtu" => Segments::Route,
                "--set-mss" => Segments::Bytes(self.value()?.parse().map_err(|_| "not a number")?),
                word => return Err(format!("`{word}` is not known here")),
            })),
            "LOG" => {
                self.expect("--log-prefix")?;
                Step::Action(Action::Log(self.value()?.to_owned()))
            }
            _ => return Err(format!("the target `{name}` is not known here")),
        };
        self.steps.push(step);
        if self.at < self.words.len() {
            return Err(format!("`{}` is not known here", self.words[self.at]));
        }
        Ok(())
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.value()? == word { Ok(()) } else { Err(format!("`{word}` is missing")) }
    }

    fn refusal(&mut self) -> Result<Refusal, String> {
        if self.at == self.words.len() {
            return Ok(Refusal::Port);
        }
        self.expect("--reject-with")?;
        match (self.value()?, self.v4) {
            ("icmp-admin-prohibited", true) | ("icmp6-adm-prohibited", false) => Ok(Refusal::Prohibited),
            ("icmp-port-unreachable", true) | ("icmp6-port-unreachable", false) => Ok(Refusal::Port),
            (word, _) => Err(format!("`{word}` is not known here")),
        }
    }

    /// `--set-xmark VALUE/MASK` zeroes the bits of the mask, then turns those of the value.
    fn bits(&mut self, set: &str, turn: &str) -> Result<Bits, String> {
        let word = self.value()?;
        let (value, mask) = masked(self.value()?)?;
        if word == set {
            Ok(Bits { and: !mask, xor: value })
        } else if word == turn {
            Ok(Bits { and: u32::MAX, xor: value })
        } else {
            Err(format!("`{word}` is not known here"))
        }
    }

    fn zone(&mut self) -> Result<Step, String> {
        let direction = match self.value()? {
            "--zone" => None,
            "--zone-orig" => Some(Way::Original),
            "--zone-reply" => Some(Way::Reply),
            word => return Err(format!("`{word}` is not known here")),
        };
        let zone = match self.value()? {
            "mark" => Zone::Mark,
            number => Zone::Is(number.parse().map_err(|_| "not a zone")?),
        };
        Ok(Step::Action(Action::Zone { direction, zone }))
    }

    /// Where an address is moved: the prefix, or the one address.
    fn moved(&mut self, prefix: bool) -> Result<Translation, String> {
        let single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
        let to = words::prefix(self.value()?);
        let to = to.filter(|to| to.addr().is_ipv4() == self.v4 && (prefix || single(to)));
        let to = to.ok_or("not a prefix of that family")?;
        let by = match (prefix, self.v4) {
            (true, true) => Field::Destination4,
            (true, false) => Field::Destination6,
            (false, true) => Field::Source4,
            (false, false) => Field::Source6,
        };
        let last = if self.v4 { u128::from(u32::MAX) } else { u128::MAX };
        Ok(Translation { by, to: vec![((0, last), to)] })
    }
}

/// `VALUE/MASK`, or `VALUE`.
fn masked(word: &str) -> Result<(u32, u32), String> {
    let (value, mask) = word.split_once('/').map_or((word, None), |(value, mask)| (value, Some(mask)));
    let number = |word| words::number(word).ok_or_else(|| format!("`{word}` is not a number"));
    Ok((number(value)?, mask.map_or(Ok(u32::MAX), number)?))
}

fn flags(word: &str) -> Result<u8, String> {
    let mut all = 0;
    for name in word.split(',') {
        let flag = FLAGS.iter().find(|(known, _)| *known == name);
        all |= flag.ok_or_else(|| format!("`{name}` is not known here"))?.1;
    }
    Ok(all)
}

/// `10/minute`: so many in so many seconds.
fn rate(word: &str) -> Result<(u32, u32), String> {
    let (count, unit) = word.split_once('/').ok_or("not a rate")?;
    let seconds = match unit {
        "sec" | "second" => 1,
        "min" | "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return Err("not a rate".to_owned()),
    };
    Ok((count.parse().map_err(|_| "not a rate")?, seconds))
}
