//! What the command line chooses for the gateway, whatever the site says.
//!
//! Goes in: `--firewall` and `--isolation`. Comes out: [`Overrides`]. What must hold: every command that
//! compiles takes the same words.

use clap::{Args, ValueEnum};

use crate::Overrides;
use crate::model::{Firewall, Isolation};

/// The options of every command that compiles.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Chosen {
    /// Use this rule language, whatever the site says
    #[arg(long, value_name = "NAME", env = "OVERLAPC_FIREWALL", hide_env_values = true, value_enum)]
    firewall: Option<FirewallName>,

    /// Keep routing apart in this way, whatever the site says
    #[arg(long, value_name = "NAME", env = "OVERLAPC_ISOLATION", hide_env_values = true, value_enum)]
    isolation: Option<IsolationName>,
}

/// The values of `--firewall`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FirewallName {
    /// nft
    Nftables,
    /// iptables-restore and ip6tables-restore
    Iptables,
}

/// The values of `--isolation`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum IsolationName {
    /// A VRF device for each network
    Vrf,
    /// Policy rules, for kernels without VRF devices
    Rules,
}

impl Chosen {
    /// What is to hold instead of what the site says.
    pub(super) fn overrides(self) -> Overrides {
        Overrides {
            firewall: self.firewall.map(|name| match name {
                FirewallName::Nftables => Firewall::Nftables,
                FirewallName::Iptables => Firewall::Iptables,
            }),
            isolation: self.isolation.map(|name| match name {
                IsolationName::Vrf => Isolation::Vrf,
                IsolationName::Rules => Isolation::Rules,
            }),
        }
    }
}
