//! Stand-in.
use crate::model::{Firewall, Isolation, NetworkId, Site};
/// Settings.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Settings {
    pub firewall: Firewall,
    pub isolation: Isolation,
    pub marks: u32,
    pub preferences: (u32, u32),
    pub protocol: u8,
}
/// Field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MarkField {
    pub shift: u8,
    pub width: u8,
}
#[allow(missing_docs)]
impl MarkField {
    pub fn mask(self) -> u32 {
        (((1u64 << self.width) - 1) << self.shift) as u32
    }
    pub fn value(self, id: u16) -> u32 {
        u32::from(id) << self.shift
    }
}
/// Layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MarkLayout {
    pub destination: MarkField,
    pub source: MarkField,
}
/// Checked.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct CheckedSite {
    pub site: Site,
    pub ids: Vec<u16>,
    pub settings: Settings,
    pub marks: MarkLayout,
}
#[allow(missing_docs)]
impl CheckedSite {
    pub fn site(&self) -> &Site {
        &self.site
    }
    pub fn id(&self, id: NetworkId) -> u16 {
        self.ids[id.0]
    }
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    pub fn marks(&self) -> MarkLayout {
        self.marks
    }
}
/// Name.
pub fn vrf_name(name: &str, id: u16) -> String {
    let n = format!("vrf-{name}");
    if n.len() <= 15 { n } else { format!("vrf-{id}") }
}
