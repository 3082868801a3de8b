//! A host driven over standard input, so that one coordinator can run many at once.
//!
//! ```text
//! ask ID PROTOCOL DESTINATION ...   later: `answer ID ok TEXT`, or `answer ID REASON`
//! ask ID say DESTINATION from=...   the same on a connection that was asked to `hold`
//! release                           closes the connections that were asked to `hold`
//! flow ID DESTINATION ...           adds to what is sent all the time, see `flow`
//! round                             later: `round PORT`, when one more round has been sent
//! heard PORT MS [FLOW TRANSPORT]... later: `missing FLOW TRANSPORT` for what is not answered in time, then `end`
//! flowed                            ends the flows; `told ...` for each kind of answer that came, then `end`
//! seen                              `saw LINE` for each packet received since the last time, then `end`
//! watch                             looks at both directions from now on; `ready` when it does
//! caught                            `saw LINE` for each packet since then, in or out, then `end`
//! ```
//! `ready` is printed when all sockets are open; the end of input ends the host.

use std::collections::BTreeSet;
use std::io::stdin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::ask::Ask;
use super::flow::Flows;
use super::serve::Listener;
use super::sniff::Sniffer;

/// Serves, and obeys until the input ends.
pub fn obey(listener: &Listener) -> Result<(), String> {
    let packet_socket = |e: std::io::Error| format!("packet socket: {e}");
    let sniffer = Sniffer::arrivals().map_err(packet_socket)?;
    let mut both_ways = None;
    listener.start()?;
    let held = Arc::new(Mutex::new(Vec::new()));
    let flows = Flows::default();
    println!("ready");
    for line in stdin().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "ask" => {
                let (id, question) = rest.split_once(' ').ok_or_else(|| format!("no question: {line}"))?;
                if let Some(question) = question.strip_prefix("say ") {
                    let ask = Ask::parse(&format!("tcp {question}"))?;
                    let told = ask.again_on(&held.lock().unwrap_or_else(PoisonError::into_inner));
                    println!(
                        "answer {id} {}",
                        told.map_or_else(|reason| reason.to_string(), |t| format!("ok {t}"))
                    );
                    continue;
                }
                let (id, ask, held) = (id.to_owned(), Ask::parse(question)?, Arc::clone(&held));
                let work = move || match ask.run() {
                    Ok(answer) => {
                        held.lock().unwrap_or_else(PoisonError::into_inner).extend(answer.held);
                        println!("answer {id} ok {}", answer.text);
                    }
                    Err(reason) => println!("answer {id} {reason}"),
                };
                thread::Builder::new().stack_size(256 << 10).spawn(work).map_err(|e| e.to_string())?;
            }
            "release" => held.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            "flow" => flows.add(rest)?,
            "round" => println!("round {}", flows.round()),
            "heard" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let [since, limit, ways @ ..] = words.as_slice() else { return Err(line) };
                let (Ok(since), Ok(limit)) = (since.parse(), limit.parse()) else { return Err(line) };
                let ways: Vec<(String, String)> =
                    ways.chunks_exact(2).map(|way| (way[0].to_owned(), way[1].to_owned())).collect();
                for way in flows.missing(since, &ways, Duration::from_millis(limit)) {
                    println!("missing {way}");
                }
                println!("end");
            }
            "flowed" => {
                for line in flows.end() {
                    println!("told {line}");
                }
                println!("end");
            }
            "seen" => tell(sniffer.take()),
            "watch" => {
                both_ways = Some(Sniffer::hops().map_err(packet_socket)?);
                println!("ready");
            }
            "caught" => tell(both_ways.take().map(Sniffer::end).unwrap_or_default()),
            _ => return Err(format!("not understood: {line}")),
        }
    }
    Ok(())
}

fn tell(lines: BTreeSet<String>) {
    for line in lines {
        println!("saw {line}");
    }
    println!("end");
}
