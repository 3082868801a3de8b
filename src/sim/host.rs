//! A host: its devices, addresses, routes, rules, settings and packet filters.
//!
//! Goes in: one [`Change`] after another. Comes out: the state that packets meet. What must hold: what the
//! kernel adds by itself is there as well, as the routes of an address (`fib_add_ifaddr`) and the rule of
//! VRF devices, and what it removes by itself is gone.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv6Net};

use crate::read::artifacts::Artifacts;
use crate::read::filter::Filter;
use crate::read::routing::{Action, Address, Change, Route, Rule, Way};

/// The routing table `local`: ip-route(8).
pub const LOCAL: u32 = 255;
/// The routing table `main`.
pub const MAIN: u32 = 254;
/// The routing table `default`.
pub const DEFAULT: u32 = 253;

/// A host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Its devices by name; `lo` is not among them.
    pub links: BTreeMap<String, Link>,
    /// Its addresses, in the order in which it got them.
    pub addresses: Vec<Address>,
    /// The routes that were made, without those that follow from addresses.
    pub routes: Vec<Route>,
    /// Its rules, lower preferences first, of one preference in the order in which they were made.
    pub rules: Vec<Rule>,
    /// Kernel settings below `/proc/sys/net`, as `ipv4/conf/lan0/forwarding`.
    pub settings: BTreeMap<String, i64>,
    /// What it filters and translates by: all of them see each packet of their families.
    pub filters: Vec<Arc<Filter>>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// The table of its members, where it is a VRF device.
    pub table: Option<u32>,
    /// The VRF device that it is in.
    pub master: Option<String>,
}

