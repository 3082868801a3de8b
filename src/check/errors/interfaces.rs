//! Findings about interface names.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::Network;
use crate::source::{Span, Spanned};

/// Who uses an interface.
#[derive(Clone, Copy)]
pub enum User<'a> {
    /// A network, and which instance of a `for` it is.
    Network(&'a str, Option<&'a str>),
    /// The gateway itself, for an address outside of the networks.
    Gateway,
}

impl<'a> User<'a> {
    fn words(self) -> String {
        match self {
            Self::Network(name, _) => format!("network `{name}`"),
            Self::Gateway => String::from("the gateway itself"),
        }
    }

    /// The instance of a `for` that says so.
    pub fn instance(self) -> Option<&'a str> {
        match self {
            Self::Network(_, instance) => instance,
            Self::Gateway => None,
        }
    }
}

/// A name of more bytes than the kernel has room for.
pub struct InterfaceTooLong<'a> {
    /// The name.
    pub interface: &'a Spanned<String>,
}

impl Finding for InterfaceTooLong<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Spanned { value, span } = self.interface;
        Diagnostic::new(
            code::INTERFACE_TOO_LONG,
            format!("interface name `{value}` is too long"),
            Label::new(*span, format!("{} bytes", value.len())),
        )
        .note("the kernel has room for 15 bytes (IFNAMSIZ), and tools cut off the rest or refuse the name")
        .help("use the name that `ip link` shows")
    }
}

/// A name that no interface can have, or no rule can say.
pub struct InvalidInterface<'a> {
    /// The name.
    pub interface: &'a Spanned<String>,
    /// What is wrong with it.
    pub fault: String,
}

impl Finding for InvalidInterface<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Spanned { value, span } = self.interface;
        Diagnostic::new(
            code::INVALID_INTERFACE,
            format!("`{}` cannot be the interface of a network", value.escape_debug()),
            Label::new(*span, self.fault),
        )
        .help("use the name that `ip link` shows for the interface the hosts are behind")
    }
}

/// One interface for two.
pub struct InterfaceUsedTwice<'a> {
    /// The name, where it is used again.
    pub interface: &'a Spanned<String>,
    /// Who uses it there.
    pub user: User<'a>,
    /// Who uses it already.
    pub other: User<'a>,
    /// Where.
    pub earlier: Span,
}

impl Finding for InterfaceUsedTwice<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { interface, user, other, earlier } = self;
        Diagnostic::new(
            code::INTERFACE_USED_TWICE,
            format!("interface `{}` is used by {} and by {}", interface.value, other.words(), user.words()),
            Label::new(interface.span, "used again"),
        )
        .label_of(earlier, format!("{} uses it", other.words()), other.instance())
        .note("the interface a packet comes in on is all that tells which network it is from")
        .help("give each network an interface of its own, for example a VLAN like `eth1.20`")
    }
}

/// An interface with the name of a device that the compiled site makes.
pub struct InterfaceIsVrf<'a> {
    /// The name.
    pub interface: &'a Spanned<String>,
    /// Who uses it.
    pub user: User<'a>,
    /// The network whose VRF device has this name.
    pub network: &'a Network,
}

impl Finding for InterfaceIsVrf<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { interface, user, network } = self;
        Diagnostic::new(
            code::INTERFACE_IS_VRF,
            format!(
                "interface `{}` of {} is the VRF device of network `{}`",
                interface.value,
                user.words(),
                network.name.value
            ),
            Label::new(interface.span, "the name of a VRF device"),
        )
        .label_of(
            network.name.span,
            format!("its VRF device is `{}`", interface.value),
            network.instance.as_deref(),
        )
        .note("a VRF device is made for each network; the interface belongs into it and cannot be it")
        .help("use the name of the interface the hosts are behind, or give the network another name")
    }
}
