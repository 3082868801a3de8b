//! Rules and tables made ready for being asked often.
//!
//! Goes in: a [`Host`]. Comes out: for packets of a kind, which rule and which route decide about which of
//! them. What must hold: rules in their order, the longest prefix, and of equal ones the lowest metric, as
//! ip-rule(8) and ip-route(8) say.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::program::Devices;
use super::rows::{Asks, Row, Rows};
use super::tables::{Table, flat, place_of, the_route};
pub use super::tables::{number, range_of};
use super::{Known, Range, Region, Set};
use crate::read::routing::{Action, Route, Rule, Way};
use crate::sim::host::Host;

/// How a host routes packets of both families.
#[derive(Debug)]
pub struct Routing {
    families: [Family; 2],
    /// The tables of VRF devices and of those in them, by number.
    vrf: Vec<Option<u32>>,
}

#[derive(Debug)]
struct Family {
    rules: Vec<Rule>,
    /// The rules that lead to another one, which is there, and its preference.
    gotos: Vec<(usize, u32)>,
    /// The places of rules about packets that came in by a device, by its name, and of all others.
    about: BTreeMap<Option<String>, Vec<usize>>,
    /// The places of rules about the device that packets leave by, by its name.
    out: BTreeMap<String, Vec<usize>>,
    /// The rows for packets by a device that no rule names, and for the host's own from a socket that is bound to
    /// none; nothing where a rule is about all devices but one.
    usual: Option<[Rows; 2]>,
    routes: Vec<Route>,
    /// The numbers of the devices that they lead out of, if they do.
    outs: Vec<Option<usize>>,
    /// The tables in the order of their numbers.
    tables: Vec<Table>,
    /// Where each rule leads, by its place.
    leads: Vec<Leads>,
}

/// Where a rule leads.
#[derive(Clone, Copy, Debug)]
enum Leads {
    /// To a table that is there, by its place.
    Table(usize),
    /// To the table of the VRF that packets are in.
    Vrf,
    /// To another rule.
    Rule,
    /// Nowhere: to the next rule.
    On,
}

/// Where packets come from that ask for a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// In by this device.
    Device(usize),
    /// The host itself, from a socket that is bound to a device or not.
    Own(Option<usize>),
    /// A device that no rule names, with the VRF of this one: so the kernel asks for the way back to where a
    /// packet says that it comes from (`__fib_validate_source`).
    Back(usize),
}

/// The rules that are about packets from one place.
#[derive(Debug)]
pub struct Relevant<'r> {
    routing: &'r Routing,
    v4: bool,
    /// The place of the table of the VRF that they are in.
    vrf: Option<usize>,
    /// Rules one by one, and those of one preference that ask for the same bits of the mark together.
    rows: Cow<'r, Rows>,
}

/// What was decided about packets.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'r> {
    /// The rule that led there.
    pub rule: &'r Rule,
    /// The table.
    pub table: u32,
    /// The route.
    pub route: &'r Route,
    /// The number of the device that it leads out of, if it does.
    pub device: Option<usize>,
}