impl Host {
    /// A host with some devices, which are up, and nothing more than a kernel has by itself.
    #[must_use]
    pub fn new<'d>(devices: impl IntoIterator<Item = &'d str>) -> Self {
        let link = |device: &str| (device.to_owned(), Link { up: true, ..Link::default() });
        let links = devices.into_iter().map(link).collect();
        let tables = [(0, LOCAL), (32766, MAIN), (32767, DEFAULT)];
        let rule = |(preference, table)| plain(true, preference, Action::Lookup(table));
        let mut rules: Vec<Rule> = tables.into_iter().map(rule).collect();
        rules.extend(tables[..2].iter().map(|&(pref, table)| plain(false, pref, Action::Lookup(table))));
        rules.sort_by_key(|rule| rule.preference);
        Self { links, rules, ..Self::default() }
    }

    /// A host that was told what the files of a site say. Devices that are not made by them are there. Where
    /// no file says the kernel settings they are as they should be.
    ///
    /// # Errors
    ///
    /// The kernel would refuse a command: its place among them, and what it would say.
    pub fn of(artifacts: &Artifacts) -> Result<Self, (usize, String)> {
        let changes = || artifacts.commands.iter().map(|command| &command.value.change);
        let made =
            |device: &str| changes().any(|it| matches!(it, Change::AddVrf { name, .. } if name == device));
        let used = changes().filter_map(|change| match change {
            Change::SetUp { device, .. } | Change::SetMaster { device, .. } => Some(device.as_str()),
            _ => None,
        });
        let mut host = Self::new(used.filter(|device| !made(device)));
        for (place, change) in changes().enumerate() {
            host.apply(change).map_err(|why| (place, why))?;
        }
        host.settings = artifacts.settings.clone().unwrap_or_else(|| host.usual_settings());
        host.filters = artifacts.filters.iter().map(|filter| filter.value.clone()).collect();
        Ok(host)
    }

    fn usual_settings(&self) -> BTreeMap<String, i64> {
        let of_host = ["ipv6/conf/all/forwarding", "ipv4/fwmark_reflect", "ipv6/fwmark_reflect"];
        let of_host = of_host.into_iter().chain(["ipv4/tcp_fwmark_accept", "ipv4/tcp_l3mdev_accept"]);
        let of_links = self.links.keys().flat_map(|device| {
            ["forwarding", "accept_local"].map(|name| format!("ipv4/conf/{device}/{name}"))
        });
        of_host.map(str::to_owned).chain(of_links).map(|path| (path, 1)).collect()
    }

    /// Does what a command says.
    ///
    /// # Errors
    ///
    /// The kernel would not do it, as where the device is not there: what it would say.
    pub fn apply(&mut self, change: &Change) -> Result<(), String> {
        match change {
            Change::AddVrf { name, table } => {
                if self.links.contains_key(name) {
                    return Err(format!("there is a device {name} already"));
                }
                let link = Link { up: false, table: Some(*table), master: None };
                self.links.insert(name.clone(), link);
                self.add_vrf_rules();
            }
            Change::SetUp { device, up } => {
                self.link(device)?.up = *up;
                if !up {
                    self.forget_routes_of(device);
                }
            }
            Change::SetMaster { device, master } => {
                if let Some(name) = master
                    && self.link(name)?.table.is_none()
                {
                    return Err(format!("{name} is not a VRF device"));
                }
                self.link(device)?.master.clone_from(master);
                // The device goes down and up: ip-vrf.rst, 4.
                self.forget_routes_of(device);
            }
            Change::DeleteLink(name) => {
                self.links.remove(name).ok_or_else(|| absent(name))?;
                self.links.values_mut().filter(|it| it.master.as_ref() == Some(name)).for_each(|it| {
                    it.master = None;
                });
                self.addresses.retain(|address| address.device != *name);
                self.forget_routes_of(name);
            }
            Change::AddAddress(address) => {
                self.link(&address.device)?;
                let same = |it: &Address| it.net == address.net && it.device == address.device;
                if self.addresses.iter().any(same) {
                    return Err(format!("{} has {} already", address.device, address.net));
                }
                self.addresses.push(address.clone());
            }
            Change::DeleteAddress(address) => {
                let same = |it: &Address| it.net == address.net && it.device == address.device;
                let place = self.addresses.iter().position(same);
                self.addresses.remove(place.ok_or("there is no such address")?);
            }
            Change::DeleteRoute(route) => {
                let place = self.routes.iter().position(|it| it == route);
                self.routes.remove(place.ok_or("there is no such route")?);
            }
            Change::AddRoute(route) => {
                if let Way::Out { device, .. } = &route.way
                    && !self.link(device)?.up
                {
                    return Err(format!("{device} is down"));
                }
                let same = |it: &Route| (it.to, it.table, it.metric) == (route.to, route.table, route.metric);
                if self.routes.iter().any(same) {
                    return Err(format!("there is a route to {} in table {} already", route.to, route.table));
                }
                if let Way::Out { device, via: Some(via), onlink: false } = &route.way
                    && !self.is_on_link(*via, device, route.table)
                {
                    return Err(format!("{via} is on no link of {device}"));
                }
                self.routes.push(route.clone());
            }
            Change::AddRule(rule) => {
                if self.rules.contains(rule) {
                    return Err(format!("there is such a rule at {} already", rule.preference));
                }
                let place = self.rules.partition_point(|it| it.preference <= rule.preference);
                self.rules.insert(place, rule.clone());
            }
            Change::DeleteRule(rule) => {
                let same = |it: &Rule| {
                    let protocol = if rule.protocol == 0 { 0 } else { it.protocol };
                    Rule { protocol, ..it.clone() } == *rule
                };
                let place = self.rules.iter().position(same);
                self.rules.remove(place.ok_or("there is no such rule")?);
            }
        }
        Ok(())
    }

    /// All routes that there are now, those of addresses as well; not those of devices that are down.
    #[must_use]
    pub fn all_routes(&self) -> Vec<Route> {
        let up = |device: &String| self.links.get(device).is_some_and(|link| link.up);
        let made = self.routes.iter().filter(|route| match &route.way {
            Way::Out { device, .. } => up(device),
            _ => true,
        });
        let mut routes: Vec<Route> = made.cloned().collect();
        for address in self.addresses.iter().filter(|address| up(&address.device)) {
            self.routes_of(address, &mut routes);
        }
        // Link-local numbers are on every link: RFC 4291, 2.8.
        for (name, link) in self.links.iter().filter(|(_, link)| link.up && link.table.is_none()) {
            let way = Way::Out { device: name.clone(), via: None, onlink: false };
            routes.push(kernel(IpNet::V6(LINK_LOCAL), way, link.master_table(self).unwrap_or(MAIN), 256));
        }
        routes
    }

    /// The table that packets of a device are routed by, if it is a VRF device or in one.
    #[must_use]
    pub fn vrf_table(&self, device: &str) -> Option<u32> {
        let link = self.links.get(device)?;
        link.table.or_else(|| link.master_table(self))
    }

    /// A kernel setting; 0 where nothing was said.
    #[must_use]
    pub fn setting(&self, path: &str) -> i64 {
        self.settings.get(path).copied().unwrap_or(0)
    }

    /// Whether a router is on the link of a device by the table of a route: `fib_check_nh_v4_gw`,
    /// `ip6_route_check_nh_onlink`. The kernel would look in all tables after that; these are not asked.
    fn is_on_link(&self, via: IpAddr, device: &str, table: u32) -> bool {
        let of_table = self.all_routes().into_iter().filter(|it| it.table == table && it.to.contains(&via));
        let longest = of_table.max_by_key(|it| it.to.prefix_len());
        let to_device = |way: &Way| matches!(way, Way::Out { device: out, via: None, .. } if out == device);
        longest.is_some_and(|route| to_device(&route.way))
    }

    fn link(&mut self, name: &str) -> Result<&mut Link, String> {
        self.links.get_mut(name).ok_or_else(|| absent(name))
    }

    fn forget_routes_of(&mut self, name: &str) {
        self.routes.retain(|route| !matches!(&route.way, Way::Out { device, .. } if device == name));
    }

    /// The first VRF device brings the rule that finds their tables, in both families (vrf.rst, 3).
    fn add_vrf_rules(&mut self) {
        for v4 in [true, false] {
            if !self.rules.iter().any(|rule| rule.v4 == v4 && rule.action == Action::Vrf) {
                let place = self.rules.partition_point(|it| it.preference <= 1000);
                self.rules.insert(place, plain(v4, 1000, Action::Vrf));
            }
        }
    }

    /// What `fib_add_ifaddr` and `addrconf` make of an address.
    fn routes_of(&self, address: &Address, routes: &mut Vec<Route>) {
        let vrf = self.links.get(&address.device).and_then(|link| link.master_table(self));
        let [local, main] = vrf.map_or([LOCAL, MAIN], |table| [table; 2]);
        routes.push(kernel(IpNet::from(address.net.addr()), Way::Local, local, 0));
        let net = address.net.trunc();
        if address.makes_route && net.prefix_len() < net.max_prefix_len() {
            let way = Way::Out { device: address.device.clone(), via: None, onlink: false };
            let metric = if net.addr().is_ipv4() { 0 } else { 256 };
            routes.push(kernel(net, way, main, metric));
        }
        match net {
            IpNet::V4(net) if net.prefix_len() < 31 => {
                routes.push(kernel(IpNet::from(IpAddr::V4(net.broadcast())), Way::Broadcast, local, 0));
            }
            // The routers' anycast address, as this host is one: RFC 4291, 2.6.1.
            IpNet::V6(net) if net.prefix_len() < 127 => {
                routes.push(kernel(IpNet::from(IpAddr::V6(net.network())), Way::Local, local, 0));
            }
            _ => {}
        }
    }
}

impl Link {
    fn master_table(&self, host: &Host) -> Option<u32> {
        self.master.as_ref().and_then(|master| host.links.get(master)?.table)
    }
}

const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 64);

/// Numbers that no packet may have as its source on a wire, or that no router passes on: RFC 1122, 3.2.1.3,
/// RFC 4291, 2.5 to 2.7.
#[must_use]
pub fn never_forwarded(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.octets()[0] == 0
                || address.is_loopback()
                || address.is_multicast()
                || address == Ipv4Addr::BROADCAST
        }
        IpAddr::V6(address) => {
            address.is_unspecified()
                || address.is_loopback()
                || address.is_multicast()
                || address.is_unicast_link_local()
        }
    }
}

/// One that the kernel has by itself: RTPROT_KERNEL of rtnetlink(7).
fn plain(v4: bool, preference: u32, action: Action) -> Rule {
    Rule::for_all(v4, preference, action, 2)
}

fn kernel(to: IpNet, way: Way, table: u32, metric: u32) -> Route {
    Route { to, way, table, metric, protocol: 2 }
}

fn absent(name: &str) -> String {
    format!("there is no device {name}")
}
