//! A generator that is the same everywhere.
//!
//! Goes in: a seed. Comes out: numbers that look like chance. What must hold: they are the same on every machine, so
//! that whatever was drawn can be drawn again.

/// A generator that is the same everywhere: Knuth's MMIX.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, length: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % length
    }

    pub fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}
