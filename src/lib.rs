//! overlapc: the compiler for networks that overlap.
//!
//! ```text
//! text -> syntax -> ast -> resolve -> model::Site -> check -> CheckedSite -> plan -> Plan -> emit -> Artifacts
//! ```
//!
//! Each stage is a function from the value of the stage before it to a value of its own and
//! findings. Only `cli` and the runner of `lab` read files, write files or look at the environment.

pub mod check;
pub mod cli;
pub mod diag;
pub mod digest;
pub mod document;
pub mod emit;
pub mod fmt;
pub mod lab;
pub mod model;
pub mod net;
pub mod plan;
pub mod read;
pub mod resolve;
pub mod sim;
pub mod source;
pub mod syntax;
pub mod verify;

use check::CheckedSite;
use diag::{Diagnostics, Outcome, allow};
use emit::{Artifact, Request, Target};
use model::{Firewall, Isolation, Site};
use source::{FileId, SourceMap, Span, Spanned};

/// What is to hold instead of what a site says of its gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// In place of `firewall`.
    pub firewall: Option<Firewall>,
    /// In place of `isolation`.
    pub isolation: Option<Isolation>,
}

/// Reads and checks the site whose text is `root`: everything up to the point where files are made.
///
/// A stage after one that found an error does not run, so that nothing is reported because of
/// something else. Comments that silence warnings are followed.
#[must_use]
pub fn front(
    mut sources: SourceMap,
    root: FileId,
    loader: &dyn syntax::Loader,
    overrides: Overrides,
) -> Outcome<CheckedSite> {
    let mut findings = Diagnostics::default();
    let file = syntax::parse_site(&mut sources, root, loader, &mut findings);
    let site = if findings.has_errors() { None } else { resolve::resolve(&file, &mut findings) };
    let value = site
        .map(|site| overridden(site, root, overrides))
        .and_then(|site| check::check(site, &mut findings))
        .filter(|_| !findings.has_errors());
    let findings = allow::apply(&sources, findings.sorted(), value.is_some());
    Outcome { sources, value, findings }
}

/// Reads, checks and compiles a site into all artefacts that it usually has.
#[must_use]
pub fn compile(
    sources: SourceMap,
    root: FileId,
    loader: &dyn syntax::Loader,
    overrides: Overrides,
) -> Outcome<Vec<Artifact>> {
    let Outcome { sources, value, findings } = front(sources, root, loader, overrides);
    let value = value.map(|site| {
        let firewall = site.settings().firewall;
        let usual = Target::ALL.iter().copied().filter(|target| target.usual(firewall));
        artifacts(&site, &sources, &usual.map(Request::Whole).collect::<Vec<Request>>())
    });
    Outcome { sources, value, findings }
}

/// The artefacts of a checked site, in the order of `requests`.
///
/// They name source files relative to the site's own directory, so the same site gives the same
/// bytes wherever it is compiled from.
#[must_use]
pub fn artifacts(site: &CheckedSite, sources: &SourceMap, requests: &[Request]) -> Vec<Artifact> {
    let plan = plan::lower(site);
    let sources = sources.beside_the_root();
    emit::emit(&plan, &sources, requests)
}

fn overridden(mut site: Site, root: FileId, overrides: Overrides) -> Site {
    let nowhere = Span::new(root, 0, 0);
    let gateway = &mut site.gateway;
    if let Some(firewall) = overrides.firewall {
        let span = gateway.firewall.map_or(nowhere, |written| written.span);
        gateway.firewall = Some(Spanned::new(firewall, span));
    }
    if let Some(isolation) = overrides.isolation {
        let span = gateway.isolation.map_or(nowhere, |written| written.span);
        gateway.isolation = Some(Spanned::new(isolation, span));
    }
    site
}