impl Routing {
    /// Makes a host's routing ready.
    ///
    /// # Errors
    ///
    /// A rule asks for what is not known here: what it is.
    pub fn new(host: &Host, devices: &Devices) -> Result<Self, String> {
        let routes = host.all_routes();
        let family = |v4: bool| {
            let rules: Vec<Rule> = host.rules.iter().filter(|rule| rule.v4 == v4).cloned().collect();
            let by_mark = |rule: &&Rule| rule.mark.is_some() || rule.from.is_some() || rule.to.is_some();
            if let Some(rule) = rules.iter().filter(by_mark).find(|rule| rule.not) {
                return Err(format!("a rule at {} for packets that are not so", rule.preference));
            }
            let routes: Vec<Route> =
                routes.iter().filter(|route| route.to.addr().is_ipv4() == v4).cloned().collect();
            let outs = routes.iter().map(|route| match &route.way {
                Way::Out { device, .. } => Some(devices.number(device)),
                _ => None,
            });
            let outs = outs.collect();
            let mut nets: BTreeMap<u32, BTreeMap<IpNet, usize>> = BTreeMap::new();
            for (n, route) in routes.iter().enumerate() {
                let table = nets.entry(route.table).or_default();
                let before = table.entry(route.to.trunc()).or_insert(n);
                if route.metric < routes[*before].metric {
                    *before = n;
                }
            }
            let table = |(number, nets)| Table { number, routes: flat(nets) };
            let tables: Vec<Table> = nets.into_iter().map(table).collect();
            let leads = rules.iter().map(|rule| match rule.action {
                Action::Lookup(number) => place_of(&tables, number).map_or(Leads::On, Leads::Table),
                Action::Vrf => Leads::Vrf,
                Action::Goto(_) => Leads::Rule,
                Action::Nothing => Leads::On,
            });
            let leads = leads.collect();
            let mut about: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
            for (n, rule) in rules.iter().enumerate() {
                let iif = rule.iif.clone().filter(|_| !rule.not);
                about.entry(iif).or_default().push(n);
            }
            let mut out: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (n, rule) in rules.iter().enumerate() {
                if let Some(device) = &rule.oif {
                    out.entry(device.clone()).or_default().push(n);
                }
            }
            let preferences: BTreeSet<u32> = rules.iter().map(|rule| rule.preference).collect();
            let goto = |(n, rule): (usize, &Rule)| match rule.action {
                // One that leads nowhere is none: fib_rules.c, `unresolved`.
                Action::Goto(to) => preferences.contains(&to).then_some((n, to)),
                _ => None,
            };
            let gotos = rules.iter().enumerate().filter_map(goto).collect();
            let mut family = Family { rules, gotos, about, out, usual: None, routes, outs, tables, leads };
            // No device has the name of the host's own.
            let of_one = |rule: &Rule| rule.not && (rule.oif.is_some() || rule.iif.as_deref() != Some("lo"));
            if !family.rules.iter().any(of_one) {
                family.usual = Some(["", "lo"].map(|iif| family.rows(iif, None)));
            }
            Ok(family)
        };
        let vrf = (0..devices.count()).map(|number| host.vrf_table(devices.name(number))).collect();
        Ok(Self { families: [family(true)?, family(false)?], vrf })
    }

    /// The devices that routes of a family lead out of.
    #[must_use]
    pub fn outs(&self, v4: bool) -> BTreeSet<usize> {
        self.family(v4).outs.iter().copied().flatten().collect()
    }

    /// The rules about packets of a family from one place.
    #[must_use]
    pub fn from(&self, from: From, v4: bool, devices: &Devices) -> Relevant<'_> {
        let family = self.family(v4);
        let iif = match from {
            From::Device(number) => devices.name(number),
            From::Own(_) => "lo",
            From::Back(_) => "",
        };
        let bound = match from {
            From::Own(Some(number)) => Some(devices.name(number)),
            _ => None,
        };
        let rows = family.usual_with(iif, bound).unwrap_or_else(|| Cow::Owned(family.rows(iif, bound)));
        let vrf = match from {
            From::Device(number) | From::Own(Some(number)) | From::Back(number) => self.vrf.get(number),
            From::Own(None) => None,
        };
        let vrf = vrf.copied().flatten().and_then(|number| place_of(&family.tables, number));
        Relevant { routing: self, v4, vrf, rows }
    }

    fn family(&self, v4: bool) -> &Family {
        &self.families[usize::from(!v4)]
    }
}

impl Family {
    fn decided<'r>(&'r self, rule: &'r Rule, table: &Table, route: usize) -> Decision<'r> {
        Decision { rule, table: table.number, route: &self.routes[route], device: self.outs[route] }
    }

