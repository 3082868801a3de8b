//! The names of `let` and `for`, and in which order their values can be computed.
//!
//! Goes in: the items of a file or of a `for` body. Comes out: a [`Frame`] of names whose order
//! puts every `let` behind those it needs, so that evaluation never calls itself through names.
//! What must hold: an inner name never hides an outer one.

use std::collections::HashMap;

use super::errors::{CircularName, DuplicateName};
use super::value::Value;
use crate::diag::Reporter;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Expr, File, Item, Let, Part, Word};

/// A name and what is known of it.
#[derive(Debug)]
struct Slot<'a> {
    name: &'a Spanned<String>,
    /// `None` for the variable of a `for`.
    definition: Option<&'a Let>,
    /// `None` as long as it is not computed, and where it cannot be.
    value: Option<Value>,
    used: bool,
}

/// The names of a file with all it includes, or of one `for`.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    slots: Vec<Slot<'a>>,
    places: HashMap<&'a str, usize>,
    /// The lets in an order in which each comes after those it needs; those in a circle are left out.
    order: Vec<usize>,
}

/// The frames around a place, outermost first.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    frames: Vec<Frame<'a>>,
}

/// What a name stands for.
pub(super) enum Lookup {
    /// There is no such name.
    Unknown,
    /// There is, but its value could not be computed; the finding is made.
    Failed,
    /// Its value.
    Value(Value),
}

impl<'a> Scopes<'a> {
    /// Opens a frame for `items`, with the variable of a `for` where it is one's body. What is wrong with
    /// names is so in every instance of a `for`, so findings tell none.
    pub(super) fn open(
        &mut self,
        variable: Option<&'a Spanned<String>>,
        items: &'a [Item],
        reporter: &mut Reporter<'_>,
    ) {
        let mut frame = Frame::default();
        let mut lets = Vec::new();
        collect_lets(items, &mut lets);
        let variable = variable.map(|name| (name, None));
        for (name, definition) in variable.into_iter().chain(lets.into_iter().map(|it| (&it.name, Some(it))))
        {
            let own = frame.place_of(&name.value);
            let outer = self.frames.iter().find_map(|outer| outer.place_of(&name.value));
            if let Some(earlier) = outer.or(own) {
                let duplicate = DuplicateName { what: "name", name: &name.value, here: name.span, earlier };
                reporter.report(duplicate, None);
                // Of one frame the first counts; an inner name does, so that nothing else seems to be wrong.
                if own.is_some() {
                    continue;
                }
            }
            frame.places.insert(&name.value, frame.slots.len());
            frame.slots.push(Slot { name, definition, value: None, used: false });
        }
        frame.sort(reporter);
        self.frames.push(frame);
    }

    /// Closes the innermost frame and says which of its lets were never used.
    pub(super) fn close(&mut self) -> Vec<&'a Spanned<String>> {
        let frame = self.frames.pop().unwrap_or_default();
        let unused = |slot: &Slot<'a>| slot.definition.is_some() && !slot.used;
        frame.slots.into_iter().filter(unused).map(|slot| slot.name).collect()
    }

    /// The lets of the innermost frame, in the order in which they can be computed.
    pub(super) fn lets(&self) -> Vec<(usize, &'a Let)> {
        let Some(frame) = self.frames.last() else { return Vec::new() };
        frame.order.iter().filter_map(|slot| Some((*slot, frame.slots[*slot].definition?))).collect()
    }

    /// Gives a let of the innermost frame its value, by the number that [`Self::lets`] gave it.
    pub(super) fn set_let(&mut self, slot: usize, value: Option<Value>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.slots[slot].value = value;
        }
    }

    /// Gives the variable of the innermost `for` its value.
    pub(super) fn set_variable(&mut self, value: i128) {
        let slot = self.frames.last_mut().and_then(|frame| frame.slots.first_mut());
        if let Some(slot) = slot.filter(|slot| slot.definition.is_none()) {
            slot.value = Some(Value::Integer(value));
        }
    }

    /// What a name stands for here, and the `let` that says so; it counts as used from now on.
    pub(super) fn look_up(&mut self, name: &str) -> (Lookup, Option<&'a Let>) {
        for frame in self.frames.iter_mut().rev() {
            let Some(place) = frame.places.get(name) else { continue };
            let slot = &mut frame.slots[*place];
            slot.used = true;
            return (slot.value.clone().map_or(Lookup::Failed, Lookup::Value), slot.definition);
        }
        (Lookup::Unknown, None)
    }

    /// Every name that can be used here, innermost first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().rev().flat_map(|frame| frame.slots.iter().map(|slot| slot.name.value.as_str()))
    }
}

