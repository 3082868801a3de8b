//! From a resolved site to one that is proven sound.
//!
//! Goes in: [`Site`], whose names and values are resolved. Comes out: findings, and a
//! [`CheckedSite`] if none of them is an error: no address, id, mark or interface name of it
//! contradicts another one or a limit of the kernel.

use std::collections::{BTreeMap, HashMap};

use crate::diag::{Diagnostics, Reporter};
use crate::model::{NetworkId, Site};
use aliases::Search;
use audience::Audience;
use free::FreeSpace;
use peers::Peers;
use prefixes::Sound;
use zones::Zones;

pub use marks::{MarkField, MarkLayout};
pub use settings::Settings;

mod addresses;
mod aliases;
mod audience;
mod claims;
mod errors;
mod free;
mod ids;
mod interfaces;
mod marks;
mod masquerade;
mod nesting;
mod overlaps;
mod peers;
mod prefixes;
mod routes;
mod rules;
mod series;
mod settings;
mod sizes;
mod viewers;
mod zones;

/// A site that [`check`] found no error in. Nothing else can make one.
#[derive(Clone, Debug)]
pub struct CheckedSite {
    site: Site,
    ids: Vec<u16>,
    settings: Settings,
    marks: MarkLayout,
    apart: Vec<Vec<NetworkId>>,
    zones: Zones,
}

impl CheckedSite {
    /// The site as it was resolved.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// A network's number, 1 to 65535: explicit, or the smallest one that was free. Its routing
    /// table has it as its number; no two networks share one, and none is 253, 254 or 255, the
    /// kernel's own tables.
    #[must_use]
    pub fn id(&self, network: NetworkId) -> u16 {
        self.ids[network.0]
    }

    /// The conntrack zone of two networks' connections with each other, 1 to 65535: their ids, xor'ed,
    /// or another number where an alias means different networks to different viewers and another
    /// pair would have the same zone and keys. Means nothing for two that share an alias, nor for one
    /// that is masqueraded.
    #[must_use]
    pub fn zone(&self, a: NetworkId, b: NetworkId) -> u16 {
        self.zones.moved.get(&(a.min(b), a.max(b))).copied().unwrap_or(self.id(a) ^ self.id(b))
    }

    /// The conntrack zone of the gateway's own traffic with a network, and of what masqueraded hosts answer: no
    /// pair's.
    #[must_use]
    pub fn own_zone(&self, network: NetworkId) -> u16 {
        self.zones.own[network.0]
    }

    /// The conntrack zone of what comes from a network for nobody: no pair's; that of the gateway's own traffic, or
    /// another one where its hosts are masqueraded.
    #[must_use]
    pub fn stray_zone(&self, network: NetworkId) -> u16 {
        self.zones.stray[network.0]
    }

    /// The pairs of networks whose zone is another number than their ids give.
    #[must_use]
    pub fn moved_zones(&self) -> &BTreeMap<(NetworkId, NetworkId), u16> {
        &self.zones.moved
    }

    /// What the gateway block says, with the defaults filled in.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The networks that open connections to a masqueraded one and share real addresses with others
    /// that do: theirs have the zone of that network for replies alone.
    #[must_use]
    pub fn apart(&self, network: NetworkId) -> &[NetworkId] {
        &self.apart[network.0]
    }

    /// The bits of the packet mark that carry network ids.
    #[must_use]
    pub fn marks(&self) -> MarkLayout {
        self.marks
    }
}

/// Looks for everything that would make the site fail on a real gateway. `None` where this or an
/// earlier stage found an error.
pub fn check(mut site: Site, findings: &mut Diagnostics) -> Option<CheckedSite> {
    let mut reporter = Reporter::new(findings).with_origins(std::mem::take(&mut site.origins));
    let settings = settings::check(&site, &mut reporter);
    let (ids, in_range) = ids::check(&site, &mut reporter);
    let marks = in_range.then(|| marks::check(&site, &settings, &ids, &mut reporter)).flatten();
    let Sound { mappings, complete } = prefixes::check(&site, &mut reporter);
    let mappings = nesting::check(&site, mappings, &mut reporter);
    let peers = Peers::new(&site);
    let audience = Audience::new(&site, &peers);
    let mut search = Search {
        site: &site,
        peers: &peers,
        audience: &audience,
        free: FreeSpace::new(&site),
        shares: HashMap::new(),
        reporter: &mut reporter,
    };
    search.audience();
    let mappings = search.known(mappings);
    let misplaced = addresses::check(&site, &complete, search.reporter);
    search.viewers(&mappings, &misplaced);
    routes::check(&site, settings.isolation, &misplaced, &mut reporter);
    let apart = masquerade::check(&site, (&peers, &audience), &mappings, &mut reporter);
    sizes::check(&site, &mut reporter);
    interfaces::check(&site, &settings, &ids, &mut reporter);
    rules::check(&site, &mut reporter);
    if reporter.has_errors() {
        return None;
    }
    let zones = zones::check(&site, (&peers, &audience), (&ids, &apart), &mappings, &mut reporter);
    if reporter.has_errors() {
        return None;
    }
    Some(CheckedSite { ids, settings, marks: marks?, zones, apart, site })
}
