//! `log "WORDS" limit RATE`.
//!
//! Goes in: the words and the rate as written. Comes out: what the kernel gets. What must hold: both
//! firewalls can say it, so that a site does not depend on which one is chosen.

use super::super::Resolver;
use super::super::scope::is_plain;
use super::errors::{BadLogWords, BadRate};
use crate::diag::suggest::closest;
use crate::model::{LOG_WORDS_BYTES, Log, Period, Rate};
use crate::syntax::ast::{self, Word};

/// iptables' own default is 3/hour, which tells too little; its burst, 5, is kept.
const DEFAULT_RATE: Rate = Rate { packets: 10, per: Period::Minute };

/// xt_limit counts in steps of 1/10000 second (linux/netfilter/xt_limit.h, XT_LIMIT_SCALE).
const MOST_PACKETS: u32 = 10_000;

/// xt_limit's credits cover a day: a burst of five at fewer packets a day does not fit into them, and
/// `1/day` is refused by the kernel ("Overflow, try lower").
const FEWEST_A_DAY: u32 = 5;

const PERIODS: [(&str, Period); 4] =
    [("second", Period::Second), ("minute", Period::Minute), ("hour", Period::Hour), ("day", Period::Day)];

impl<'a> Resolver<'a, '_> {
    /// What is logged of a rule's packets.
    pub(super) fn log(&mut self, log: &'a ast::Log) -> Option<Log> {
        let words = log.words.as_ref().map(|words| self.log_words(words));
        let rate = log.limit.as_ref().map(|rate| self.rate(rate));
        let words = match words {
            Some(words) => Some(words?),
            None => None,
        };
        let rate = match rate {
            Some(rate) => rate?,
            None => DEFAULT_RATE,
        };
        Some(Log { words, rate })
    }

    fn log_words(&mut self, word: &'a Word) -> Option<String> {
        let text = self.text(word)?;
        // nft reads `$` in these words as a variable, and has no way to write `"` or `\`.
        let odd = text.chars().find(|c| !matches!(c, ' '..='~') || matches!(c, '"' | '\\' | '$'));
        let blank = if text.ends_with(' ') { "" } else { " " };
        let fault = match odd {
            Some(odd) => format!("`{}` cannot be part of it", odd.escape_debug()),
            None if text.trim().is_empty() => String::from("no words at all"),
            None if text.len() + blank.len() > LOG_WORDS_BYTES => {
                let most = LOG_WORDS_BYTES - blank.len();
                format!("{} bytes, but at most {most} fit", text.len())
            }
            None => return Some(text + blank),
        };
        self.report(BadLogWords { words: &text, span: word.span, fault });
        None
    }

    fn rate(&mut self, word: &'a Word) -> Option<Rate> {
        let text = self.text(word)?;
        let (number, period) = text.split_once('/').unwrap_or((&text, ""));
        let known = PERIODS.iter().find(|(name, _)| *name == period);
        let packets = number.parse::<u32>().ok().filter(|_| number.bytes().all(|it| it.is_ascii_digit()));
        let similar = closest(period, PERIODS.iter().map(|(name, _)| *name)).or_else(|| {
            PERIODS.iter().map(|(name, _)| *name).find(|name| !period.is_empty() && name.starts_with(period))
        });
        let (fault, replacement) = match (packets, known) {
            (None, _) => (String::from("a rate is a number and a time, like `10/minute`"), None),
            (Some(_), None) if period.is_empty() => {
                (String::from("the time is missing"), Some(format!("{number}/minute")))
            }
            (Some(_), None) => (
                String::from("the time is `second`, `minute`, `hour` or `day`"),
                similar.map(|similar| format!("{number}/{similar}")),
            ),
            (Some(0), Some(_)) => (String::from("nothing would be logged"), None),
            (Some(packets), Some(_)) if packets > MOST_PACKETS => {
                (format!("more than {MOST_PACKETS}"), Some(format!("{MOST_PACKETS}/{period}")))
            }
            (Some(packets), Some((_, Period::Day))) if packets < FEWEST_A_DAY => {
                (format!("fewer than {FEWEST_A_DAY} a day"), Some(format!("{FEWEST_A_DAY}/day")))
            }
            (Some(packets), Some((_, per))) => return Some(Rate { packets, per: *per }),
        };
        let replacement = replacement.filter(|_| is_plain(word));
        self.report(BadRate { rate: &text, span: word.span, fault, replacement });
        None
    }
}
