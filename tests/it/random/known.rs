//! Sites on which something was wrong once, each as small as it could be made.
//!
//! Goes in: their texts. Comes out: the same trial as of random ones. What must hold: each says what was wrong.

use overlapc::verify::verify;

use super::{forms, trial};

/// Puts a site to the test in all forms.
fn is_right(text: &str) {
    for what in forms::FORMS {
        let form = forms::compiled(text, what).unwrap_or_else(|codes| panic!("{codes:?}"));
        let wrong = trial::of(&form, 1).wrong;
        assert!(wrong.is_empty(), "{what:?} {wrong:#?}");
    }
}

/// It left by the wire, where nobody has it: the route of the link came before that which refuses.
#[test]
fn the_number_of_a_gateway_that_is_alone_on_its_link_is_nobodys() {
    is_right(
        "network a {\n interface if2\n address 172.18.0.1/32\n address fd18::1/128\n prefix 172.18.0.1/32\n prefix fd18::1/128\n}\n\
         network b {\n interface if3\n address 192.168.0.127/24\n address fd00::1/64\n prefix 192.168.0.0/24 as 10.71.4.0/24\n\
         prefix fd00::/64 as fd64::/64\n}\n\
         connect b -> a\n",
    );
}

/// What the gateway cannot send to, as it has the number itself elsewhere, was asked for where nothing else is.
#[test]
fn a_network_whose_only_host_has_a_number_of_the_gateway_is_proved() {
    is_right(
        "network a {\n interface if0\n address 192.168.0.0/31\n prefix 192.168.0.0/31 as 10.64.0.0/31\n}\n\
         network b {\n interface if1\n address 192.168.0.1/24\n prefix 192.168.0.0/24 as 10.64.16.0/24\n}\n\
         connect a <-> b\n",
    );
}

/// `mgmt0` has a number that a host has behind `if1`.
const OUTSIDE: &str = "gateway {\n address 192.168.0.10/24 on mgmt0\n}\n\
     network a {\n interface if0\n address 192.168.1.1/24\n prefix 192.168.1.0/24\n}\n\
     network b {\n interface if1\n address 192.168.0.1/24\n prefix 192.168.0.0/24 as 10.64.0.0/24\n}\n\
     connect b <-> a\n";

/// In a VRF the table `local` is found before the network's own when a source is looked up.
#[test]
fn a_host_may_have_a_number_that_the_gateway_has_outside() {
    is_right(OUTSIDE);
}

/// So is what stands for all of a subnet that the gateway is in elsewhere, and for all its routers.
#[test]
fn a_host_may_have_a_number_that_is_nobodys_where_the_gateway_is_outside() {
    is_right(
        "gateway {\n address 192.168.0.10/25 on mgmt0\n address fd00::a/64 on mgmt0\n}\n\
         network a {\n interface if0\n address 192.168.1.1/24\n prefix 192.168.1.0/24\n \
         address fd16::1/64\n prefix fd16::/64\n}\n\
         network b {\n interface if1\n prefix 192.168.0.127/32 as 10.64.0.1/32\n prefix fd00::/128 as fd64::1/128\n}\n\
         connect b <-> a\n",
    );
}

/// Hosts behind a router of a masqueraded network that is known as itself may have the numbers of those who ask it, who
/// may send to the gateway's number there, too.
#[test]
fn a_masqueraded_network_may_be_known_as_itself_and_hold_its_askers_numbers() {
    is_right(
        "network a {\n interface if0\n address 192.168.0.1/24\n address fd00::1/64\n \
         prefix 192.168.0.0/24 as 10.64.0.0/24\n prefix fd00::/64 as fd64::/64\n}\n\
         network b {\n interface if1\n address 172.19.0.1/24\n address fd19::1/64\n prefix 172.19.0.0/24\n \
         prefix fd19::/64\n prefix 192.168.0.4/30 as 10.69.0.12/30\n route 192.168.0.4/30 via 172.19.0.2\n \
         prefix fd00::4/126 as fd69::4/126\n route fd00::4/126 via fd19::2\n nodes masqueraded\n}\n\
         connect a -> b\n",
    );
}

/// Hosts behind a router on a link of their own numbers see the gateway's address on that link.
#[test]
fn masqueraded_hosts_behind_a_router_with_numbers_of_a_link_see_the_address_there() {
    is_right(
        "network a {\n interface if0\n prefix 172.16.0.0/24\n}\n\
         network b {\n interface if1\n address 10.0.0.1/24\n address 10.0.1.1/24\n prefix 10.0.0.0/24\n \
         prefix 10.0.1.0/24\n route 10.0.1.128/25 via 10.0.1.5\n nodes masqueraded\n}\n\
         connect a -> b\n",
    );
}

/// The proof did not know of it, and saw nobody who takes the packets of that host.
#[test]
fn a_number_that_the_gateway_has_outside_is_seen_by_the_proof() {
    for what in forms::FORMS {
        let form = forms::compiled(OUTSIDE, what).unwrap_or_else(|codes| panic!("{codes:?}"));
        let mut files = form.files.clone();
        let script = files.get_mut("site.sh").unwrap();
        assert!(script.contains("LOCAL='901'"), "{what:?}");
        *script = script.replacen("LOCAL='901'", "LOCAL=''", 1);
        let found = verify(form.site.site(), &files).unwrap();
        let taken = found.failures.iter().any(|it| it.what.contains("is taken by the gateway itself"));
        assert!(taken, "{what:?} {:?}", found.failures);
    }
}
