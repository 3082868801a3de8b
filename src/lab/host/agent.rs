//! A host driven over standard input, so that one coordinator can run many at once.
//!
//! ```text
//! ask ID PROTOCOL DESTINATION ...   later: `answer ID ok TEXT`, or `answer ID REASON`
//! release                           closes the connections that were asked to `hold`
//! seen                              `saw LINE` for each packet received since the last time, then `end`
//! ```
//! `ready` is printed when all sockets are open; the end of input ends the host.

use std::io::stdin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::ask::Ask;
use super::serve::Listener;
use super::sniff::Sniffer;

/// Serves, and obeys until the input ends.
pub fn obey(listener: &Listener) -> Result<(), String> {
    let sniffer = Sniffer::start().map_err(|e| format!("packet socket: {e}"))?;
    listener.start()?;
    let held = Arc::new(Mutex::new(Vec::new()));
    println!("ready");
    for line in stdin().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "ask" => {
                let (id, question) = rest.split_once(' ').ok_or_else(|| format!("no question: {line}"))?;
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
            "seen" => {
                for line in sniffer.take() {
                    println!("saw {line}");
                }
                println!("end");
            }
            _ => return Err(format!("not understood: {line}")),
        }
    }
    Ok(())
}