impl<'a> Frame<'a> {
    fn place_of(&self, name: &str) -> Option<Span> {
        self.places.get(name).map(|slot| self.slots[*slot].name.span)
    }

    /// Fills `order`: a search in depth with its own stack, because a chain of lets may be as long
    /// as the file.
    fn sort(&mut self, reporter: &mut Reporter<'_>) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            Untouched,
            Open,
            Done,
        }
        let needs: Vec<Vec<usize>> = self.slots.iter().map(|slot| self.needs(slot)).collect();
        let mut state = vec![State::Untouched; self.slots.len()];
        let mut circular = vec![false; self.slots.len()];
        for start in 0..self.slots.len() {
            let mut path: Vec<(usize, usize)> = Vec::new();
            if state[start] == State::Untouched {
                state[start] = State::Open;
                path.push((start, 0));
            }
            while let Some((slot, next)) = path.last_mut() {
                let slot = *slot;
                let Some(need) = needs[slot].get(*next).copied() else {
                    state[slot] = State::Done;
                    if !circular[slot] && self.slots[slot].definition.is_some() {
                        self.order.push(slot);
                    }
                    path.pop();
                    continue;
                };
                *next += 1;
                match state[need] {
                    State::Done => {}
                    State::Untouched => {
                        state[need] = State::Open;
                        path.push((need, 0));
                    }
                    State::Open => {
                        let from = path.iter().position(|(slot, _)| *slot == need).unwrap_or(0);
                        let circle: Vec<usize> = path[from..].iter().map(|(slot, _)| *slot).collect();
                        for slot in &circle {
                            circular[*slot] = true;
                        }
                        let names = circle.iter().map(|slot| self.slots[*slot].name).collect();
                        reporter.report(CircularName { names }, None);
                    }
                }
            }
        }
    }

    /// The lets of this frame that a let's value mentions.
    fn needs(&self, slot: &Slot<'a>) -> Vec<usize> {
        let mut names = Vec::new();
        if let Some(definition) = slot.definition {
            collect_names(&definition.value, &mut names);
        }
        let places = names.into_iter().filter_map(|name| self.places.get(name).copied());
        places.filter(|place| self.slots[*place].definition.is_some()).collect()
    }
}

/// The lets directly among the items, those of included files too.
fn collect_lets<'a>(items: &'a [Item], lets: &mut Vec<&'a Let>) {
    for item in items {
        match item {
            Item::Let(found) => lets.push(found),
            Item::Included(File { items }) => collect_lets(items, lets),
            _ => {}
        }
    }
}

fn collect_names<'a>(expr: &'a Expr, names: &mut Vec<&'a str>) {
    match expr {
        Expr::Word(word) => match bare(word) {
            Some(name) => names.push(name),
            None => {
                for part in &word.parts {
                    if let Part::Expr(inner) = part {
                        collect_names(inner, names);
                    }
                }
            }
        },
        Expr::Binary { left, right, .. } => {
            collect_names(left, names);
            collect_names(right, names);
        }
        Expr::Call { arguments, .. } => arguments.iter().for_each(|argument| collect_names(argument, names)),
        Expr::Group(inner, _) => collect_names(inner, names),
    }
}

/// The text of a word that may be a name: bare and in one piece.
pub(super) fn bare(word: &Word) -> Option<&str> {
    match word.parts.as_slice() {
        [Part::Text(text)] if !word.quoted => Some(text),
        _ => None,
    }
}

/// Whether a word is its text, bare or quoted: one without interpolations. Only such a word can be
/// replaced by another one that fits a single value of it.
pub(super) fn is_plain(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [] | [Part::Text(_)])
}
