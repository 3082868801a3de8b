//! What a kernel does with the packets of a play.
//!
//! Goes in: a play, and the file of its script. Comes out: where kernel and models do not agree. What must hold: what
//! arrives nowhere and what arrives elsewhere count apart.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use overlapc::lab::run::netns::batch;

use crate::play::{Play, Seen, Sent};
use crate::wires::{GATEWAY, Wires};

/// What came of it.
#[derive(Default)]
pub struct Score {
    /// Packets that left, and that did not, as the models say.
    pub left: usize,
    pub stayed: usize,
    /// The models drop what the kernel lets through.
    pub false_drops: Vec<String>,
    /// The models let through what the kernel drops, or changes otherwise.
    pub false_accepts: Vec<String>,
}

/// Puts a script up and sends packets; its own words where it does not come up.
pub fn played(play: &Play, script: &Path) -> Result<Result<Score, String>, String> {
    let wires = Wires::new(&play.interfaces)?;
    // What a script before has kept was about another gateway.
    drop(fs::remove_dir_all("/run/overlapc"));
    let script = script.to_str().ok_or("a name that is no text")?;
    batch(&["-netns", GATEWAY], &play.before)?;
    let up = wires.gateway(&["sh", script, "up"])?;
    if up.code != 0 {
        return Ok(Err(up.errors));
    }
    batch(&["-netns", GATEWAY], &play.after)?;
    drop(wires.arrived()?);
    let mut tried = Vec::new();
    for sent in &play.sent {
        if wires.send(&sent.numbers.0, sent.numbers.2, &sent.bytes)? {
            tried.push(sent);
        }
    }
    Ok(Ok(judged(&tried, wires.arrived()?)))
}

/// Holds what arrived against what was expected of each packet.
fn judged(sent: &[&Sent], mut arrived: BTreeSet<Seen>) -> Score {
    let mut score = Score::default();
    for one in sent {
        let Some(expected) = &one.arrives else { continue };
        if arrived.remove(expected) {
            score.left += 1;
        } else {
            score.false_accepts.push(format!("{}: {expected:?} does not arrive", one.told));
        }
    }
    arrived.retain(|it| !sent.iter().any(|sent| is_heard(sent, it) || is_answer(sent, it)));
    for one in sent.iter().filter(|one| one.arrives.is_none()) {
        let same = |it: &Seen| is_same(&one.numbers, it);
        match arrived.iter().find(|it| same(it)).cloned() {
            Some(found) => {
                let said = format!("{}: {found:?} arrives, the models say {}", one.told, one.fate);
                score.false_drops.push(said);
                arrived.remove(&found);
            }
            None => score.stayed += 1,
        }
    }
    let strangers = arrived.iter().filter(|it| matches!(it.3, 1 | 6 | 17 | 58 | 253));
    let unknown = strangers.map(|it| format!("{it:?} arrives, of which the models know nothing"));
    score.false_drops.extend(unknown);
    score
}

/// Whether it is that packet, perhaps with other addresses.
fn is_same(sent: &Seen, arrived: &Seen) -> bool {
    let numbers = (sent.3, sent.4, sent.5) == (arrived.3, arrived.4, arrived.5);
    numbers && (sent.3 != 253 || sent.1 == arrived.1 || sent.2 == arrived.2)
}

/// Whoever sends to a group or to all hears it, too.
fn is_heard(sent: &Sent, arrived: &Seen) -> bool {
    for_many(arrived.2) && sent.numbers == *arrived
}

/// The gateway itself answers what is for it, from an address of its own and by whatever device a fault may send
/// that; nobody else does.
fn is_answer(sent: &Sent, arrived: &Seen) -> bool {
    let asked = &sent.numbers;
    let (_, _, destination, protocol, one, other) = arrived;
    let told = ["Local", "Link"].iter().any(|fate| sent.fate.starts_with(fate));
    let back = told && (&asked.1, &asked.3) == (destination, protocol);
    match protocol {
        6 | 17 => back && (asked.5, asked.4) == (*one, *other),
        1 | 58 => back && matches!(one, 0 | 129) && asked.5 == *other,
        _ => false,
    }
}

fn for_many(number: IpAddr) -> bool {
    match number {
        IpAddr::V4(number) => number.is_multicast() || number.is_broadcast(),
        IpAddr::V6(number) => number.is_multicast(),
    }
}
