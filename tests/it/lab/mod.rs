//! The pure half of `overlapc lab`: what is asked of which site, how the outcome is judged and told.

mod asked;
mod flow;
mod judge;
mod plan;
mod report;
mod scene;
mod uplink;

use overlapc::check::CheckedSite;
use overlapc::lab::scene::{Scene, Trial};

use crate::bench::repository;
use crate::codes::compile;
use crate::expected::{folders_in, name_of};

/// The site of a golden folder.
fn golden(name: &str) -> CheckedSite {
    let path = repository().join("golden/emit").join(name).join("site.ovl");
    compile(&std::fs::read_to_string(path).unwrap()).2.unwrap()
}

/// The names of all golden sites.
fn goldens() -> Vec<String> {
    folders_in(&repository().join("golden/emit")).iter().map(|folder| name_of(folder)).collect()
}

fn scene(name: &str) -> Scene {
    overlapc::lab::scene(&golden(name))
}

/// The first question of a scene that fits.
fn find(scene: &Scene, fits: impl Fn(&Trial) -> bool) -> Trial {
    scene.trials().find(|trial| fits(trial)).expect("such a question is asked").clone()
}
