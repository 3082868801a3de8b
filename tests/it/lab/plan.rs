//! Random sites: what the lab expects, which it works out from the site as it was written, is what the
//! plan makes of it.

use std::cell::Cell;

use overlapc::lab::scene::{Expected, Kind};
use proptest::test_runner::{Config, TestRunner};

use crate::views;

#[test]
fn what_the_lab_expects_is_what_the_plan_means() {
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let seen = Cell::new((0, 0));
    let result = runner.run(&views::site(), |site| {
        let Some((checked, plan)) = site.checked() else { return Ok(()) };
        let scene = overlapc::lab::scene(&checked);
        let mut compared = 0;
        for trial in scene.trials() {
            let dispatched = views::dispatched(&plan, trial.from, trial.destination).map(|(to, _)| to);
            match (&trial.expected, trial.kind) {
                (Expected::Answer { network: Some(to), host, sees, .. }, Kind::Reach) => {
                    assert_eq!(dispatched, Some(*to), "{trial:?}\n{site:?}");
                    let inward = plan.networks[*to].inward();
                    assert_eq!(views::translated(&inward, true, trial.destination), Some(*host), "{trial:?}");
                    let source = match &plan.networks[*to].masquerade {
                        Some(masquerade) => Some(masquerade.sources[0].address),
                        None => {
                            let outward: Vec<_> = plan.mappings_to(trial.from, *to).cloned().collect();
                            views::translated(&outward, false, trial.source)
                        }
                    };
                    assert_eq!(source, Some(*sees), "{trial:?}\n{site:?}");
                    compared += 1;
                }
                (Expected::Nothing, Kind::Undeclared) => {
                    let open = |to| plan.peerings.iter().any(|it| (it.from, it.to) == (trial.from, to));
                    assert!(!dispatched.is_some_and(open), "{trial:?}\n{site:?}");
                }
                _ => {}
            }
        }
        let (sites, all) = seen.get();
        seen.set((sites + 1, all + compared));
        Ok(())
    });
    if let Err(wrong) = result {
        panic!("{wrong}");
    }
    let (sites, compared) = seen.get();
    println!("{sites} sites, {compared} questions");
    assert!(sites > 60 && compared > 2000, "too few sites say something: {sites}, {compared}");
}
