//! The devices of this namespace.
//!
//! Goes in: nothing. Comes out: their names and link addresses. What must hold: they are this namespace's;
//! what /sys shows is another's, unless it was mounted in this one.

use std::io;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// A link address.
pub(super) type Station = [u8; 6];

/// A device.
pub(super) struct Link {
    /// Its name.
    pub(super) name: String,
    /// Its link address, if it has one of six bytes.
    pub(super) station: Option<Station>,
}

/// A device in the words of `ip -j link`.
#[derive(Deserialize)]
struct Told {
    ifname: String,
    address: Option<String>,
}

/// All devices.
pub(super) fn links() -> io::Result<Vec<Link>> {
    let output = Command::new("ip").args(["-j", "link", "show"]).stdin(Stdio::null()).output()?;
    let told: Vec<Told> = serde_json::from_slice(&output.stdout)?;
    let link = |it: Told| Link { station: it.address.as_deref().and_then(station), name: it.ifname };
    Ok(told.into_iter().map(link).collect())
}

fn station(text: &str) -> Option<Station> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}
