//! Faults in rulesets of both kinds.
//!
//! Goes in: a [`Text`]. Comes out: faults of one kind. What must hold: a kind means the same in nft and in
//! iptables; where one of them has no such thing there are no faults of it.

use super::Kind;
use super::text::{Fault, Part, Text};
use super::words::{Word, lines, mark, masks, moved, neighbours, next, resized, texts, words as each};

pub const KINDS: &[Kind] = &[
    Kind("dnat to a prefix off by one bit", |text| addresses(text, |it| is_to(it, true))),
    Kind("snat to a prefix off by one bit", |text| addresses(text, |it| is_to(it, false))),
    Kind("source in a rule off by one bit", |text| {
        addresses(text, |it| it.before(1) == "saddr" || it.before(1) == "-s")
    }),
    Kind("excepted address off by one bit", |text| {
        addresses(text, |it| it.before(1) == "!=" || it.before(1) == "!")
    }),
    Kind("destination in a rule off by one bit", |text| {
        addresses(text, |it| it.before(1) == "daddr" || it.before(1) == "-d")
    }),
    Kind("key of a map of addresses off by one bit", |text| {
        each(text, Part::Element, |it| moved(it.text()).into_iter().collect())
    }),
    Kind("prefix length in a rule", |text| each(text, Part::Rule, |it| resized(it.text()))),
    Kind("prefix length of an element", |text| each(text, Part::Element, |it| resized(it.text()))),
    Kind("values of two elements swapped", values_swapped),
    Kind("element removed", |text| lines(text, Part::Element, |_| Some(vec![]))),
    Kind("element doubled", |text| {
        lines(text, Part::Element, |it| Some(vec![it.text.clone(), it.text.clone()]))
    }),
    Kind("zone number changed", |text| zones(text, |zone| zone + 100)),
    Kind("zone made that of the next pair", |text| zones(text, |zone| if zone == 1 { 2 } else { zone - 1 })),
    Kind("zone of one direction only", |text| {
        let pairs = [
            ("ct zone set", "ct original zone set"),
            ("--zone ", "--zone-orig "),
            ("--zone-orig ", "--zone "),
            ("--zone-reply ", "--zone "),
        ];
        let more = [
            ("ct original zone", "ct zone"),
            ("ct reply zone", "ct zone"),
            ("ct original zone", "ct reply zone"),
        ];
        texts(text, Part::Rule, &[&pairs[..], &more[..]].concat())
    }),
    Kind("rule of a zone gone", |text| {
        lines(text, Part::Rule, |it| {
            (it.text.contains("zone set") || it.text.contains("-j CT")).then(Vec::new)
        })
    }),
    Kind("mark off by one bit", |text| {
        [Part::Rule, Part::Element]
            .into_iter()
            .flat_map(|part| {
                each(text, part, |it| {
                    let Some((value, mask)) = mark(it.text()).filter(|_| !is_mask(it)) else { return vec![] };
                    let bits = [1, 0x10].map(|bit| value ^ bit);
                    bits.map(|value| marks(value, mask, it.text())).to_vec()
                })
            })
            .collect()
    }),
    Kind("mask with one bit more or less", |text| {
        each(text, Part::Rule, |it| match mark(it.text()) {
            Some((value, Some(mask))) => masks(mask).map(|mask| marks(value, Some(mask), it.text())).to_vec(),
            Some((mask, None)) if is_mask(it) => {
                masks(mask).map(|mask| marks(mask, None, it.text())).to_vec()
            }
            _ => vec![],
        })
    }),
    Kind("xor of a mark gone", |text| {
        lines(text, Part::Rule, |it| {
            (it.text.contains(" ^ ") || it.text.contains("--xor-mark")).then(Vec::new)
        })
    }),
    Kind("rules reordered", |text| {
        let pairs = neighbours(text, |line| line.part == Part::Rule);
        pairs.into_iter().map(|(a, b)| Fault::swap(text, a, b)).collect()
    }),
    Kind("rule deleted", |text| lines(text, Part::Rule, |_| Some(vec![]))),
    Kind("rule duplicated", |text| {
        lines(text, Part::Rule, |it| Some(vec![it.text.clone(), it.text.clone()]))
    }),
    Kind("rule in the next chain", rules_moved),
    Kind("drop turned into accept", |text| {
        texts(
            text,
            Part::Rule,
            &[
                (" drop comment", " accept comment"),
                ("\tdrop comment", "\taccept comment"),
                ("-j DROP", "-j ACCEPT"),
            ],
        )
    }),
    Kind("reject turned into drop", |text| {
        let nft = ("reject with icmpx type admin-prohibited", "drop");
        let [v4, v6] =
            ["icmp-admin", "icmp6-adm"].map(|it| format!("-j REJECT --reject-with {it}-prohibited"));
        texts(text, Part::Rule, &[nft, (&v4, "-j DROP"), (&v6, "-j DROP")])
    }),
    Kind("accept turned into drop", |text| {
        texts(text, Part::Rule, &[("accept comment", "drop comment"), ("-j ACCEPT", "-j DROP")])
    }),
    Kind("jump and goto", |text| {
        [Part::Rule, Part::Element]
            .into_iter()
            .flat_map(|part| {
                texts(
                    text,
                    part,
                    &[
                        ("jump ovl", "goto ovl"),
                        ("goto ovl", "jump ovl"),
                        ("-j ovl", "-g ovl"),
                        ("-g ovl", "-j ovl"),
                    ],
                )
            })
            .collect()
    }),
    Kind("goes to another chain", |text| {
        let mut chains: Vec<&str> = text
            .lines
            .iter()
            .filter(|it| it.part == Part::Rule)
            .filter_map(|it| it.name.rsplit(' ').next())
            .collect();
        chains.dedup();
        [Part::Rule, Part::Element]
            .into_iter()
            .flat_map(|part| {
                each(text, part, |it| {
                    let goes = ["-j", "-g", "jump", "goto"].contains(&it.before(1));
                    if goes {
                        next(&chains, it.text()).map(str::to_owned).into_iter().collect()
                    } else {
                        vec![]
                    }
                })
            })
            .collect()
    }),
    Kind("return removed", |text| texts(text, Part::Rule, &[(" return ", " "), (" -j RETURN", "")])),
    Kind("policy changed", |text| texts(text, Part::Base, &[("policy accept", "policy drop")])),
    Kind("priority changed", |text| {
        let pairs = [
            ("raw - 150", "filter + 10"),
            ("priority raw;", "priority filter + 10;"),
            ("dstnat", "raw - 200"),
            ("dstnat", "srcnat"),
            ("srcnat", "filter - 310"),
            ("priority mangle", "priority raw - 300"),
            ("priority filter", "priority raw - 300"),
        ];
        texts(text, Part::Base, &pairs)
    }),
    Kind("hook changed", |text| {
        let pairs = [
            ("hook prerouting", "hook input"),
            ("hook prerouting", "hook forward"),
            ("hook output", "hook input"),
            ("hook postrouting", "hook input"),
            ("hook postrouting", "hook output"),
            ("hook forward", "hook input"),
            ("hook forward", "hook output"),
        ];
        let rules = [
            ("-I PREROUTING", "-I OUTPUT"),
            ("-I POSTROUTING", "-I OUTPUT"),
            ("-I FORWARD", "-I INPUT"),
            ("-I FORWARD", "-I OUTPUT"),
            ("-I OUTPUT", "-I PREROUTING"),
        ];
        [texts(text, Part::Base, &pairs), texts(text, Part::Rule, &rules)].concat()
    }),
    Kind("type of chain changed", |text| {
        texts(text, Part::Base, &[("type nat", "type filter"), ("type filter", "type nat")])
    }),
    Kind("interfaces in and out swapped", |text| {
        texts(
            text,
            Part::Rule,
            &[("iifname", "oifname"), ("oifname", "iifname"), (" -i ", " -o "), (" -o ", " -i ")],
        )
    }),
    Kind("interface of another network", |text| {
        let devices = text.devices();
        [Part::Rule, Part::Element]
            .into_iter()
            .flat_map(|part| {
                each(text, part, |it| {
                    devices.iter().filter_map(|all| next(all, it.text())).map(str::to_owned).collect()
                })
            })
            .collect()
    }),
    Kind("-I and -A", |text| {
        texts(
            text,
            Part::Rule,
            &[
                ("-I PREROUTING 1 ", "-A PREROUTING "),
                ("-I FORWARD 1 ", "-A FORWARD "),
                ("-I POSTROUTING 1 ", "-A POSTROUTING "),
                ("-I OUTPUT 1 ", "-A OUTPUT "),
                ("-A ovl", "-I ovl"),
            ],
        )
    }),
    Kind("source and destination swapped", |text| {
        texts(text, Part::Rule, &[("saddr", "daddr"), ("daddr", "saddr"), (" -s ", " -d "), (" -d ", " -s ")])
    }),
    Kind("dport changed", ports),
    Kind("protocol changed", protocols),
    Kind("icmp type gone or changed", |text| {
        let nft = ["destination-unreachable, ", "packet-too-big, ", "time-exceeded, ", ", parameter-problem"];
        let nft: Vec<(&str, &str)> = nft.iter().map(|it| (*it, "")).collect();
        let iptables = [
            ("-type destination-unreachable", "-type echo-request"),
            ("-type packet-too-big", "-type echo-request"),
            ("-type time-exceeded", "-type echo-request"),
            ("-type parameter-problem", "-type echo-request"),
        ];
        texts(text, Part::Rule, &[&nft[..], &iptables[..]].concat())
    }),
    Kind("direction or state of a connection", |text| {
        texts(
            text,
            Part::Rule,
            &[
                ("direction original", "direction reply"),
                ("direction reply", "direction original"),
                ("ctdir ORIGINAL", "ctdir REPLY"),
                ("ctdir REPLY", "ctdir ORIGINAL"),
                ("ctstate NEW", "ctstate ESTABLISHED"),
                ("ctstate RELATED", "ctstate NEW"),
                ("ct state new", "ct state established"),
                ("ct state related", "ct state new"),
            ],
        )
    }),
    Kind("comparison turned round", |text| {
        texts(
            text,
            Part::Rule,
            &[(" != ", " == "), (" == ", " != "), (" ! -", " -"), ("-m mark --mark", "-m mark ! --mark")],
        )
    }),
    Kind("a condition of a rule gone", conditions),
    Kind("translation by another statement", |text| {
        texts(
            text,
            Part::Rule,
            &[
                ("prefix to", "to"),
                ("dnat ip", "snat ip"),
                ("snat ip", "dnat ip"),
                ("-j NETMAP --to", "-j DNAT --to-destination"),
                ("-j SNAT --to-source", "-j NETMAP --to"),
            ],
        )
    }),
    Kind("another map or set", |text| {
        let named = text.lines.iter().filter(|it| it.part == Part::Element);
        let mut sets: Vec<String> =
            named.filter_map(|it| Some(format!("@{}", it.name.split_once(' ')?.1))).collect();
        sets.dedup();
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        each(text, Part::Rule, |it| next(&sets, it.text()).map(str::to_owned).into_iter().collect())
    }),
    Kind("type or flags of a set", |text| {
        texts(
            text,
            Part::Frame,
            &[
                ("flags interval", "flags dynamic"),
                ("type ipv4_addr", "type ipv6_addr"),
                ("type mark", "type ifname"),
                ("type ifname", "type mark"),
            ],
        )
    }),
    Kind("family or name of a table", |text| {
        texts(
            text,
            Part::Frame,
            &[
                ("table inet ovl {", "table ip ovl {"),
                ("table inet ovl {", "table inet other {"),
                ("delete table inet ovl", "delete table inet filter"),
                ("*raw", "*mangle"),
                ("*nat", "*mangle"),
                ("*filter", "*mangle"),
            ],
        )
    }),
    Kind("line of a ruleset's frame gone", |text| lines(text, Part::Frame, |_| Some(vec![]))),
    Kind("copying of connection marks", |text| {
        texts(
            text,
            Part::Rule,
            &[
                ("CONNMARK --restore-mark", "CONNMARK --save-mark"),
                ("-j CONNMARK", "-j MARK"),
                ("-j MARK", "-j CONNMARK"),
                ("meta mark set ct mark", "ct mark set meta mark"),
                ("ct mark set", "meta mark set"),
                ("-m connmark", "-m mark"),
                ("meta mark set meta mark", "meta mark set ct mark"),
            ],
        )
    }),
    Kind("size of segments", |text| {
        [
            lines(text, Part::Rule, |it| {
                (it.text.contains("maxseg") || it.text.contains("TCPMSS")).then(Vec::new)
            }),
            texts(
                text,
                Part::Rule,
                &[
                    ("--set-mss 1", "--set-mss 2"),
                    ("size set 1", "size set 2"),
                    ("size set rt mtu", "size set 500"),
                    ("--clamp-mss-to-pmtu", "--set-mss 500"),
                ],
            ),
        ]
        .concat()
    }),
    Kind("log or its limit", |text| {
        [
            lines(text, Part::Rule, |it| (it.text.contains("-j LOG")).then(Vec::new)),
            texts(
                text,
                Part::Rule,
                &[
                    ("log prefix \"", "log prefix \"x "),
                    ("--log-prefix \"", "--log-prefix \"x "),
                    ("limit rate 1", "limit rate 9"),
                    ("--limit 1", "--limit 9"),
                    ("--limit-burst ", "--limit-burst 1"),
                ],
            ),
        ]
        .concat()
    }),
    Kind("comment of a rule", |text| {
        let of = |part| texts(text, part, &[("comment \"", "comment \"x ")]);
        [of(Part::Rule), of(Part::Element)].concat()
    }),
];

