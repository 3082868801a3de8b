//! `overlapc verify`: prove that what is emitted does what the site says.
//!
//! Goes in: a site, and perhaps files from elsewhere. Comes out: a line for each obligation on standard output.
//! What must hold: exit status 1 where anything is not proved.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::{Args, ValueHint};

use super::chosen::Chosen;
use super::findings::Findings;
use super::{Color, Exit, Failure, host, site};
use crate::diag::Report;
use crate::emit::{Request, Target};
use crate::verify::{Obligation, verify};

/// Prove that what is emitted does what the site says, for every packet
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    #[command(flatten)]
    chosen: Chosen,

    #[command(flatten)]
    findings: Findings,
}

impl Verify {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let outcome = site::front(self.file.as_deref(), self.chosen.overrides())?;
        let reports = [Report { sources: &outcome.sources, findings: &outcome.findings }];
        host::write_stderr(&self.findings.show(&reports, host::colour_stderr(color)));
        let exit = self.findings.exit(&reports);
        let Some(site) = outcome.value.filter(|_| exit == Exit::Fine) else {
            return Ok(Exit::Found);
        };
        let firewall = site.settings().firewall;
        let targets = [Target::Sh].into_iter().filter(|target| target.applies(firewall));
        let requests: Vec<Request> = targets.map(Request::Whole).collect();
        let begin = Instant::now();
        let files: BTreeMap<String, String> = crate::artifacts(&site, &outcome.sources, &requests)
            .into_iter()
            .map(|artifact| (artifact.name, artifact.text.to_string()))
            .collect();
        let emitted = begin.elapsed();
        let found = verify(site.site(), &files).map_err(|undecided| Failure::new(undecided.to_string()))?;
        let proved = begin.elapsed();
        let mut text = String::new();
        for obligation in Obligation::ALL {
            let count = found.failures.iter().filter(|failure| failure.obligation == obligation).count();
            text += &format!(
                "{} {} regions {count} failures\n",
                obligation.name(),
                found.regions[obligation as usize]
            );
        }
        for failure in found.failures.iter().take(20) {
            let name = |network: Option<usize>| {
                network.map_or("-", |it| site.site().networks[it].name.value.as_str())
            };
            let packet = failure
                .packet
                .as_ref()
                .map(|packet| format!("{} {packet}", packet.device))
                .unwrap_or_default();
            text += &format!(
                "{:?} {} {} {packet} {} {:?}\n",
                failure.obligation,
                name(failure.networks[0]),
                name(failure.networks[1]),
                failure.what,
                failure.place
            );
        }
        text += &format!("emitted {emitted:?} proved {:?}\n", proved - emitted);
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(if found.failures.is_empty() { Exit::Fine } else { Exit::Found })
    }
}
