//! One mistake, one finding: each text with everything that is said about it.

use super::{finds, parsed};

#[test]
fn a_brace_glued_to_its_word_is_told_from_an_interpolation() {
    finds(
        "connect a -> b{\n allow tcp 102\n}\n",
        &[
            "1:15 OVL0003 `{` directly after `b` has no `}` on its line | put a blank before `{` if it opens a block",
        ],
    );
    finds(
        "connect a -> b{ allow tcp 102 }\n",
        &[
            "1:23 OVL0101 expected an operator or `}`, found `tcp` | put a blank before `{` if it opens a block",
        ],
    );
    finds(
        "connect a -> b{}\n",
        &["1:16 OVL0101 expected a value, found `}` | put a blank before `{` if it opens a block"],
    );
    finds(
        "network a{ id 1; interface eth0 }\nnetwork b {\n}\n",
        &[
            "1:10 OVL0003 `{` directly after `a` has no `}` on its line | put a blank before `{` if it opens a block",
        ],
    );
    finds(
        "network eth{1}{\n    id 5\n}\n",
        &[
            "1:15 OVL0003 `{` directly after `eth{1}` has no `}` on its line | put a blank before `{` if it opens a block",
        ],
    );
    finds(
        "gateway{ marks 5 }\n",
        &["1:1 OVL0101 expected a statement, found `gateway{` | put a blank before `{` if it opens a block"],
    );
}

#[test]
fn a_misspelt_statement_is_read_as_the_one_it_was_meant_to_be() {
    finds(
        "network a {\n    interface eth0\n    prefix 10.0.0.0/24 az 10.1.0.0/24\n    interfce eth1\n}\n",
        &[
            "3:24 OVL0101 expected an operator, `as` or the end of the line, found `az` | did you mean `as`?",
            "4:5 OVL0103 unknown statement `interfce` | did you mean `interface`?",
        ],
    );
    finds(
        "netwrok a {\n    interface eth0\n}\n",
        &["1:1 OVL0103 unknown statement `netwrok` | did you mean `network`?"],
    );
    finds(
        "foo bar {\n baz\n}\n{\n}\n",
        &[
            "1:1 OVL0103 unknown statement `foo` | did you mean `for`?",
            "4:1 OVL0101 expected a statement, found `{`",
        ],
    );
}

#[test]
fn a_statement_in_the_wrong_place_is_sent_where_it_belongs() {
    finds(
        "prefix 10.0.0.0/8\nnetwork a {\n allow tcp\n let x = 1\n}\n",
        &[
            "1:1 OVL0103 `prefix` is not a statement of the top level | move it to a `network` block",
            "3:2 OVL0103 `allow` is not a statement of a `network` block | move it to the block of a `connect`",
            "4:2 OVL0103 `let` is not a statement of a `network` block | move it to the top level or a `for` block",
        ],
    );
    finds(
        "prefix\taz\n\"a\" b\n",
        &[
            "1:1 OVL0103 `prefix` is not a statement of the top level | move it to a `network` block",
            "2:1 OVL0101 expected a statement, found `\"a\"`",
        ],
    );
    finds(
        "network a { } network b { }\nas 5\n",
        &[
            "1:15 OVL0101 expected the end of the line, found `network`",
            "2:1 OVL0103 a statement cannot begin with `as` | write it on the line of its statement; a newline ends a statement",
        ],
    );
}