    /// The usual rows, and between them the rules that name these devices.
    fn usual_with(&self, iif: &str, bound: Option<&str>) -> Option<Cow<'_, Rows>> {
        let [others, own] = self.usual.as_ref()?;
        let (usual, named) = match iif {
            "lo" => (own, None),
            _ => (others, self.about.get(&Some(iif.to_owned()))),
        };
        let out = bound.and_then(|bound| self.out.get(bound));
        if named.is_none() && out.is_none() {
            return Some(Cow::Borrowed(usual));
        }
        let mut rows = usual.rows.clone();
        for &place in named.into_iter().chain(out).flatten() {
            let rule = &self.rules[place];
            let came = rule.iif.as_deref().is_none_or(|name| name == iif);
            let leaves = rule.oif.is_none() || rule.oif.as_deref() == bound;
            let at = rows.partition_point(|row| row.first < place);
            let known = at.checked_sub(1).and_then(|at| rows.get(at));
            if known.is_some_and(|row| row.last > place) || rows.get(at).is_some_and(|row| row.first == place)
            {
                return None;
            }
            if came && leaves {
                rows.insert(at, Row::of(place, rule));
            }
        }
        Some(Cow::Owned(Rows::new(rows, &self.rules, &self.gotos)))
    }

    /// The rules about packets that came in by a device, or are the host's own, and leave by one, if that is known.
    fn rows(&self, iif: &str, bound: Option<&str>) -> Rows {
        let about = [None, Some(iif.to_owned())].map(|iif| self.about.get(&iif));
        let mut places: Vec<usize> = about.into_iter().flatten().flatten().copied().collect();
        places.sort_unstable();
        let about = |place: &usize| {
            let rule = &self.rules[*place];
            let came = rule.iif.as_deref().is_none_or(|name| name == iif);
            let leaves = rule.oif.is_none() || rule.oif.as_deref() == bound;
            (came && leaves) != rule.not
        };
        Rows::of(&self.rules, places.into_iter().filter(about), &self.gotos)
    }
}

impl<'r> Relevant<'r> {
    /// Parts packets by what is decided about them; nothing where no route is found.
    #[must_use]
    pub fn decide(&self, region: &Region) -> Vec<(Region, Option<Decision<'r>>)> {
        let rules = &self.family().rules;
        let mut decided = Vec::new();
        let mut work = vec![(0, region.clone())];
        'regions: while let Some((first, mut region)) = work.pop() {
            let mut at = first;
            while let Some(row) = self.rows.rows.get(at) {
                at += 1;
                let mut place = row.first;
                if let Asks::Marks(by_mark) = &row.asks {
                    let mask = by_mark.mask();
                    match region.mark.masked(mask) {
                        Some(value) => match by_mark.get(value) {
                            Some(found) => place = *found,
                            None => continue,
                        },
                        None => {
                            // Each of them can be, and none.
                            for ((value, _), found) in by_mark.all() {
                                if region.mark.can_be(mask, *value) {
                                    let mut part = region.clone();
                                    part.mark = part.mark.with(mask, *value);
                                    self.act(*found, part, at, &mut work, &mut decided);
                                }
                            }
                            continue;
                        }
                    }
                }
                let rule = &rules[place];
                for (destination, net) in [(false, rule.from), (true, rule.to)] {
                    let Some(net) = net else { continue };
                    let (and, without) = region.by_address(destination, &[range_of(&net)]);
                    work.extend(without.map(|rest| (at, rest)));
                    let Some(and) = and else { continue 'regions };
                    region = and;
                }
                if let Some((value, mask)) = rule.mark {
                    match region.mark.masked(mask) {
                        Some(masked) if masked != value & mask => continue,
                        Some(_) => {}
                        None if !region.mark.can_be(mask, value) => continue,
                        None => {
                            work.push((at, region.clone()));
                            region.mark = region.mark.with(mask, value);
                        }
                    }
                }
                match self.acted(place, region, &mut at, &mut decided) {
                    Some(rest) => region = rest,
                    None => continue 'regions,
                }
            }
            decided.push((region, None));
        }
        decided
    }

    /// The same, asked for all of them at once first.
    #[must_use]
    pub fn decided(&self, region: Region) -> Vec<(Region, Option<Decision<'r>>)> {
        match self.decide_all(region.mark, &region.destination) {
            Some(decision) => vec![(region, decision)],
            None => self.decide(&region),
        }
    }