fn addresses(text: &Text, wanted: impl Fn(&Word<'_>) -> bool) -> Vec<Fault> {
    each(text, Part::Rule, |it| if wanted(it) { moved(it.text()).into_iter().collect() } else { vec![] })
}

/// Whether a word is what addresses become.
fn is_to(it: &Word<'_>, destination: bool) -> bool {
    let nft = if destination { "dnat" } else { "snat" };
    let to = ["to", "--to", "--to-source", "--to-destination"].contains(&it.before(1));
    let of = if it.has("NETMAP") {
        it.has(if destination { "-d" } else { "-s" })
    } else {
        it.has(nft) || (!destination && it.has("SNAT"))
    };
    to && of
}

fn is_mask(it: &Word<'_>) -> bool {
    ["&", "--nfmask", "--ctmask"].contains(&it.before(1))
}

/// A mark as it was written, with other numbers.
fn marks(value: u32, mask: Option<u32>, was: &str) -> String {
    let value = if was.len() == 10 { format!("{value:#010x}") } else { format!("{value:#x}") };
    mask.map_or(value.clone(), |mask| format!("{value}/{mask:#x}"))
}

fn values_swapped(text: &Text) -> Vec<Fault> {
    let split = |place: usize| text.lines[place].text.split_once(" : ");
    let pairs = neighbours(text, |line| line.part == Part::Element && line.text.contains(" : "));
    let fault = |(a, b)| {
        let ((key_a, value_a), (key_b, value_b)) = (split(a)?, split(b)?);
        let lines = [(a, vec![format!("{key_a} : {value_b}")]), (b, vec![format!("{key_b} : {value_a}")])];
        (value_a != value_b).then(|| Fault { edits: lines.into() })
    };
    pairs.into_iter().filter_map(fault).collect()
}

fn zones(text: &Text, change: impl Fn(u32) -> u32) -> Vec<Fault> {
    let of_zone = |it: &Word<'_>| {
        let rule = ["--zone", "--zone-orig", "--zone-reply"].contains(&it.before(1))
            || (it.before(1) == "set" && it.before(2) == "zone");
        rule || (it.line.part == Part::Element && it.line.name.contains("zone") && it.before(1) == ":")
    };
    let parts = [Part::Rule, Part::Element];
    let faults = parts.into_iter().flat_map(|part| {
        each(text, part, |it| match it.text().parse::<u32>() {
            Ok(zone) if of_zone(it) => vec![change(zone).to_string()],
            _ => vec![],
        })
    });
    faults.collect()
}

