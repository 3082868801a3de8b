//! A host of the lab: says who answered, and what it saw of the asker.
//!
//! `serve` answers, `ask` asks once, `agent` does both and listens on the wire, driven by lines on
//! standard input. Identity is the point: an answer always names the host that gave it and the
//! source address and port that this host saw.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "lines are what agents speak with")]

mod agent;
mod ask;
mod flow;
mod links;
mod serve;
mod sniff;
mod stream;

pub use ask::Ask;
pub use flow::PORTS as FLOW_PORTS;
pub use serve::Listener;

use std::process::ExitCode;

const USAGE: &str = "usage:
  probe serve NAME [--port PORT]... [ADDRESS]...   answer on TCP, UDP and protocol 253 until stdin closes
  probe ask PROTOCOL DESTINATION [from=ADDRESS:PORT] [timeout=MS] [ttl=N] [size=N] [dev=INTERFACE] [hold] [again] [deaf]
  probe agent NAME [--port PORT]... [ADDRESS]...   serve, and obey lines on stdin
PROTOCOL is tcp, udp, icmp or 253; DESTINATION is ADDRESS:PORT for tcp and udp, else ADDRESS";

/// Does what the words say: `serve`, `ask` or `agent`. Exit 0 done or answered, 1 not answered, 2 could
/// not be done, with the reason on standard error.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let outcome = match words.first().map(String::as_str) {
        Some("serve") => serve_until_stdin_closes(&words[1..]),
        Some("ask") => return ask_once(&words[1..]),
        Some("agent") => Listener::parse(&words[1..]).and_then(|l| agent::obey(&l)),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("a host of the lab: {reason}");
            ExitCode::from(2)
        }
    }
}

fn serve_until_stdin_closes(words: &[String]) -> Result<(), String> {
    let listener = Listener::parse(words)?;
    listener.start()?;
    println!("ready");
    for line in std::io::stdin().lines() {
        line.map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn ask_once(words: &[String]) -> ExitCode {
    let ask = match Ask::parse(&words.join(" ")) {
        Ok(ask) => ask,
        Err(reason) => {
            eprintln!("probe: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match ask.run() {
        Ok(answer) => {
            println!("{}", answer.text);
            if answer.held.is_some() {
                for line in std::io::stdin().lines() {
                    if line.is_err() {
                        break;
                    }
                }
            }
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}
