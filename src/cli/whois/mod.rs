//! `overlapc whois`: which host and network an address means to whom, and by which address a host is
//! known where.
//!
//! Goes in: a site, an address or a host's name, and perhaps the network that asks. Comes out:
//! sentences, or a JSON document, on standard output. What must hold: exit status 1 where it means
//! nothing, and every sentence names the line that makes it true.

use std::net::IpAddr;

use clap::{Args, ValueHint};

use super::findings::Findings;
use super::{Color, Exit, Failure, host, site};
use crate::Overrides;
use crate::diag::suggest;
use crate::plan::whois::{self, Question};
use crate::plan::{self, Plan};
use told::Told;

pub(super) mod told;

/// Tell whom an address means, and by which address a host is known where
///
/// Exit status 1 where it means nothing. With `--output-format json` the answer is a document.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(super) struct Whois {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    /// An address, real or alias; or a host's name, such as `plc` or `plc.cell-17`
    #[arg(value_name = "ADDRESS", required = true)]
    asked: String,

    /// As seen by the hosts of this network alone
    #[arg(long, value_name = "NETWORK", env = "OVERLAPC_FROM", hide_env_values = true)]
    from: Option<String>,

    #[command(flatten)]
    findings: Findings,
}

impl Whois {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let file = self.file.as_deref();
        let Some((site, sources)) = site::ready(file, Overrides::default(), self.findings, color)? else {
            return Ok(Exit::Found);
        };
        let plan = plan::lower(&site);
        let from = self.from.as_deref().map(|name| network(&plan, name, "with `--from`")).transpose()?;
        let question = question(&plan, &self.asked)?;
        let answer = whois::ask(&plan, question, from);
        // Places are named as in everything that is made of the site.
        let sources = sources.beside_the_root();
        let told = Told { plan: &plan, sources: &sources, asked: &self.asked, from };
        let text =
            if self.findings.is_json() { told.json(&answer) } else { told.sentences(question, &answer) };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(if answer.is_something(from) { Exit::Fine } else { Exit::Found })
    }
}

/// The network of a name, which was given at `place`.
fn network(plan: &Plan, name: &str, place: &str) -> Result<usize, Failure> {
    let names = || plan.networks.iter().map(|network| network.name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let failure = Failure::new(format!("the site has no network `{name}`"));
        match suggest::closest(name, names()) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("name a network of the site {place}")),
        }
    })
}

/// An address, `HOST.NETWORK`, or the name of hosts of any network.
fn question<'q>(plan: &Plan, asked: &'q str) -> Result<Question<'q>, Failure> {
    if let Ok(address) = asked.parse::<IpAddr>() {
        return Ok(Question::Address(address));
    }
    let named =
        |name: &str| plan.networks.iter().any(|network| network.hosts.iter().any(|host| host.name == name));
    match asked.split_once('.') {
        Some((name, inside)) if named(name) => {
            Ok(Question::Host(name, Some(network(plan, inside, "behind the dot")?)))
        }
        None if named(asked) => Ok(Question::Host(asked, None)),
        _ => {
            let failure = Failure::new(format!("`{asked}` is neither an address nor a host of the site"));
            let name = asked.split_once('.').map_or(asked, |(name, _)| name);
            let names =
                plan.networks.iter().flat_map(|network| &network.hosts).map(|host| host.name.as_str());
            Err(match suggest::closest(name, names) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => {
                    failure.help("give one address without a length, or a name that a `host` statement gives")
                }
            })
        }
    }
}