    /// What is decided about packets, if it is the same for all of them: otherwise nothing.
    #[must_use]
    pub fn decide_all(&self, mark: Known, destination: &Set) -> Option<Option<Decision<'r>>> {
        let family = self.family();
        let mut at = 0;
        while let Some(row) = self.rows.rows.get(at) {
            at += 1;
            let place = match &row.asks {
                Asks::Nothing => row.first,
                Asks::Marks(by_mark) => match by_mark.get(mark.masked(by_mark.mask())?) {
                    Some(found) => *found,
                    None => continue,
                },
                Asks::Mark(mask, value) if mark.masked(*mask)? == *value => row.first,
                Asks::Mark(..) => continue,
                Asks::More => return None,
            };
            let Some(table) = self.leads(place, &mut at) else { continue };
            if let Some(route) = the_route(&table.routes, destination.ranges())? {
                return Some(Some(family.decided(&family.rules[place], table, route)));
            }
        }
        Some(None)
    }

    fn act(
        &self,
        place: usize,
        region: Region,
        mut at: usize,
        work: &mut Vec<(usize, Region)>,
        decided: &mut Vec<(Region, Option<Decision<'r>>)>,
    ) {
        let rest = self.acted(place, region, &mut at, decided);
        work.extend(rest.map(|rest| (at, rest)));
    }

    /// Does what a rule says; what goes on at another rule comes back.
    fn acted(
        &self,
        place: usize,
        region: Region,
        at: &mut usize,
        decided: &mut Vec<(Region, Option<Decision<'r>>)>,
    ) -> Option<Region> {
        match self.leads(place, at) {
            Some(table) => self.look_up(&self.family().rules[place], table, region, decided),
            None => Some(region),
        }
    }

    /// The table that a rule leads to; if it leads to another rule, that is the next one.
    fn leads(&self, place: usize, at: &mut usize) -> Option<&'r Table> {
        let family = self.family();
        match family.leads[place] {
            Leads::Table(table) => family.tables.get(table),
            Leads::Vrf => self.vrf.and_then(|table| family.tables.get(table)),
            Leads::Rule => {
                let later = self.rows.later.get(place).copied().unwrap_or(0);
                *at = (later as usize).max(*at);
                None
            }
            Leads::On => None,
        }
    }

    /// Adds what a table knows a route for; what it knows none for comes back.
    fn look_up(
        &self,
        rule: &'r Rule,
        table: &Table,
        region: Region,
        decided: &mut Vec<(Region, Option<Decision<'r>>)>,
    ) -> Option<Region> {
        let family = self.family();
        let routes = &table.routes;
        if let (Some(first), Some(last)) = (region.destination.first(), region.destination.ranges().last()) {
            let at = routes.partition_point(|(known, _)| known.1 < first);
            if let Some((known, route)) = routes.get(at)
                && known.0 <= first
                && last.1 <= known.1
            {
                decided.push((region, Some(family.decided(rule, table, *route))));
                return None;
            }
        }
        let mut by_route: BTreeMap<usize, Vec<Range>> = BTreeMap::new();
        for &range in region.destination.ranges() {
            let at = routes.partition_point(|(known, _)| known.1 < range.0);
            for (known, route) in routes[at..].iter().take_while(|(known, _)| known.0 <= range.1) {
                by_route.entry(*route).or_default().push(*known);
            }
        }
        let mut rest = Some(region);
        for (route, ranges) in by_route {
            let Some(region) = rest.take() else { break };
            let (and, without) = region.by_address(true, Set::of(ranges).ranges());
            let decision = family.decided(rule, table, route);
            decided.extend(and.map(|region| (region, Some(decision))));
            rest = without;
        }
        rest
    }

    fn family(&self) -> &'r Family {
        self.routing.family(self.v4)
    }

    /// The sources that the kernel takes for impossible on packets that came in: its own addresses and those of
    /// all hosts of a link (`__fib_validate_source`). It does not look where `accept_local` is set and
    /// `rp_filter` is not.
    #[must_use]
    pub fn impossible(&self) -> Vec<Range> {
        let asked = Region { mark: Known::ZERO, ..Region::all(self.v4) };
        let mut ranges = Vec::new();
        for (region, decision) in self.decide(&asked) {
            let way = decision.map(|decision| &decision.route.way);
            if matches!(way, Some(Way::Local | Way::Broadcast | Way::Multicast)) {
                ranges.extend(region.destination.ranges());
            }
        }
        Set::of(ranges).ranges().to_vec()
    }
}