fn rules_moved(text: &Text) -> Vec<Fault> {
    let places: Vec<usize> = text.places(|line| line.part == Part::Rule).collect();
    let apart = places.windows(2).filter(|pair| {
        let [a, b] = [&text.lines[pair[0]], &text.lines[pair[1]]];
        a.name != b.name && a.function == b.function
    });
    let fault = |pair: &[usize]| {
        let [a, b] = [&text.lines[pair[0]], &text.lines[pair[1]]];
        let chain = |name: &str| name.rsplit(' ').next().unwrap_or_default().to_owned();
        let [from, to] = [chain(&a.name), chain(&b.name)];
        let moved = a.text.replacen(&format!("-A {from} "), &format!("-A {to} "), 1);
        Fault { edits: [(pair[0], vec![]), (pair[1], vec![moved, b.text.clone()])].into() }
    };
    apart.map(fault).collect()
}

fn ports(text: &Text) -> Vec<Fault> {
    let change = |it: &Word<'_>| {
        let element = it.line.part == Part::Element && it.before(1) == ".";
        let rule = it.before(1) == "--dports" || it.before(1) == "--dport" || it.before(1) == "dport";
        if !element && !rule {
            return vec![];
        }
        let end = it.text().rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        match it.text()[end..].parse::<u32>() {
            Ok(port) => vec![format!("{}{}", &it.text()[..end], port + 1)],
            Err(_) => vec![],
        }
    };
    [Part::Rule, Part::Element].into_iter().flat_map(|part| each(text, part, change)).collect()
}

