//! Random sites: what is compiled is proved, both ways to follow packets say the same of it, and what it does
//! is what the site says, in all four forms of the gateway.
//!
//! `RANDOM=N` takes N sites, `SEED` is the first one's seed; every failure names its own.

mod agreed;
mod forms;
mod known;
mod packets;
mod promised;
mod sites;
mod trial;

use std::collections::BTreeMap;
use std::env;

use crate::engines::Dice;

/// So many sites are drawn where nothing is said.
const SITES: u64 = 250;

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

#[test]
fn random_sites_do_what_they_say() {
    let (first, count) = (said("SEED", 1), said("RANDOM", SITES));
    let (mut valid, mut delivered, mut sent) = (0_u64, 0, 0);
    let (mut wrong, mut refused) = (Vec::new(), BTreeMap::new());
    for seed in first..first + count {
        let text = sites::draw(&mut dice(seed)).plain();
        if count == 1 {
            println!("{text}");
        }
        let mut fates: Option<Vec<String>> = None;
        for what in forms::FORMS {
            let form = match forms::compiled(&text, what) {
                Ok(form) => form,
                Err(codes) => {
                    codes.iter().for_each(|it| *refused.entry(it[..7].to_owned()).or_insert(0) += 1);
                    break;
                }
            };
            let came = trial::of(&form, seed);
            valid += u64::from(fates.is_none());
            delivered += came.delivered;
            sent += came.fates.len();
            wrong.extend(came.wrong.into_iter().take(5).map(|it| format!("SEED={seed} {what:?}: {it}")));
            let differs = fates.as_ref().and_then(|fates| apart(fates, &came.fates));
            wrong.extend(differs.map(|it| format!("SEED={seed} {what:?}: {it}")));
            fates.get_or_insert(came.fates);
        }
    }
    println!(
        "{valid} of {count} sites are valid; {delivered} of {sent} packets delivered; refused: {refused:?}"
    );
    let shown: Vec<&String> = wrong.iter().take(30).collect();
    assert!(wrong.is_empty(), "{} of {valid} sites:\n{shown:#?}", wrong.len());
    assert!(count < 50 || valid * 10 > count * 3, "only {valid} of {count} sites are valid");
}
