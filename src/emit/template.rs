//! The template engine, set so that a mistake in a template or a view stops, and nothing is printed
//! that was not meant as text.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde::Serialize;

/// Every template, by its path under `templates/`.
pub const TEMPLATES: &[(&str, &str)] = &[
    ("nft/ruleset.nft.j2", include_str!("../../templates/nft/ruleset.nft.j2")),
    ("iptables/rules.j2", include_str!("../../templates/iptables/rules.j2")),
    ("ip/ip.batch.j2", include_str!("../../templates/ip/ip.batch.j2")),
    ("ip/ip6.batch.j2", include_str!("../../templates/ip/ip6.batch.j2")),
    ("nodes/nodes.sh.j2", include_str!("../../templates/nodes/nodes.sh.j2")),
    ("nodes/routes.sh.j2", include_str!("../../templates/nodes/routes.sh.j2")),
    ("nodes/networkd.conf.j2", include_str!("../../templates/nodes/networkd.conf.j2")),
    ("nodes/radvd.conf.j2", include_str!("../../templates/nodes/radvd.conf.j2")),
    ("nodes/routes.cmd.j2", include_str!("../../templates/nodes/routes.cmd.j2")),
    ("nodes/dnsmasq.conf.j2", include_str!("../../templates/nodes/dnsmasq.conf.j2")),
    ("nodes/kea-dhcp4.json.j2", include_str!("../../templates/nodes/kea-dhcp4.json.j2")),
    ("names/hosts.j2", include_str!("../../templates/names/hosts.j2")),
    ("names/dnsmasq.conf.j2", include_str!("../../templates/names/dnsmasq.conf.j2")),
    ("sh/site.sh.j2", include_str!("../../templates/sh/site.sh.j2")),
    ("sh/tools.sh.j2", include_str!("../../templates/sh/tools.sh.j2")),
    ("sh/state.sh.j2", include_str!("../../templates/sh/state.sh.j2")),
    ("sh/lock.sh.j2", include_str!("../../templates/sh/lock.sh.j2")),
    ("sh/host.sh.j2", include_str!("../../templates/sh/host.sh.j2")),
    ("sh/scratch.sh.j2", include_str!("../../templates/sh/scratch.sh.j2")),
    ("sh/claims.sh.j2", include_str!("../../templates/sh/claims.sh.j2")),
    ("sh/neighbours.sh.j2", include_str!("../../templates/sh/neighbours.sh.j2")),
    ("sh/preflight.sh.j2", include_str!("../../templates/sh/preflight.sh.j2")),
    ("sh/build.sh.j2", include_str!("../../templates/sh/build.sh.j2")),
    ("sh/teardown.sh.j2", include_str!("../../templates/sh/teardown.sh.j2")),
    ("sh/connections.sh.j2", include_str!("../../templates/sh/connections.sh.j2")),
    ("sh/listing.sh.j2", include_str!("../../templates/sh/listing.sh.j2")),
    ("sh/lifecycle.sh.j2", include_str!("../../templates/sh/lifecycle.sh.j2")),
    ("sh/trial.sh.j2", include_str!("../../templates/sh/trial.sh.j2")),
    ("sh/status.sh.j2", include_str!("../../templates/sh/status.sh.j2")),
    ("sh/nftables.sh.j2", include_str!("../../templates/sh/nftables.sh.j2")),
    ("sh/iptables.sh.j2", include_str!("../../templates/sh/iptables.sh.j2")),
];

/// All templates, parsed once.
#[expect(clippy::expect_used, reason = "templates are part of the program, and goldens run all of them")]
static ENVIRONMENT: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment().expect("the embedded templates are well-formed"));

/// Renders a template with its view.
#[expect(
    clippy::expect_used,
    reason = "templates and views are part of the program, and goldens run all of them"
)]
pub(super) fn render(name: &str, view: impl Serialize) -> String {
    let template = ENVIRONMENT.get_template(name).expect("the template is registered");
    template.render(Serde(view)).expect("the view has what the template asks for")
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|output, state, value| match value.kind() {
        ValueKind::String | ValueKind::Number => minijinja::escape_formatter(output, state, value),
        kind => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("{kind} printed into configuration text")))
        }
    });
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}
