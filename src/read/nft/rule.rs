//! A rule of nft, from left to right.
//!
//! Goes in: its words. Comes out: a [`Rule`]. What must hold: what nft adds by itself is written out, as that
//! `icmp type` asks for the family and the protocol first.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::set::{self, Element};
use super::{Known, Source};
use crate::read::filter::{
    Action, Bits, Dispatch, Field, Match, Refusal, Rule, Segments, State, Step, Translation, Values, Verdict,
    Way, Zone,
};
use crate::read::token::{Placed, Token};
use crate::read::{Unread, words};

/// The flags of TCP by name.
const FLAGS: [(&str, u8); 8] =
    [("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)];

/// Reads the words of one rule.
pub(super) fn read<'a>(known: &'a Known<'a>, words: &'a [Placed<'a>]) -> Result<Rule, Unread> {
    let line = words.first().map_or(1, |(line, _)| *line);
    let source = Source::of_words(known.text, words);
    let mut reader = Reader { known, source, steps: Vec::new(), comment: None };
    while let Some(token) = reader.source.next() {
        let Token::Word(word) = token else { return Err(reader.source.unread("not understood")) };
        reader.part(word)?;
    }
    Ok(Rule { line, comment: reader.comment, steps: reader.steps })
}

struct Reader<'a> {
    known: &'a Known<'a>,
    source: Source<'a>,
    steps: Vec<Step>,
    comment: Option<String>,
}

impl<'a> Reader<'a> {
    fn part(&mut self, word: &str) -> Result<(), Unread> {
        match word {
            "comment" => self.comment = Some(self.source.word()?.to_owned()),
            "counter" => {
                for name in ["packets", "bytes"] {
                    if self.source.is(name) {
                        self.source.word()?;
                    }
                }
            }
            "iifname" => self.asked(Field::In)?,
            "oifname" if self.source.is("map") => return Err(self.source.unread("not understood")),
            "oifname" => self.asked(Field::Out)?,
            "ip" | "ip6" => self.address(word == "ip")?,
            "meta" => self.meta()?,
            "icmp" | "icmpv6" => {
                self.source.expect("type")?;
                let v4 = word == "icmp";
                self.only(Field::Family, if v4 { 4 } else { 6 });
                self.only(Field::Protocol, if v4 { 1 } else { 58 });
                self.asked(if v4 { Field::Icmp4Type } else { Field::Icmp6Type })?;
            }
            "th" => {
                let field = self.port()?;
                self.asked(field)?;
            }
            "tcp" | "udp" => self.transport(word)?,
            "ct" => self.connection()?,
            "dnat" | "snat" => self.translation(word == "dnat")?,
            "masquerade" => self.steps.push(Step::Action(Action::Masquerade)),
            "log" => {
                self.source.expect("prefix")?;
                let words = self.source.word()?.to_owned();
                self.steps.push(Step::Action(Action::Log(words)));
            }
            "limit" => self.limit()?,
            _ => {
                let verdict = self.verdict(word)?;
                self.steps.push(Step::Verdict(verdict));
            }
        }
        Ok(())
    }

    fn verdict(&mut self, word: &str) -> Result<Verdict, Unread> {
        Ok(match word {
            "accept" => Verdict::Accept,
            "drop" => Verdict::Drop,
            "return" => Verdict::Return,
            "jump" => Verdict::Jump(self.chain()?),
            "goto" => Verdict::Goto(self.chain()?),
            "reject" => {
                if !self.source.is("with") {
                    return Ok(Verdict::Reject(Refusal::Port));
                }
                self.source.expect("icmpx")?;
                self.source.is("type");
                match self.source.word()? {
                    "admin-prohibited" => Verdict::Reject(Refusal::Prohibited),
                    "port-unreachable" => Verdict::Reject(Refusal::Port),
                    _ => return Err(self.source.unread("a refusal that is not known here")),
                }
            }
            _ => return Err(self.source.unread(&format!("`{word}` is not known here"))),
        })
    }

    fn chain(&mut self) -> Result<usize, Unread> {
        let name = self.source.word()?;
        let place = self.known.chains.get(name).copied();
        place.ok_or_else(|| self.source.unread(&format!("there is no chain `{name}`")))
    }

    /// Goes on for one value of a field alone, where that is not asked already.
    fn only(&mut self, field: Field, value: u128) {
        let step = Step::Match(Match { field, negated: false, values: Values::Ranges(vec![(value, value)]) });
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    /// What a field is compared with, or looked for in.
    fn asked(&mut self, field: Field) -> Result<(), Unread> {
        if self.source.is("vmap") {
            return self.dispatch(vec![field]);
        }
        let negated = self.source.is("!=");
        let _ = !negated && self.source.is("==");
        let values = self.values(field)?;
        self.steps.push(Step::Match(Match { field, negated, values }));
        Ok(())
    }

    fn values(&mut self, field: Field) -> Result<Values, Unread> {
        let values = if self.source.skip(&Token::Open) {
            let elements = set::elements(&mut self.source)?;
            set::values(field, elements.iter().flat_map(Element::keys))
        } else {
            let word = self.source.word()?;
            match word.strip_prefix('@') {
                Some(name) => set::values(field, self.set(name)?.iter().flat_map(Element::keys)),
                // `ct state established,related`
                None => {
                    let mut words = vec![word];
                    while self.source.skip(&Token::Comma) {
                        words.push(self.source.word()?);
                    }
                    set::values(field, words.into_iter())
                }
            }
        };
        values.ok_or_else(|| self.source.unread("a value that is not known here"))
    }

    fn set(&self, name: &str) -> Result<&'a [Element<'a>], Unread> {
        let set = self.known.sets.get(name);
        set.map(|set| set.elements.as_slice())
            .ok_or_else(|| self.source.unread(&format!("there is no set `{name}`")))
    }

    fn map(&mut self) -> Result<Vec<Element<'a>>, Unread> {
        if self.source.skip(&Token::Open) {
            return set::elements(&mut self.source);
        }
        let word = self.source.word()?;
        match word.strip_prefix('@') {
            Some(name) => Ok(self.set(name)?.to_vec()),
            None => Err(self.source.unread("a map is missing")),
        }
    }

    /// `vmap`: what to do by the values of some fields.
    fn dispatch(&mut self, fields: Vec<Field>) -> Result<(), Unread> {
        let mut cases = Vec::new();
        for element in self.map()? {
            if element.more.len() + 1 != fields.len() {
                return Err(self.source.unread("an element of another kind"));
            }
            let keys = fields.iter().zip(element.keys());
            let keys = keys.map(|(field, word)| set::values(*field, std::iter::once(word)));
            let keys = keys.collect::<Option<Vec<Values>>>();
            let keys = keys.ok_or_else(|| self.source.unread("a value that is not known here"))?;
            let words: Vec<Placed<'_>> =
                element.data.iter().map(|word| (element.line, Token::Word(word))).collect();
            let source = Source::of_words(self.known.text, &words);
            let mut reader = Reader { known: self.known, source, steps: Vec::new(), comment: None };
            let word = reader.source.word()?;
            let verdict = reader.verdict(word)?;
            cases.push((keys, verdict));
        }
        self.steps.push(Step::Dispatch(Dispatch { fields, cases }));
        Ok(())
    }

    fn address(&mut self, v4: bool) -> Result<(), Unread> {
        let field = match (self.source.word()?, v4) {
            ("saddr", true) => Field::Source4,
            ("saddr", false) => Field::Source6,
            ("daddr", true) => Field::Destination4,
            ("daddr", false) => Field::Destination6,
            _ => return Err(self.source.unread("a field that is not known here")),
        };
        self.only(Field::Family, if v4 { 4 } else { 6 });
        self.asked(field)
    }

    fn port(&mut self) -> Result<Field, Unread> {
        match self.source.word()? {
            "dport" => Ok(Field::DestinationPort),
            "sport" => Ok(Field::SourcePort),
            _ => Err(self.source.unread("a field that is not known here")),
        }
    }

    fn meta(&mut self) -> Result<(), Unread> {
        match self.source.word()? {
            "mark" if self.source.is("set") => {
                let bits = self.bits("meta")?;
                self.steps.push(Step::Action(Action::Mark(bits)));
                Ok(())
            }
            "mark" => {
                let mask = self.mask()?;
                self.asked(Field::Mark(mask))
            }
            "nfproto" => self.asked(Field::Family),
            "l4proto" if self.source.is(".") => {
                self.source.expect("th")?;
                let port = self.port()?;
                self.source.expect("vmap")?;
                self.dispatch(vec![Field::Protocol, port])
            }
            "l4proto" => self.asked(Field::Protocol),
            _ => Err(self.source.unread("a field that is not known here")),
        }
    }

    /// `& 0xff`, or nothing.
    fn mask(&mut self) -> Result<u32, Unread> {
        if self.source.is("&") || self.source.is("and") { self.number() } else { Ok(u32::MAX) }
    }

    fn number(&mut self) -> Result<u32, Unread> {
        words::number(self.source.word()?).ok_or_else(|| self.source.unread("not a number"))
    }

    /// What a mark becomes: a number, or itself with some bits changed.
    fn bits(&mut self, own: &str) -> Result<Bits, Unread> {
        let mut bits = Bits { and: u32::MAX, xor: 0 };
        if self.source.is(own) {
            self.source.expect("mark")?;
        } else if !self.source.is("mark") {
            return Ok(Bits { and: 0, xor: self.number()? });
        }
        loop {
            if self.source.is("&") || self.source.is("and") {
                let kept = self.number()?;
                bits = Bits { and: bits.and & kept, xor: bits.xor & kept };
            } else if self.source.is("|") || self.source.is("or") {
                let set = self.number()?;
                bits = Bits { and: bits.and & !set, xor: bits.xor | set };
            } else if self.source.is("^") || self.source.is("xor") {
                bits.xor ^= self.number()?;
            } else {
                return Ok(bits);
            }
        }
    }

    fn transport(&mut self, word: &str) -> Result<(), Unread> {
        let protocol = if word == "tcp" { 6 } else { 17 };
        self.only(Field::Protocol, protocol);
        match self.source.word()? {
            "dport" => self.asked(Field::DestinationPort),
            "sport" => self.asked(Field::SourcePort),
            "flags" => {
                // `& (syn | rst) == syn`, or as it is listed `syn / syn,rst`.
                let mut mask = u8::MAX;
                if self.source.is("&") {
                    mask = self.flags("==")?;
                }
                let wanted = u128::from(self.flags("")?);
                if self.source.is("/") {
                    mask = self.flags("")?;
                    while self.source.skip(&Token::Comma) {
                        mask |= self.flags("")?;
                    }
                }
                let values = Values::Ranges(vec![(wanted, wanted)]);
                let field = Field::TcpFlags(mask);
                self.steps.push(Step::Match(Match { field, negated: false, values }));
                Ok(())
            }
            "option" => {
                for word in ["maxseg", "size", "set"] {
                    self.source.expect(word)?;
                }
                let segments = if self.source.is("rt") {
                    self.source.expect("mtu")?;
                    Segments::Route
                } else {
                    let bytes = self.number()?;
                    Segments::Bytes(u16::try_from(bytes).map_err(|_| self.source.unread("too many bytes"))?)
                };
                self.steps.push(Step::Action(Action::Segments(segments)));
                Ok(())
            }
            _ => Err(self.source.unread("a field that is not known here")),
        }
    }

    /// `(syn | rst)` up to a word that is read, or one flag.
    fn flags(&mut self, end: &str) -> Result<u8, Unread> {
        let mut flags = 0;
        loop {
            let word = self.source.word()?;
            if word == end {
                return Ok(flags);
            }
            let name = word.trim_matches(['(', ')']);
            if name != "|" {
                let flag = FLAGS.iter().find(|(known, _)| *known == name);
                flags |= flag.ok_or_else(|| self.source.unread("a flag that is not known here"))?.1;
            }
            if end.is_empty() {
                return Ok(flags);
            }
        }
    }

    fn connection(&mut self) -> Result<(), Unread> {
        let way = if self.source.is("original") {
            Some(Way::Original)
        } else if self.source.is("reply") {
            Some(Way::Reply)
        } else {
            None
        };
        match (self.source.word()?, way) {
            ("zone", direction) => {
                self.source.expect("set")?;
                let zone = self.zone()?;
                self.steps.push(Step::Action(Action::Zone { direction, zone }));
                Ok(())
            }
            ("direction", None) => self.asked(Field::Direction),
            ("state", None) => self.state(),
            ("mark", None) if self.source.is("set") => {
                let bits = self.bits("ct")?;
                self.steps.push(Step::Action(Action::ConnectionMark(bits)));
                Ok(())
            }
            ("mark", None) => {
                let mask = self.mask()?;
                self.asked(Field::ConnectionMark(mask))
            }
            _ => Err(self.source.unread("a field that is not known here")),
        }
    }

    /// Any of some states: they are bits.
    fn state(&mut self) -> Result<(), Unread> {
        self.asked(Field::State)?;
        if let Some(Step::Match(Match { values: Values::Ranges(ranges), .. })) = self.steps.last_mut() {
            let states = [State::New, State::Established, State::Related, State::Invalid];
            let states = states.map(|state| state as u128);
            let wanted = |state: &u128| ranges.iter().any(|(from, to)| (from..=to).contains(&state));
            *ranges = states.into_iter().filter(wanted).map(|state| (state, state)).collect();
        }
        Ok(())
    }

    /// `3`, `meta mark & 0xff map @zones`, `oifname map @zones`
    fn zone(&mut self) -> Result<Zone, Unread> {
        let mark = if self.source.is("meta") {
            self.source.expect("mark")?;
            Some(self.mask()?)
        } else if self.source.is("oifname") {
            None
        } else {
            return Ok(Zone::Is(self.zone_number()?));
        };
        self.source.expect("map")?;
        let elements = self.map()?;
        let mut by_mark = BTreeMap::new();
        let mut by_out = BTreeMap::new();
        for element in elements {
            let Some((key, data)) = element.pair() else {
                return Err(self.source.unread("an element of another kind"));
            };
            let zone = data.parse().map_err(|_| self.source.unread("not a zone"))?;
            if mark.is_some() {
                let key = words::number(key).ok_or_else(|| self.source.unread("not a number"))?;
                by_mark.insert(key, zone);
            } else {
                by_out.insert(key.to_owned(), zone);
            }
        }
        Ok(mark.map_or(Zone::ByOut(by_out), |mask| Zone::ByMark(mask, by_mark)))
    }

    fn zone_number(&mut self) -> Result<u16, Unread> {
        let number = self.number()?;
        u16::try_from(number).map_err(|_| self.source.unread("not a zone"))
    }

    /// `dnat ip prefix to 192.168.0.0/24`, `snat ip to 192.168.1.1`, or `to ip daddr map { ... }`
    fn translation(&mut self, destination: bool) -> Result<(), Unread> {
        let v4 = match self.source.word()? {
            "ip" => true,
            "ip6" => false,
            _ => return Err(self.source.unread("a family is missing")),
        };
        let prefix = self.source.is("prefix");
        self.source.expect("to")?;
        self.only(Field::Family, if v4 { 4 } else { 6 });
        let net = |word: &str| {
            let single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
            words::prefix(word).filter(|net| net.addr().is_ipv4() == v4 && (prefix || single(net)))
        };
        let own = match (destination, v4) {
            (true, true) => Field::Destination4,
            (true, false) => Field::Destination6,
            (false, true) => Field::Source4,
            (false, false) => Field::Source6,
        };
        let by = self.source.is(if v4 { "ip" } else { "ip6" });
        let translation = if by {
            self.source.expect(if destination { "daddr" } else { "saddr" })?;
            self.source.expect("map")?;
            let mut to = Vec::new();
            for element in self.map()? {
                let Some((key, data)) = element.pair() else {
                    return Err(self.source.unread("an element of another kind"));
                };
                let (Some(range), Some(net)) = (words::range(own, key), net(data)) else {
                    return Err(self.source.unread("not a prefix of that family"));
                };
                to.push((range, net));
            }
            to.sort_unstable();
            Translation { by: own, to }
        } else {
            let to = net(self.source.word()?);
            let to = to.ok_or_else(|| self.source.unread("not a prefix of that family"))?;
            let last = if v4 { u128::from(u32::MAX) } else { u128::MAX };
            Translation { by: own, to: vec![((0, last), to)] }
        };
        let action = if destination { Action::Destination(translation) } else { Action::Source(translation) };
        self.steps.push(Step::Action(action));
        Ok(())
    }

    /// `limit rate 10/minute burst 5 packets`
    fn limit(&mut self) -> Result<(), Unread> {
        self.source.expect("rate")?;
        let rate = self.source.word()?;
        let (count, unit) = rate.split_once('/').ok_or_else(|| self.source.unread("not a rate"))?;
        let count = count.parse().map_err(|_| self.source.unread("not a rate"))?;
        let seconds = match unit {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            "day" => 86_400,
            _ => return Err(self.source.unread("not a rate")),
        };
        let mut burst = 5;
        if self.source.is("burst") {
            burst = self.number()?;
            self.source.expect("packets")?;
        }
        self.steps.push(Step::Action(Action::Limit { burst, count, seconds }));
        Ok(())
    }
}