#[test]
fn a_missing_brace_is_one_finding() {
    finds(
        "network a\n    interface eth0\n}\nnetwork b {\n}\n",
        &["1:10 OVL0102 the block of `network` has no `{` | open the block with `{`"],
    );
    finds(
        "network a\n{\n    interface eth0\n}\n",
        &[
            "2:1 OVL0102 the `{` of `network` is not on its line | move `{` to the end of the line of `network`",
        ],
    );
    finds(
        "network a {\n    interface eth0\n\nnetwork b {\n    interface eth1\n}\n",
        &["4:1 OVL0102 the block of `network` is not closed | close the block with `}`"],
    );
    finds(
        "network a {\n    interface eth0\n",
        &["2:19 OVL0102 the block of `network` is not closed | close the block with `}`"],
    );
    finds(
        "network a {\n}\n}\nnetwork b {\n}\n",
        &["3:1 OVL0102 `}` closes no block | remove it, or put the `{` that is missing before it"],
    );
    finds("network a interface eth0 }\nnetwork b {\n}\n", &["1:11 OVL0101 expected `{`, found `interface`"]);
    finds(
        "connect a -> b\n    allow tcp 102\n}\n",
        &["1:15 OVL0102 the block of `connect` has no `{` | open the block with `{`"],
    );
    finds(
        "connect a -> b\n{\n allow tcp 102\n}\n",
        &[
            "2:1 OVL0102 the `{` of `connect` is not on its line | move `{` to the end of the line of `connect`",
        ],
    );
    finds(
        "for n in 1..3 {\n    network a {\n        id 1\n\n}\nconnect a -> b\n",
        &["6:15 OVL0102 the block of `for` is not closed | close the block with `}`"],
    );
}

#[test]
fn a_bad_character_makes_no_second_finding() {
    finds(
        "connect a => b\nconnect a <- b\nconnect a ↔ b\n",
        &[
            "1:11 OVL0001 `=>` is not an arrow of this language | write `->`",
            "2:11 OVL0001 `<-` is not an arrow of this language | swap the two sides and write `->`",
            "3:11 OVL0001 `↔` is not an arrow of this language | write `<->`",
        ],
    );
    finds(
        "network a {\n    interface müller0\n    prefix \"a\\n\"\n    id 5 6\n}\n",
        &[
            "2:16 OVL0001 `ü` cannot stand in a bare word | put the word in double quotes: `\"müller0\"`",
            "3:14 OVL0001 `\\n` is not an escape | a backslash goes before `\"`, `{` and another backslash only; write `\\\\` for itself",
            "4:10 OVL0101 expected an operator or the end of the line, found `6`",
        ],
    );
    finds(
        "network a {\n    id \"a\u{7}b\" # x\u{202e}y\n}\n",
        &[
            "2:10 OVL0001 the character U+0007 cannot be seen | remove it",
            "2:17 OVL0001 the character U+202E cannot be seen | remove it",
        ],
    );
    finds(
        "network a {\n    prefix 10.0.0.0/8 as ü; prefix ö b c; id 5 6\n}\n",
        &[
            "2:26 OVL0001 `ü` cannot stand in a bare word | put the word in double quotes: `\"ü\"`",
            "2:36 OVL0001 `ö` cannot stand in a bare word | put the word in double quotes: `\"ö\"`",
            "2:48 OVL0101 expected an operator or the end of the line, found `6`",
        ],
    );
    finds(
        "interface eth0#1\n",
        &[
            "1:1 OVL0103 `interface` is not a statement of the top level | move it to a `network` block",
            "1:15 OVL0001 `#` directly after a word | put a blank before the comment",
        ],
    );
    finds(
        "\0\0\0 \u{1}\n",
        &[
            "1:1 OVL0001 the character U+0000 cannot be seen | remove it",
            "1:5 OVL0001 the character U+0001 cannot be seen | remove it",
        ],
    );
}

#[test]
fn a_list_behind_allow_lacks_its_protocol_or_has_several() {
    finds(
        "connect a -> b {\n allow 102, 502 to plc\n allow 80-90,\n 443\n deny tcp, udp 53\n}\n",
        &[
            "2:8 OVL0101 expected a protocol before the ports, found `102` | write `tcp` or `udp` before its ports",
            "3:8 OVL0101 expected a protocol before the ports, found `80-90` | write `tcp` or `udp` before its ports",
            "5:10 OVL0101 expected a port or type, `from`, `log`, `to` or the end of the line, found `,` | a rule is about one protocol: write another rule for `udp`",
        ],
    );
    let (_, findings) = parsed("connect a -> b { allow 102, 502 }\n");
    let fix = findings.first().and_then(|finding| finding.fix.clone()).unwrap();
    assert_eq!((fix.span.range(), fix.replacement.as_str(), fix.safe), (23..23, "tcp ", false));
}

