//! `subnet(pool, length, index)` and `host(prefix, index)`.
//!
//! Goes in: a call and its arguments. Comes out: a prefix or an address inside the first argument.
//! What must hold: an index beyond the last one is a finding, never an address outside.

use ipnet::IpNet;

use super::Resolver;
use super::errors::BadCall;
use super::value::Value;
use crate::diag::code;
use crate::diag::suggest::closest;
use crate::net;
use crate::source::{Span, Spanned};
use crate::syntax::ast::Expr;

const SUBNET: &str = "subnet(pool, length, index)";
const HOST: &str = "host(prefix, index)";

impl<'a> Resolver<'a, '_> {
    /// The value of a call.
    pub(super) fn call(
        &mut self,
        name: &'a Spanned<String>,
        arguments: &'a [Expr],
        span: Span,
    ) -> Option<Value> {
        match (name.value.as_str(), arguments) {
            ("subnet", [pool, length, index]) => {
                let (net, number, at) = (self.base(pool), self.integer(length), self.integer(index));
                let places = (length.span(), index.span());
                // In another instance of a `for` the other one of the two may be wrong.
                if [places.0, places.1].into_iter().any(|place| self.reporter.has(place, code::BAD_CALL)) {
                    self.failures += 1;
                    return None;
                }
                self.subnet(net?, number?, at?, places).map(Value::Prefix)
            }
            ("host", [prefix, index]) => {
                let (net, at) = (self.base(prefix), self.integer(index));
                self.host(net?, at?, index.span())
            }
            ("subnet", _) => self.argument_count(SUBNET, 3, arguments.len(), span),
            ("host", _) => self.argument_count(HOST, 2, arguments.len(), span),
            (other, _) => {
                let help = closest(other, ["subnet", "host"])
                    .map_or(format!("there are `{SUBNET}` and `{HOST}`"), |name| {
                        format!("did you mean `{name}`?")
                    });
                self.bad_call(
                    format!("there is no function `{other}`"),
                    name.span,
                    "unknown function",
                    Some(help),
                )
            }
        }
    }

    /// The first argument: a prefix without host bits.
    fn base(&mut self, expr: &'a Expr) -> Option<IpNet> {
        let net = self.prefix(expr)?.value;
        if net != net.trunc() {
            let help = format!("use the network address, `{}`", net.trunc());
            return self.bad_call(
                format!("`{net}` is not the beginning of a prefix"),
                expr.span(),
                "host bits are set",
                Some(help),
            );
        }
        Some(net)
    }

    fn subnet(&mut self, pool: IpNet, length: i128, index: i128, places: (Span, Span)) -> Option<IpNet> {
        let longest = pool.max_prefix_len();
        let Some(length) =
            u8::try_from(length).ok().filter(|length| (pool.prefix_len()..=longest).contains(length))
        else {
            let fault = format!("not within {} to {longest}", pool.prefix_len());
            let title = format!("`{pool}` has no subnets of length {length}");
            let swapped = (i128::from(pool.prefix_len())..=i128::from(longest)).contains(&index);
            let help = swapped.then(|| format!("the length stands before the index: `{SUBNET}`"));
            return self.bad_call(title, places.0, fault, help);
        };
        let index = self.index(index, length - pool.prefix_len(), places.1, || {
            format!("`{pool}` has too few subnets of length {length}")
        })?;
        // A pool of length 0 that is cut into single addresses has its index as the address itself.
        let shift = u32::from(longest - length);
        let start = net::bits(pool.network()) | index.checked_shl(shift).unwrap_or(0);
        net::prefix(net::from_bits(net::family(&pool), start), length)
    }

    fn host(&mut self, prefix: IpNet, index: i128, place: Span) -> Option<Value> {
        let bits = prefix.max_prefix_len() - prefix.prefix_len();
        let index = self.index(index, bits, place, || format!("`{prefix}` has too few addresses"))?;
        let address = net::from_bits(net::family(&prefix), net::bits(prefix.network()) | index);
        Some(Value::Address(address))
    }

    /// The index if it has at most `bits` bits.
    fn index(&mut self, index: i128, bits: u8, place: Span, title: impl Fn() -> String) -> Option<u128> {
        let fits = |index: &u128| bits >= 128 || *index < 1 << bits;
        if let Some(index) = u128::try_from(index).ok().filter(fits) {
            return Some(index);
        }
        // Integers end at 127 bits, so an index of more bits is never too large.
        let last = (1_u128.checked_shl(u32::from(bits)).unwrap_or(0)).wrapping_sub(1);
        let fault = if index < 0 {
            format!("{index} is below 0")
        } else {
            format!("{index} is behind the last index, {last}")
        };
        self.bad_call(title(), place, fault, Some(String::from("indexes begin at 0")))
    }

    fn argument_count<T>(&mut self, usage: &str, expected: usize, found: usize, span: Span) -> Option<T> {
        let name = usage.split('(').next().unwrap_or(usage);
        let title = format!("`{name}` takes {expected} arguments, found {found}");
        self.bad_call(title, span, "wrong number of arguments", Some(format!("write `{usage}`")))
    }

    fn bad_call<T>(
        &mut self,
        title: String,
        span: Span,
        fault: impl Into<String>,
        help: Option<String>,
    ) -> Option<T> {
        self.report(BadCall { title, span, fault: fault.into(), help });
        None
    }
}
