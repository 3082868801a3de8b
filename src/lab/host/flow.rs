//! Traffic that keeps flowing: one packet of each transport a round, each round from a new port.
//!
//! Goes in: flows, which never end, and the wish for a round. Comes out: who answered them, and what
//! source they saw. What must hold: nobody waits for an answer, so that packets are on their way
//! whatever happens to the network meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::stream::Stream;

/// Source ports of rounds; the one before them is for connections that stay open.
pub const PORTS: std::ops::Range<u16> = 30_000..60_000;
/// Between two rounds that nobody asked for.
const PACE: Duration = Duration::from_millis(50);
/// How many times as long as a round takes the next one is away, at least. Many hosts share a processor, and
/// for each packet that one of them sends, others have four times the work.
const REST: u32 = 40;

/// What the rounds have come to.
#[derive(Default)]
struct Record {
    fresh: Vec<Stream>,
    wanted: u64,
    done: u64,
    port: u16,
    ended: bool,
    /// The newest round that was answered, by flow and transport.
    heard: BTreeMap<(String, &'static str), u16>,
    told: BTreeSet<String>,
}

/// All flows of a host.
#[derive(Clone, Default)]
pub struct Flows(Arc<(Mutex<Record>, Condvar)>);

impl Flows {
    /// Adds `ID DESTINATION from=ADDRESS [hold] [over=TRANSPORT,...]`; the first one starts the rounds.
    ///
    /// # Errors
    ///
    /// The line is not understood, or a socket cannot be opened.
    pub fn add(&self, line: &str) -> Result<(), String> {
        let stream = Stream::parse(line)?;
        let mut record = self.lock();
        let first = record.port == 0 || record.ended;
        record.fresh.push(stream);
        if first {
            record.port = record.port.max(PORTS.start);
            record.ended = false;
            let flows = self.clone();
            thread::spawn(move || flows.work());
        }
        Ok(())
    }

    /// The source port of a round that began after this was called and is over; 0 if there is no flow.
    #[must_use]
    pub fn round(&self) -> u16 {
        let mut record = self.lock();
        if record.port == 0 || record.ended {
            return 0;
        }
        record.wanted += 1;
        let wanted = record.wanted;
        self.0.1.notify_all();
        while record.done < wanted {
            record = self.0.1.wait(record).unwrap_or_else(PoisonError::into_inner);
        }
        record.port
    }

    /// Waits until a round from this port on is answered in each of the ways `FLOW TRANSPORT`; gives
    /// those that are not in time.
    #[must_use]
    pub fn missing(&self, since: u16, ways: &[(String, String)], limit: Duration) -> Vec<String> {
        let end = Instant::now() + limit;
        let mut record = self.lock();
        loop {
            let late = |(flow, transport): &&(String, String)| {
                !record.heard.iter().any(|((id, way), port)| id == flow && way == transport && *port >= since)
            };
            let left = end.saturating_duration_since(Instant::now());
            let missing: Vec<String> = ways.iter().filter(late).map(|(f, t)| format!("{f} {t}")).collect();
            if missing.is_empty() || left.is_zero() {
                return missing;
            }
            record = self.0.1.wait_timeout(record, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends all flows. What was told: `FLOW TRANSPORT NAME SOURCE PORT`, where the port is `same` if it
    /// was the asker's own.
    #[must_use]
    pub fn end(&self) -> BTreeSet<String> {
        let mut record = self.lock();
        record.ended = true;
        self.0.1.notify_all();
        record.heard.clear();
        std::mem::take(&mut record.told)
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut streams: Vec<Stream> = Vec::new();
        loop {
            let mut record = self.lock();
            if record.ended {
                return;
            }
            streams.append(&mut record.fresh);
            let wanted = record.wanted;
            let port = if record.port + 1 < PORTS.end { record.port + 1 } else { PORTS.start };
            drop(record);
            let mut answers = Vec::new();
            let began = Instant::now();
            for stream in &mut streams {
                stream.send(port);
                stream.collect(port, &mut answers);
            }
            let mut record = self.lock();
            (record.port, record.done) = (port, wanted);
            for answer in answers {
                let newest = record.heard.entry((answer.flow, answer.transport)).or_default();
                *newest = answer.port.max(*newest);
                record.told.insert(answer.text);
            }
            self.0.1.notify_all();
            if record.wanted == wanted && !record.ended {
                drop(self.0.1.wait_timeout(record, PACE.max(began.elapsed() * REST)));
            }
        }
    }
}

/// An answer to one packet of a round.
pub struct Answer {
    /// The flow.
    pub flow: String,
    /// Its transport.
    pub transport: &'static str,
    /// The source port of the round.
    pub port: u16,
    /// The line of [`Flows::end`].
    pub text: String,
}

/// `NAME PEER PORT ...` as [`super::serve`] writes it, made into what is told of the flow.
pub fn told(flow: &str, transport: &'static str, port: u16, line: &str) -> Option<Answer> {
    let mut words = line.split(' ');
    let (name, peer, seen) = (words.next()?, words.next()?, words.next()?);
    let same = if seen == port.to_string() { "same" } else { seen };
    let text = format!("{flow} {transport} {name} {peer} {same}");
    Some(Answer { flow: flow.to_owned(), transport, port, text })
}