fn protocols(text: &Text) -> Vec<Fault> {
    let other = |word: &str| match word {
        "tcp" => Some("udp"),
        "udp" => Some("tcp"),
        "icmp" => Some("tcp"),
        "ipv6-icmp" | "icmpv6" => Some("udp"),
        "esp" => Some("ah"),
        _ => None,
    };
    let change = |it: &Word<'_>| {
        let known = it.before(1) == "-p"
            || ["l4proto", "{", "icmp"].contains(&it.before(1))
            || it.line.part == Part::Element;
        let known = known && it.all.get(it.at + 1) != Some(&"type");
        if known { other(it.text()).map(str::to_owned).into_iter().collect() } else { vec![] }
    };
    [Part::Rule, Part::Element].into_iter().flat_map(|part| each(text, part, change)).collect()
}

/// Rules that ask one thing less.
fn conditions(text: &Text) -> Vec<Fault> {
    let starts = [
        "ip saddr",
        "ip6 saddr",
        "ip daddr",
        "ip6 daddr",
        "oifname",
        "meta l4proto",
        "meta nfproto",
        "ct direction original",
        "ct direction reply",
    ];
    let nft = lines(text, Part::Rule, |it| {
        let rest = it.text.trim();
        let start = starts.iter().find(|start| rest.starts_with(**start))?;
        let words = start.split(' ').count() + usize::from(!start.starts_with("ct"));
        let kept: Vec<&str> = rest.split(' ').skip(words).collect();
        (!rest.contains("map @") && !kept.first()?.starts_with("comment"))
            .then(|| vec![format!("\t\t{}", kept.join(" "))])
    });
    let asked = ["-i", "-o", "-s", "-d", "-p", "--ctdir", "--ctstate"];
    let iptables = asked.into_iter().flat_map(|flag| {
        lines(text, Part::Rule, |it| {
            let (before, after) = it.text.split_once(&format!(" {flag} "))?;
            let (_, after) = after.split_once(' ')?;
            let before = before.strip_suffix("-m conntrack").unwrap_or(before).trim_end();
            it.text.starts_with('-').then(|| vec![format!("{before} {after}")])
        })
    });
    let marks = lines(text, Part::Rule, |it| {
        let (before, after) = it.text.split_once(" -m mark ")?;
        let (_, after) = after.split_once("--mark ")?;
        let (_, after) = after.split_once(' ')?;
        Some(vec![format!("{before} {after}")])
    });
    nft.into_iter().chain(iptables).chain(marks).collect()
}
