//! A site in its four forms, each compiled and read back: with either firewall, with and without VRF devices.
//!
//! Goes in: the text of a site. Comes out: hosts that do what its scripts say. What must hold: where the site
//! leaves the gateway's addresses to the host, it has the first one of each prefix on the link, or a route.

use std::collections::BTreeMap;

use ipnet::IpNet;
use overlapc::check::CheckedSite;
use overlapc::emit::{Request, Target};
use overlapc::model::{Firewall, Isolation, Network, Site};
use overlapc::net;
use overlapc::read::artifacts;
use overlapc::read::routing::{Address, Change};
use overlapc::sim::host::Host;
use overlapc::source::SourceMap;
use overlapc::verify::around;
use overlapc::{Overrides, front, syntax};

/// The four forms.
pub const FORMS: [(Firewall, Isolation); 4] = [
    (Firewall::Nftables, Isolation::Vrf),
    (Firewall::Iptables, Isolation::Vrf),
    (Firewall::Nftables, Isolation::Rules),
    (Firewall::Iptables, Isolation::Rules),
];

/// No site includes another.
struct NoFiles;

impl syntax::Loader for NoFiles {
    fn load(&self, name: &str) -> Result<String, String> {
        Err(format!("no {name}"))
    }
}

/// A site in one form.
pub struct Form {
    pub site: CheckedSite,
    pub files: BTreeMap<String, String>,
}

/// A site in a form, unless it is refused: then the codes of why.
pub fn compiled(text: &str, (firewall, isolation): (Firewall, Isolation)) -> Result<Form, Vec<String>> {
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", text.to_owned());
    let overrides = Overrides { firewall: Some(firewall), isolation: Some(isolation) };
    let outcome = front(sources, root, &NoFiles, overrides);
    let Some(site) = outcome.value else {
        return Err(outcome
            .findings
            .iter()
            .map(|it| format!("{}: {}", it.code.as_str(), it.title))
            .collect());
    };
    let made = overlapc::artifacts(&site, &outcome.sources, &[Request::Whole(Target::Sh)]);
    let files = made.into_iter().map(|it| (it.name, it.text.to_string())).collect();
    Ok(Form { site, files })
}

/// The gateway's addresses in a network, which are the host's own affair where none is declared.
pub fn own(network: &Network) -> Vec<IpNet> {
    let mut own: Vec<IpNet> = network.addresses.iter().map(|it| it.value).collect();
    let declared = own.clone();
    for prefix in &network.prefixes {
        let real = prefix.real.value;
        let others = network.prefixes.iter().map(|it| it.real.value);
        let routes = network.routes.iter().map(|it| it.prefix.value);
        let inside = others.chain(routes).any(|it| it.contains(&real) && it.prefix_len() < real.prefix_len());
        let routed = network.routes.iter().any(|it| it.prefix.value.contains(&real));
        if declared.iter().any(|it| net::family(it) == net::family(&real)) || inside || routed {
            continue;
        }
        let first = net::from_bits(net::family(&real), net::bits(real.network()) + 1);
        // One of a router cannot be the gateway's own, and on the smallest links it has another one.
        if real.prefix_len() + 3 <= real.max_prefix_len()
            && !network.routes.iter().any(|it| it.via.value == first)
        {
            own.push(IpNet::new(first, real.prefix_len()).unwrap());
        }
    }
    own
}

/// A host that does what the script of a form says.
pub fn host(form: &Form, site: &Site) -> Result<Host, String> {
    let artifacts = artifacts::read(&form.files).map_err(|(file, it)| format!("{file}: {it:?}"))?;
    let mut host = Host::of(&artifacts).map_err(|(place, why)| format!("{place}: {why}"))?;
    around::own_elsewhere(&mut host, site)?;
    for network in &site.networks {
        for net in own(network).into_iter().filter(|net| !network.addresses.iter().any(|it| it.value == *net))
        {
            let address = Address { net, device: network.interface.value.clone(), makes_route: true };
            host.apply(&Change::AddAddress(address))?;
        }
    }
    around::on_their_links(&mut host, site);
    Ok(host)
}
