//! What the gateway block says about the rules, with defaults filled in.
//!
//! Goes in: the site. Comes out: [`Settings`], usable even where a finding was made, so that other
//! checks can go on. What must hold: every number is one the kernel takes and nobody else uses.

use super::errors::numbers::{MarkOutOfRange, PreferenceOutOfRange, ProtocolOutOfRange, TooFewPreferences};
use crate::diag::Reporter;
use crate::model::{Firewall, Isolation, Site};

/// Where the l3mdev rule stands unless somebody moves it, ip-rule(8).
const L3MDEV_PREFERENCE: u64 = 1000;

/// Preferences a site may need: the levels of the rule tree and the rules before and after it.
const PREFERENCES_NEEDED: u64 = 16;

/// How the site is realised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The rule language of the packet filter.
    pub firewall: Firewall,
    /// How routing is kept apart.
    pub isolation: Isolation,
    /// The packet mark bits the site may use; never 0.
    pub marks: u32,
    /// First and last preference of `ip rule`, both included: 1 to 999.
    pub preferences: (u32, u32),
    /// The routing protocol number of the site's rules and routes: 5 to 255.
    pub protocol: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            firewall: Firewall::default(),
            isolation: Isolation::default(),
            marks: u32::MAX,
            preferences: (100, 999),
            protocol: 77,
        }
    }
}

/// The settings of the site.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) -> Settings {
    let gateway = &site.gateway;
    let mut settings = Settings::default();
    if let Some(firewall) = gateway.firewall {
        settings.firewall = firewall.value;
    }
    if let Some(isolation) = gateway.isolation {
        settings.isolation = isolation.value;
    }
    if let Some(marks) = gateway.marks {
        match u32::try_from(marks.value) {
            Ok(mask) if mask != 0 => settings.marks = mask,
            _ => reporter.report(MarkOutOfRange { mask: marks.value, span: marks.span }, None),
        }
    }
    if let Some(preferences) = gateway.preferences {
        let (range, span) = (preferences.value, preferences.span);
        match (u32::try_from(range.0), u32::try_from(range.1)) {
            (Ok(first), Ok(last)) if 1 <= first && first <= last && range.1 < L3MDEV_PREFERENCE => {
                settings.preferences = (first, last);
                if range.1 - range.0 + 1 < PREFERENCES_NEEDED {
                    reporter.report(TooFewPreferences { range, span, needed: PREFERENCES_NEEDED }, None);
                }
            }
            _ => reporter.report(PreferenceOutOfRange { range, span }, None),
        }
    }
    if let Some(protocol) = gateway.protocol {
        let owner = protocol_owner(protocol.value);
        match u8::try_from(protocol.value) {
            Ok(number) if owner.is_none() => settings.protocol = number,
            _ => reporter
                .report(ProtocolOutOfRange { protocol: protocol.value, owner, span: protocol.span }, None),
        }
    }
    settings
}

/// Who uses a routing protocol number: the kernel's rtnetlink.h and the daemons that have one there.
fn protocol_owner(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        18 => "keepalived",
        42 => "babel",
        99 => "openr",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => return None,
    })
}
