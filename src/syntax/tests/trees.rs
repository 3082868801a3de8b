//! The shape of trees.

use super::{clean, parsed};
use crate::syntax::ast::{Connect, Expr, Item, NetworkStatement, Operator, Part, Rule};

#[test]
fn a_line_goes_on_after_a_comma_an_operator_and_inside_parentheses() {
    assert_eq!(
        clean("let x = subnet(a,\n  2\n , 3 # last\n)\nlet y = 1 +\n 2 *\n 3\nlet z = (1\n + 2)\n").len(),
        3
    );
    assert_eq!(clean("connect a -> b { allow tcp 1,\n  2 }\nconnect a -> *\nconnect * -> b\n").len(), 3);
}

fn value(text: &str) -> Expr {
    match clean(&format!("let x = {text}")).pop() {
        Some(Item::Let(item)) => item.value,
        other => panic!("{other:?}"),
    }
}

/// The expression with all its parentheses.
fn written(value: &Expr) -> String {
    match value {
        Expr::Word(word) => {
            let part = |part: &Part| match part {
                Part::Text(text) => text.clone(),
                Part::Expr(value) => format!("{{{}}}", written(value)),
            };
            let text: String = word.parts.iter().map(part).collect();
            if word.quoted { format!("{text:?}") } else { text }
        }
        Expr::Binary { operator, left, right } => {
            let sign = match operator.value {
                Operator::Add => '+',
                Operator::Subtract => '-',
                Operator::Multiply => '*',
                Operator::Divide => '/',
                Operator::Remainder => '%',
            };
            format!("({} {sign} {})", written(left), written(right))
        }
        Expr::Call { name, arguments, .. } => {
            format!("{}({})", name.value, arguments.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Expr::Group(value, _) => written(value),
    }
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (text, meant) in [
        ("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("(1+2) * n % 5", "(((1 + 2) * n) % 5)"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("subnet(cells, 24, n + 1)", "subnet(cells, 24, (n + 1))"),
        ("10.{n / 256}.{n % 256}.0/24", "10.{(n / 256)}.{(n % 256)}.0/24"),
        (r#""a \"{n}\" \{b\\""#, r#""a \"{n}\" {b\\""#),
        ("\"\"", "\"\""),
    ] {
        assert_eq!(written(&value(text)), meant);
    }
}

fn connect(text: &str) -> Connect {
    match clean(text).pop() {
        Some(Item::Connect(connect)) => connect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_block_of_rules_is_not_an_empty_one() {
    assert_eq!(connect("connect a -> b").rules, None);
    assert_eq!(connect("connect a -> b {}").rules, Some(Vec::new()));
}

#[test]
fn a_rule_has_its_clauses_in_either_order() {
    let text = "connect a -> b { allow tcp 22, 30000-30100 to plc, 10.0.0.0/8 from hmi log \"ssh \"; deny }";
    let rules = connect(text).rules.unwrap_or_default();
    let [Rule { protocol, items, from, to, log, span, .. }, last] = rules.as_slice() else {
        panic!("{rules:?}")
    };
    let word = |word: &_| written(&Expr::Word(Clone::clone(word)));
    assert_eq!(protocol.as_ref().map(word), Some("tcp".to_owned()));
    assert_eq!(items.iter().map(word).collect::<Vec<_>>(), ["22", "30000-30100"]);
    assert_eq!(from.iter().map(written).collect::<Vec<_>>(), ["hmi"]);
    assert_eq!(to.iter().map(written).collect::<Vec<_>>(), ["plc", "10.0.0.0/8"]);
    assert_eq!(log.as_ref().and_then(|log| log.words.as_ref()).map(word), Some("\"ssh \"".to_owned()));
    assert_eq!(
        text.get(span.range()),
        Some("allow tcp 22, 30000-30100 to plc, 10.0.0.0/8 from hmi log \"ssh \"")
    );
    assert_eq!(text.get(last.span.range()), Some("deny"));
}

#[test]
fn spans_are_what_was_written() {
    let text = "network cell-{n}-x {\n  prefix 10.0.0.0/8 as subnet(cells, 24, n) # c\n}\n";
    let Some(Item::Network(network)) = clean(text).pop() else { panic!() };
    let of = |span: crate::source::Span| text.get(span.range()).unwrap();
    assert_eq!(of(network.keyword), "network");
    assert_eq!(of(network.name.span), "cell-{n}-x");
    let [NetworkStatement::Prefix(real, aliases, whole)] = network.statements.as_slice() else { panic!() };
    assert_eq!(of(real.span()), "10.0.0.0/8");
    assert_eq!(of(aliases[0].net.span()), "subnet(cells, 24, n)");
    assert_eq!(of(*whole), "prefix 10.0.0.0/8 as subnet(cells, 24, n)");
}

#[test]
fn what_did_not_parse_is_a_hole_in_its_place() {
    let (items, _) = parsed("network a {}\nlet x 5\nconnect a -> b c\nnetwork b { id; interface eth0 }\n");
    let [Item::Network(_), Item::Error(_), Item::Connect(_), Item::Network(last)] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert!(matches!(last.statements.as_slice(), [NetworkStatement::Interface(..)]));
}
