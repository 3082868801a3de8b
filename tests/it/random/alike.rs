//! Changes to a site that must change nothing of what happens: other names, another order, one more network that
//! is connected to nothing.
//!
//! Goes in: a draft and the seed of its packets. Comes out: the packets with which something else happens. What
//! must hold: interfaces keep their names, so that fates can be compared.

use overlapc::model::Site;
use overlapc::net::Family;
use overlapc::sim::conntrack::Connections;
use overlapc::sim::fate::Fate;
use overlapc::sim::packet::Packet;
use overlapc::sim::routes::Gateway;

use super::forms;
use super::packets::Numbers;
use super::promised::Promises;
use super::sites::Draft;

/// How many packets are sent, each with its answer.
const PACKETS: u64 = 60;

/// Nobody else has its numbers.
const UNRELATED: &str =
    "network unrelated {\n    interface else0\n    address 10.250.0.1/24\n    prefix 10.250.0.0/24\n}\n";

/// What happens in a site to packets that come in by an interface, and to the answers.
fn fates(text: &str, what: usize, packets: &[(String, Packet)]) -> Result<Vec<String>, String> {
    let form = forms::compiled(text, forms::FORMS[what]).map_err(|codes| format!("refused: {codes:?}"))?;
    let host = forms::host(&form, form.site.site())?;
    let gateway = Gateway::new(&host);
    let mut fates = Vec::new();
    for (device, packet) in packets {
        let mut known = Connections::default();
        let asked = gateway.receive(&mut known, device, packet.clone(), 0)?;
        let Fate::Left { device: by, .. } = &asked.fate else {
            // A number can mean all of one link and the gateway on another one: it takes both.
            let taken = matches!(asked.fate, Fate::Local | Fate::Link);
            let stays = if taken { "is taken" } else { "stays" };
            fates.push(format!("{device} {packet}: {stays}"));
            continue;
        };
        let Some(answer) = asked.packet.answer() else { continue };
        let answered = gateway.receive(&mut known, by, answer, 0)?;
        let back = match &answered.fate {
            Fate::Left { device, .. } => format!("{device} {}", answered.packet),
            _ => "none".to_owned(),
        };
        fates.push(format!("{device} {packet}: {by} {}, answer {back}", asked.packet));
    }
    Ok(fates)
}

/// The packets of a site, with the interfaces that they come in by.
fn packets(site: &Site, seed: u64) -> Vec<(String, Packet)> {
    let own = site.networks.iter().map(forms::own).collect();
    let promises = Promises { site, own };
    let of = |family| {
        let numbers = Numbers::new(&promises, family);
        (0..PACKETS).map(move |n| {
            let (from, packet) = numbers.packet(&mut super::dice(seed.wrapping_mul(1000).wrapping_add(n)));
            (site.networks[from].interface.value.clone(), packet)
        })
    };
    of(Family::V4).chain(of(Family::V6)).collect()
}

/// What happens otherwise in one of the sites that should be alike; nothing of a site that is not valid.
pub fn differences(draft: &Draft, seed: u64) -> Option<Vec<String>> {
    let what = usize::try_from(seed % 4).unwrap();
    let text = draft.plain();
    let form = forms::compiled(&text, forms::FORMS[what]).ok()?;
    let packets = packets(form.site.site(), seed);
    let before = fates(&text, what, &packets).unwrap();
    let count = draft.networks.len();
    let order: Vec<usize> = (0..count).collect();
    let turned: Vec<usize> = (0..count).rev().collect();
    let name = |n: usize| draft.networks[n].name.clone();
    let others = [
        (
            "other names",
            draft.text(&order, |n| format!("{}-renamed-network", ["z", "7", "b"][n % 3].repeat(n + 1))),
        ),
        // They are alike up to their last characters, where what is made of them would be cut off.
        ("longest names", draft.text(&order, |n| format!("{}{n:02}", "long-".repeat(13).split_at(61).0))),
        ("another order", draft.text(&turned, name)),
        ("one more network behind", format!("{text}{UNRELATED}")),
        ("one more network before", format!("{UNRELATED}{text}")),
    ];
    let mut wrong = Vec::new();
    for (change, text) in others {
        match fates(&text, what, &packets) {
            Ok(after) => wrong.extend(super::apart(&before, &after).map(|it| format!("{change}: {it}"))),
            Err(why) => wrong.push(format!("{change}: {why}")),
        }
    }
    Some(wrong)
}
