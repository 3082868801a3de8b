//! What the reader of emitted text makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use overlapc::read::{ip, iptables, nft};

/// The files of a name that goldens expect.
fn goldens(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/emit");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all.into_iter().filter(|path| path.is_dir()).collect()
    };
    let files = folders(&root).into_iter().flat_map(|site| folders(&site)).map(|expect| expect.join(name));
    files.filter(|file| file.exists()).collect()
}

#[test]
fn every_emitted_ruleset_is_read_whole() {
    let files = goldens("ruleset.nft");
    assert!(files.len() > 20, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let filter = nft::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let rules: usize = filter.chains.iter().map(|chain| chain.rules.len()).sum();
        // A line of a rule is one that ends in its comment; those of sets end in a comma.
        let written = text.lines().filter(|line| line.starts_with("\t\t") && line.ends_with('"'));
        assert_eq!(rules, written.count(), "{}", file.display());
    }
}

#[test]
fn every_emitted_restore_file_is_read_whole() {
    for (name, v4) in [("rules.v4", true), ("rules.v6", false)] {
        let files = goldens(name);
        assert!(files.len() > 20, "{}", files.len());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let filter =
                iptables::read(&text, v4).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let rules: usize = filter.chains.iter().map(|chain| chain.rules.len()).sum();
            let written = text.lines().filter(|line| line.starts_with("-A") || line.starts_with("-I"));
            assert_eq!(rules, written.count(), "{}", file.display());
        }
    }
}

#[test]
fn every_emitted_batch_is_read_whole() {
    for (name, v4) in [("ip.batch", true), ("ip6.batch", false)] {
        let files = goldens(name);
        assert!(files.len() > 20, "{}", files.len());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let commands =
                ip::commands(&text, v4).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let written = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            assert_eq!(commands.len(), written.count(), "{}", file.display());
        }
    }
}

/// What is not known is refused with its line, wherever it stands.
#[test]
fn what_is_not_known_is_refused_with_its_line() {
    let nft = |rule: &str| {
        let text = format!("table inet ovl {{\n\tchain ovl_a {{\n\t\t{rule}\n\t}}\n}}\n");
        nft::read(&text).map(drop).map_err(|error| error.line)
    };
    assert_eq!(nft("ip saddr 10.0.0.0/8 accept"), Ok(()));
    for rule in [
        "ip saddr 10.0.0.0/8 acept",
        "ip saddr 10.0.0.0/33 accept",
        "ip saddr fd00::1 accept",
        "ip ttl 1 accept",
        "ip daddr @ovl_nobody accept",
        "goto ovl_nowhere",
        "meta mark set meta mark + 1",
        "meta skuid 0 accept",
        "ct zone set 65536",
        "ct status dnat accept",
        "dnat ip prefix to fd00::/64",
        "snat ip to 10.0.0.0/8",
        "tcp flags & (syn | rest) == syn accept",
        "limit rate 10/fortnight accept",
        "queue num 1",
        "icmp type 300 accept",
        "reject with tcp reset",
        "ip daddr { } accept",
    ] {
        assert_eq!(nft(rule), Err(3), "{rule}");
    }
    for text in ["flush ruleset", "table bridge x {\n}", "include \"x\"", "table inet x {\n\tflowtable y {"] {
        assert!(nft::read(text).is_err(), "{text}");
    }

    let iptables = |rule: &str| {
        let text = format!("*nat\n:ovl-a - [0:0]\n-A PREROUTING -j ovl-a\n{rule}\nCOMMIT\n");
        iptables::read(&text, true).map(drop).map_err(|error| error.line)
    };
    assert_eq!(iptables("-A ovl-a -s 10.0.0.0/8 -j ACCEPT"), Ok(()));
    for rule in [
        "-A ovl-a -s 10.0.0.0/8 -j ACEPT",
        "-A ovl-b -j ACCEPT",
        "-A ovl-a -g ovl-b",
        "-A ovl-a -s fd00::/64 -j ACCEPT",
        "-A ovl-a -m owner --uid-owner 0 -j ACCEPT",
        "-A ovl-a -m mark --mark 0x1/0xfffffffff -j ACCEPT",
        "-A ovl-a -j NETMAP --to 10.0.0.0/8 --random",
        "-A ovl-a -j CT --zone 65536",
        "-A ovl-a -j CT --notrack",
        "-I ovl-a -j ACCEPT",
        "-I ovl-a 2 -j ACCEPT",
        "-D ovl-a -j ACCEPT",
        "-A ovl-a -m comment --comment \"open -j ACCEPT",
        "-A ovl-a -p tcp --syn -j ACCEPT",
        "-A ovl-a -f -j ACCEPT",
    ] {
        assert_eq!(iptables(rule), Err(4), "{rule}");
    }
    // Targets that the kernel takes in one table alone, as iptables-restore says of each of these.
    let (zone, moved) = ("CT --zone 5", "NETMAP --to 10.0.0.0/8");
    for (table, target, taken) in [
        ("raw", zone, true),
        ("mangle", zone, false),
        ("filter", zone, false),
        ("nat", zone, false),
        ("mangle", moved, false),
        ("raw", "MASQUERADE", false),
        ("filter", "REJECT", true),
        ("raw", "REJECT", false),
        ("mangle", "REJECT", false),
        ("raw", "MARK --set-xmark 0x1/0x1", true),
        ("filter", "MARK --set-xmark 0x1/0x1", true),
    ] {
        let text = format!("*{table}\n:ovl-a - [0:0]\n-A ovl-a -j {target}\nCOMMIT\n");
        assert_eq!(iptables::read(&text, true).is_ok(), taken, "{table}: {target}");
    }
    let table = "*raw\n:ovl-a - [0:0]\nCOMMIT\n";
    assert_eq!(iptables::read(&format!("{table}{table}"), true).unwrap_err().line, 4);
    // A chain that would change destinations for one caller and sources for the other.
    assert!(iptables("-A ovl-a -j NETMAP --to 10.0.0.0/8").is_ok());
    assert!(iptables("-A POSTROUTING -j ovl-a").is_err());

    for line in [
        "route add 10.0.0.0/8",
        "route add 10.0.0.0/8 dev a0 table much",
        "route add fd00::/64 dev a0",
        "route add 10.0.0.0/8 dev a0 mtu 1400",
        "route append 10.0.0.0/8 dev a0",
        "rule add pref 1 fwmark 0x1/0xf",
        "rule add pref 1 lookup 2 goto 3",
        "rule add pref 1 uidrange 0-0 lookup 2",
        "rule add fwmark 0x1/0xf lookup 2",
        "link set dev a0 up mtu 1400",
        "address add 10.0.0.1/33 dev a0",
        "neigh add 10.0.0.1 dev a0",
    ] {
        let error = ip::commands(&format!("link set dev a0 up\n{line}\n"), true).unwrap_err();
        assert_eq!(error.line, 2, "{line}");
    }
}