#[test]
fn what_a_word_processor_made_of_plain_characters_is_told_from_it() {
    finds(
        "connect a –> b\nnetwork a {\n    prefix\u{a0}10.0.0.0/24\n    interface “eth0”\n    id 5–6\n    id „5\n}\n",
        &[
            "1:11 OVL0001 `–>` is not an arrow of this language | write `->`",
            "3:11 OVL0001 the character U+00A0 is not a blank | write a plain blank",
            "4:15 OVL0001 the quote `“` is not `\"` | write plain double quotes",
            "5:9 OVL0001 the dash `–` is not `-` | write `-`",
            "6:8 OVL0001 `„` cannot stand in a bare word | put the word in double quotes: `\"„5\"`",
        ],
    );
    let (_, findings) = parsed("network a {\n    interface “eth 0” # x\n}\n");
    let fix = findings.first().and_then(|finding| finding.fix.clone()).unwrap();
    assert_eq!((fix.span.range(), fix.replacement.as_str()), (26..37, "\"eth 0\""));
    finds("# a\u{2028}b\n", &["1:4 OVL0001 the character U+2028 cannot be seen | remove it"]);
}

#[test]
fn lines_that_end_in_a_carriage_return_are_lines_and_told_about_once() {
    finds(
        "# x\rnetwork a {\r    id 5 6\r}\r",
        &[
            "1:4 OVL0001 a carriage return without a line feed | save the file with lines that end in a line feed (LF, or CR and LF)",
            "1:26 OVL0101 expected an operator or the end of the line, found `6`",
        ],
    );
}

#[test]
fn a_brace_in_quotes_that_stays_open_does_not_lose_the_block() {
    finds(
        "network \"abc {\n    id 5\n}\n",
        &["1:14 OVL0003 `{` in a quoted word has no `}` | write `\\{` for the brace itself"],
    );
    finds(
        "network \"a{b\" {\n    id 5\n}\n",
        &["1:11 OVL0003 `{` in a quoted word has no `}` | write `\\{` for the brace itself"],
    );
}

#[test]
fn an_interpolation_that_stays_open_does_not_swallow_what_follows() {
    finds(
        "site a{1\nnetwork b {\n    interface eth{1\n    idd 5\n}\n",
        &[
            "1:9 OVL0003 the interpolation in `a{1` does not end | close it: `a{1}`",
            "3:20 OVL0003 the interpolation in `eth{1` does not end | close it: `eth{1}`",
            "4:5 OVL0103 unknown statement `idd` | did you mean `id`?",
        ],
    );
}

#[test]
fn a_value_that_stays_open_ends_at_its_line() {
    finds(
        "let x = (1 + 2\nnetwork a {\n    id 1\n}\n",
        &["1:15 OVL0101 expected an operator or `)`, found the end of the line"],
    );
    finds(
        "let x = n -1\nx = 5\n",
        &[
            "1:11 OVL0101 expected an operator or the end of the line, found `-1` | an operator stands between blanks",
            "2:1 OVL0103 unknown statement `x` | write `let` before a name that gets a value",
        ],
    );
    finds(
        "network a {\n    id 5)\n    id (5\n    id subnet(1, (2)\n    }\n",
        &[
            "2:9 OVL0101 expected an operator or the end of the line, found `)`",
            "3:10 OVL0101 expected an operator or `)`, found the end of the line",
            "4:21 OVL0101 expected an operator, `,` or `)`, found the end of the line",
        ],
    );
    finds(
        "let x = 1 + + 2\nlet = 5\nlet x 5\n",
        &[
            "1:13 OVL0101 expected a value, found `+`",
            "2:5 OVL0101 expected a name, found `=`",
            "3:7 OVL0101 expected `=`, found `5` | a value stands behind `=`",
        ],
    );
}

