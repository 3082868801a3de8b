//! The registry of codes: one row each, in one table. A code is never used again for something else.
//!
//! Numbers: 00 lexical, 01 grammar, 02 names and values, 03 addresses, 04 ids, marks, preferences
//! and peerings, 05 interfaces and kernel limits.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// Compiled all the same.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A stable code, `OVL` and four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

/// A row of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// The condition in a few words with dashes; never the cure.
    pub slug: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The page that `overlapc explain` shows.
    pub page: &'static str,
}

impl Code {
    /// The code as it is written, `OVL0301`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The row of this code.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "codes are made in this file alone, each with its row")]
    pub fn entry(self) -> &'static Entry {
        REGISTRY.iter().find(|entry| entry.code == self).expect("every code has its row")
    }

    /// The severity of this code.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.entry().severity
    }

    /// The code that is written so; case does not matter.
    #[must_use]
    pub fn find(text: &str) -> Option<&'static Entry> {
        REGISTRY.iter().find(|entry| entry.code.0.eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! registry {
    ($($name:ident $code:literal $slug:literal $severity:ident;)*) => {
        $(#[doc = concat!($code, " ", $slug)] pub const $name: Code = Code($code);)*

        /// Every code, in order.
        pub static REGISTRY: &[Entry] = &[$(Entry {
            code: $name,
            slug: $slug,
            severity: Severity::$severity,
            page: include_str!(concat!("pages/", $code, ".md")),
        }),*];
    };
}

registry! {
    INVALID_CHARACTER "OVL0001" "invalid-character" Error;
    UNTERMINATED_STRING "OVL0002" "unterminated-string" Error;
    UNTERMINATED_INTERPOLATION "OVL0003" "unterminated-interpolation" Error;
    NOT_UTF8 "OVL0004" "not-utf8" Error;

    UNEXPECTED_TOKEN "OVL0101" "unexpected-token" Error;
    UNCLOSED_BLOCK "OVL0102" "unclosed-block" Error;
    UNKNOWN_STATEMENT "OVL0103" "unknown-statement" Error;
    INCLUDE_NOT_FOUND "OVL0104" "include-not-found" Error;
    INCLUDE_CYCLE "OVL0105" "include-cycle" Error;
    NESTED_TOO_DEEP "OVL0106" "nested-too-deep" Error;
    UNUSED_ALLOW "OVL0107" "unused-allow" Warning;
    INVALID_ALLOW "OVL0108" "invalid-allow" Warning;

    UNKNOWN_NAME "OVL0201" "unknown-name" Error;
    UNKNOWN_NETWORK "OVL0202" "unknown-network" Error;
    DUPLICATE_NAME "OVL0203" "duplicate-name" Error;
    INVALID_NAME "OVL0204" "invalid-name" Error;
    WRONG_KIND "OVL0205" "wrong-kind-of-value" Error;
    ARITHMETIC "OVL0206" "arithmetic-out-of-range" Error;
    BAD_CALL "OVL0207" "bad-call" Error;
    BAD_RANGE "OVL0208" "bad-range" Error;
    PATTERN_MATCHES_NOTHING "OVL0209" "pattern-matches-nothing" Error;
    REPEATED_STATEMENT "OVL0210" "repeated-statement" Error;
    MISSING_STATEMENT "OVL0211" "missing-statement" Error;
    UNUSED_NETWORK "OVL0212" "unused-network" Warning;
    UNUSED_NAME "OVL0213" "unused-name" Warning;
    UNKNOWN_CHOICE "OVL0214" "unknown-choice" Error;
    CIRCULAR_NAME "OVL0216" "circular-name" Error;
    UNKNOWN_PROTOCOL "OVL0217" "unknown-protocol" Error;
    BAD_PORT "OVL0218" "bad-port" Error;
    NO_PORTS "OVL0219" "no-ports-in-protocol" Error;
    UNKNOWN_ICMP_TYPE "OVL0220" "unknown-icmp-type" Error;
    UNKNOWN_HOST "OVL0221" "unknown-host" Error;
    WRONG_NETWORK "OVL0222" "wrong-network" Error;
    OUTSIDE_NETWORK "OVL0223" "outside-network" Error;
    ALIAS_IN_RULE "OVL0224" "alias-in-rule" Error;
    AMBIGUOUS_RULE "OVL0225" "ambiguous-rule" Error;
    BAD_LOG_WORDS "OVL0226" "bad-log-words" Error;
    BAD_RATE "OVL0227" "bad-rate" Error;

    UNEQUAL_LENGTH "OVL0301" "unequal-length" Error;
    MIXED_FAMILIES "OVL0302" "mixed-families" Error;
    HOST_BITS_SET "OVL0303" "host-bits-set" Error;
    OVERLAPPING_ALIASES "OVL0304" "overlapping-aliases" Error;
    ALIAS_OVER_REAL "OVL0305" "alias-over-real-prefix" Error;
    ALIAS_OVER_GATEWAY "OVL0306" "alias-over-gateway" Error;
    ALIAS_ON_LINK "OVL0307" "alias-on-link" Error;
    UNUSABLE_PREFIX "OVL0308" "unusable-prefix" Error;
    MISSING_ALIAS "OVL0309" "missing-alias" Error;
    SHARED_ALIAS "OVL0310" "shared-alias" Warning;
    AMBIGUOUS_MAPPING "OVL0311" "ambiguous-mapping" Error;
    ALIAS_TAKEN_INSIDE "OVL0312" "alias-taken-inside-network" Error;
    REPEATED_PREFIX "OVL0313" "repeated-prefix" Error;
    ADDRESS_OUTSIDE "OVL0314" "address-outside-prefixes" Error;
    ADDRESS_OF_HOST "OVL0315" "address-of-host" Error;
    PREFIX_UNREACHED "OVL0316" "prefix-unreached" Warning;
    ROUTER_OFF_LINK "OVL0317" "router-off-link" Error;
    HOST_OUTSIDE "OVL0318" "host-outside-prefixes" Error;
    UNUSABLE_ADDRESS "OVL0319" "unusable-address" Error;
    VIEWER_WITHOUT_ALIAS "OVL0320" "viewer-without-alias" Error;
    SECOND_ALIAS "OVL0321" "second-alias" Error;
    ALIAS_FOR_ITSELF "OVL0322" "alias-for-itself" Error;
    ALIAS_FOR_STRANGER "OVL0323" "alias-for-stranger" Warning;

    MASQUERADE_WITHOUT_ADDRESS "OVL0324" "masquerade-without-address" Error;

    DUPLICATE_ID "OVL0401" "duplicate-id" Error;
    ID_OUT_OF_RANGE "OVL0402" "id-out-of-range" Error;
    RESERVED_ID "OVL0403" "reserved-id" Error;
    TOO_FEW_MARK_BITS "OVL0404" "too-few-mark-bits" Error;
    MARK_OUT_OF_RANGE "OVL0405" "mark-out-of-range" Error;
    PREFERENCE_OUT_OF_RANGE "OVL0406" "preference-out-of-range" Error;
    TOO_FEW_PREFERENCES "OVL0407" "too-few-preferences" Error;
    REPEATED_CONNECT "OVL0408" "repeated-connect" Warning;
    CONNECTED_TO_ITSELF "OVL0409" "connected-to-itself" Error;
    PROTOCOL_OUT_OF_RANGE "OVL0410" "protocol-out-of-range" Error;
    NO_ZONE_LEFT "OVL0411" "no-zone-left" Error;
    CONFLICTING_CONNECTS "OVL0412" "conflicting-connects" Error;
    NOTHING_ALLOWED "OVL0413" "nothing-allowed" Warning;
    EMPTY_MATCH "OVL0414" "empty-match" Error;
    SHADOWED_RULE "OVL0415" "shadowed-rule" Error;
    CONTRADICTORY_RULE "OVL0416" "contradictory-rule" Error;
    REDUNDANT_RULE "OVL0417" "redundant-rule" Warning;
    PACKET_SIZE_OUT_OF_RANGE "OVL0418" "packet-size-out-of-range" Error;
    OPENED_BY_MASQUERADED "OVL0419" "opened-by-masqueraded" Error;
    TOO_MANY_ALIKE "OVL0420" "too-many-alike" Error;
    PORT_AS_PROTOCOL "OVL0421" "port-as-protocol" Warning;
    NEEDLESS_ITEM "OVL0422" "needless-item" Warning;

    INTERFACE_TOO_LONG "OVL0501" "interface-name-too-long" Error;
    INVALID_INTERFACE "OVL0502" "invalid-interface-name" Error;
    INTERFACE_USED_TWICE "OVL0503" "interface-used-twice" Error;
    INTERFACE_IS_VRF "OVL0504" "interface-is-vrf" Error;
}
