//! Random sites: what is compiled is proved, both ways to follow packets say the same of it, and what it does
//! is what the site says, in all four forms of the gateway.
//!
//! `RANDOM=N` takes N sites, `SEED` is the first one's seed; every failure names its own, and `RANDOM=1` shows the
//! site.

mod agreed;
mod alike;
mod forms;
mod known;
mod packets;
mod promised;
mod sites;
mod trial;

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::dice::Dice;

/// So many sites are drawn where nothing is said.
const SITES: u64 = 200;

/// The generator of a seed.
fn dice(seed: u64) -> Dice {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d);
    (0..4).for_each(|_| {
        dice.below(2);
    });
    dice
}

/// A number that the environment says.
fn said(name: &str, usual: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Where a form did with a packet what another one did not.
fn apart(one: &[String], other: &[String]) -> Option<String> {
    let differing = one.iter().zip(other).find(|(one, other)| one != other);
    differing.map(|(one, other)| format!("`{one}` here, `{other}` there"))
}

/// What was seen of all sites.
#[derive(Default)]
struct Seen {
    valid: u64,
    delivered: usize,
    sent: usize,
    wrong: Vec<String>,
    refused: BTreeMap<String, usize>,
}

/// Does something with each of some sites, several at a time.
fn each(count: u64, one: impl Fn(u64, &mut Seen) + Sync) -> Seen {
    let seen = Mutex::new(Seen::default());
    let first = said("SEED", 1);
    let next = AtomicU64::new(first);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let mut own = Seen::default();
                    one(seed, &mut own);
                    let mut seen = seen.lock().unwrap();
                    seen.valid += own.valid;
                    seen.delivered += own.delivered;
                    seen.sent += own.sent;
                    seen.wrong.extend(own.wrong.into_iter().map(|it| format!("SEED={seed} {it}")));
                    own.refused.into_iter().for_each(|(code, n)| *seen.refused.entry(code).or_insert(0) += n);
                }
            });
        }
    });
    seen.into_inner().unwrap()
}

/// One site in all forms.
fn one(seed: u64, seen: &mut Seen) {
    let text = sites::draw(&mut dice(seed)).plain();
    if said("RANDOM", 0) == 1 {
        println!("{text}");
    }
    let mut fates: Option<Vec<String>> = None;
    for what in forms::FORMS {
        let form = match forms::compiled(&text, what) {
            Ok(form) => form,
            Err(codes) => {
                codes.iter().for_each(|it| *seen.refused.entry(it[..7].to_owned()).or_insert(0) += 1);
                break;
            }
        };
        let came = trial::of(&form, seed);
        seen.valid += u64::from(fates.is_none());
        seen.delivered += came.delivered;
        seen.sent += came.fates.len();
        seen.wrong.extend(came.wrong.into_iter().take(5).map(|it| format!("{what:?}: {it}")));
        let differs = fates.as_ref().and_then(|fates| apart(fates, &came.fates));
        seen.wrong.extend(differs.map(|it| format!("{what:?}: {it}")));
        fates.get_or_insert(came.fates);
    }
}

#[test]
fn random_sites_do_what_they_say() {
    let count = said("RANDOM", SITES);
    let Seen { valid, delivered, sent, wrong, refused } = each(count, one);
    println!(
        "{valid} of {count} sites are valid; {delivered} of {sent} packets delivered; refused: {refused:?}"
    );
    let shown: Vec<&String> = wrong.iter().take(30).collect();
    assert!(wrong.is_empty(), "{} in {valid} sites:\n{shown:#?}", wrong.len());
    assert!(count < 50 || valid * 10 > count * 3, "only {valid} of {count} sites are valid");
}

/// A router whose link lies inside of what it leads to: the link is the nearer way.
#[test]
fn some_of_the_sites_have_a_route_around_a_link() {
    let around = |seed: u64| {
        let draft = sites::draw(&mut dice(seed));
        let behind = |route: &str| route.split(' ').next().and_then(|net| net.parse::<ipnet::IpNet>().ok());
        let has = draft.networks.iter().any(|network| {
            let links: Vec<ipnet::IpNet> = network.addresses.iter().map(|it| it.parse().unwrap()).collect();
            let mut routes = network.routes.iter().filter_map(|route| behind(route));
            routes.any(|route| links.iter().any(|link| route != link.trunc() && route.contains(link)))
        });
        has && forms::compiled(&draft.plain(), forms::FORMS[0]).is_ok()
    };
    assert!((1..=SITES).any(around), "none of {SITES}");
}

#[test]
fn names_order_and_strangers_change_nothing() {
    let count = said("RANDOM", SITES);
    let Seen { valid, wrong, .. } = each(count, |seed, seen| {
        if let Some(wrong) = alike::differences(&sites::draw(&mut dice(seed)), seed) {
            seen.valid += 1;
            seen.wrong = wrong;
        }
    });
    println!("{valid} of {count} sites are valid");
    let shown: Vec<&String> = wrong.iter().take(30).collect();
    assert!(wrong.is_empty(), "{} in {valid} sites:\n{shown:#?}", wrong.len());
    assert!(count < 50 || valid * 10 > count * 3, "only {valid} of {count} sites are valid");
}