#[test]
fn a_missing_part_is_named() {
    finds(
        "network a {\n    route via 10.0.0.1\n    route 10.0.0.0/8 to 10.0.0.1\n    prefix\n    host to 1.2.3.4\n}\n",
        &[
            "2:11 OVL0101 expected a prefix, found `via`",
            "3:22 OVL0101 expected an operator or `via`, found `to` | the router stands behind `via`",
            "4:11 OVL0101 expected a prefix, found the end of the line",
            "5:10 OVL0101 expected a host name, found `to` | `to` has a meaning of its own; as a name it needs double quotes",
        ],
    );
    finds(
        "connect a - > b\nconnect a to b\nfor n 1..2 {\n network a {\n}\n}\n",
        &[
            "1:13 OVL0001 `>` cannot stand in a bare word | put text that needs this character in double quotes",
            "2:11 OVL0101 expected `->` or `<->`, found `to` | write an arrow between the two sides",
            "3:7 OVL0101 expected `in`, found `1`",
        ],
    );
    finds(
        "connect a -> b {\n allow tcp 1..5\n deny from\n allow tcp 1,\n}\n",
        &[
            "2:13 OVL0101 expected `,`, `from`, `log`, `to` or the end of the line, found `..` | a range of ports is written with a dash: `30000-30100`",
            "3:11 OVL0101 expected a host name, found the end of the line",
            "5:1 OVL0101 expected a port or type, found `}` | remove the comma, or name another one behind it",
        ],
    );
    finds(
        "include ../x.ovl\ninclude \"a{n}\"\ninclude\n",
        &[
            "1:9 OVL0101 expected a file name, found `..` | put the file name in double quotes",
            "2:9 OVL0101 expected a file name, found `\"a{` | a file name cannot hold `{`; write it out",
            "3:8 OVL0101 expected a file name, found the end of the line",
        ],
    );
}

#[test]
fn a_rule_says_how_its_words_are_written() {
    finds(
        "connect a -> b {\n allow tcp {500 + n}\n deny udp log limit {n}/second\n}\n",
        &[
            "2:12 OVL0101 expected a port or type, `from`, `log`, `to` or the end of the line, found `{` | a word that begins with an interpolation needs double quotes, like `\"{500 + n}\"`",
            "3:21 OVL0101 expected a rate, found `{` | a word that begins with an interpolation needs double quotes, like `\"{500 + n}\"`",
        ],
    );
    finds(
        "connect a -> b {\n deny tcp 22 limit 10/minute\n}\n",
        &[
            "2:14 OVL0101 expected `,`, `from`, `log`, `to` or the end of the line, found `limit` | a limit is for what is logged: write `log limit`",
        ],
    );
}

#[test]
fn an_interpolation_without_its_brace_is_closed_where_its_value_ends() {
    let closed = "1:16 OVL0003 the interpolation in `cell-{n` does not end | close it: `cell-{n}`";
    finds(
        "network cell-{n {\n    id 5\n    idd 6\n}\n",
        &[closed, "3:5 OVL0103 unknown statement `idd` | did you mean `id`?"],
    );
    finds("network cell-{n\n    id 5\n}\n", &[closed]);
    finds("network cell-{n { id 5 }\n", &[closed]);
}

#[test]
fn what_other_languages_write_for_comments_values_and_ranges_is_one_finding() {
    let comment = "OVL0001 `//` does not begin a comment | begin the comment with `#`";
    finds(
        "// it's {a\nnetwork a {\n id 50 // machine's \"x\n}\n",
        &[&format!("1:1 {comment}"), &format!("3:8 {comment}")],
    );
    let value = "OVL0001 `$` cannot stand in a bare word | write `{n}` for the value of `n`";
    finds(
        "network cell-$n {\n id 1\n}\nnetwork cell-${n} {\n id 1\n}\n",
        &[&format!("1:14 {value}"), &format!("4:14 {value}")],
    );
    finds("for n in 1...20 {\n}\n", &["1:11 OVL0101 expected `..`, found `...` | a range has two dots"]);
}
