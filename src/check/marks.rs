//! Where the ids of a packet's networks stand in its mark.
//!
//! Goes in: the declared mark bits and the ids. Comes out: two fields of adjacent bits. What must
//! hold: they lie within the declared bits, do not overlap, and each can hold every id.

use super::Settings;
use super::errors::numbers::TooFewMarkBits;
use crate::diag::Reporter;
use crate::model::Site;

/// A run of adjacent bits of the packet mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkField {
    /// The lowest bit, 0 to 31.
    pub shift: u8,
    /// How many bits, 1 to 16.
    pub width: u8,
}

impl MarkField {
    /// The field's bits.
    #[must_use]
    pub const fn mask(self) -> u32 {
        ones(self.width) << self.shift
    }

    /// The mark that has `id` in this field and 0 elsewhere.
    #[must_use]
    pub fn value(self, id: u16) -> u32 {
        (u32::from(id) << self.shift) & self.mask()
    }
}

/// The fields of the packet mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkLayout {
    /// The id of the network the packet goes to; holds the zone for a moment on the way.
    pub destination: MarkField,
    /// The id of the network the packet came from.
    pub source: MarkField,
}

/// The fields for these ids, the lowest there are; `None` with a finding where there are none.
pub(super) fn check(
    site: &Site,
    settings: &Settings,
    ids: &[u16],
    reporter: &mut Reporter<'_>,
) -> Option<MarkLayout> {
    let largest = ids.iter().copied().max().unwrap_or(1).max(1);
    let width = bit_length(largest);
    // Whole hex digits read well and stay where they are while a site grows; where the marks are too
    // few for that, the bits that are needed will do.
    let roomy = width.next_multiple_of(4);
    let layout = fields(settings.marks, roomy).or_else(|| fields(settings.marks, width));
    // The default has room for the largest id there can be, so only written marks can be too few.
    if let (None, Some(declared)) = (layout, site.gateway.marks) {
        let (mask, enough) = (settings.marks, ones(2 * width));
        reporter.report(TooFewMarkBits { mask, span: declared.span, largest, width, enough }, None);
    }
    layout
}

fn fields(mask: u32, width: u8) -> Option<MarkLayout> {
    let destination = run(mask, width, 0)?;
    let source = run(mask, width, destination.shift + destination.width)?;
    Some(MarkLayout { destination, source })
}

/// The lowest `width` adjacent bits of `mask` at or above bit `from`.
fn run(mask: u32, width: u8, from: u8) -> Option<MarkField> {
    (from..=32_u8.checked_sub(width)?)
        .map(|shift| MarkField { shift, width })
        .find(|field| mask & field.mask() == field.mask())
}

/// How many bits the number has: 1 for 1, 8 for 255, 9 for 256.
const fn bit_length(id: u16) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
    let length = (u16::BITS - id.leading_zeros()) as u8;
    length
}

/// The lowest `width` bits, 0 to 32.
const fn ones(width: u8) -> u32 {
    if width >= 32 { u32::MAX } else { (1 << width) - 1 }
}

#[cfg(test)]
mod tests {
    use super::{MarkField, fields};

    #[test]
    fn the_lowest_runs_of_the_mask_are_taken() {
        let layout = fields(0xffff_ffff, 8).unwrap();
        assert_eq!(layout.destination, MarkField { shift: 0, width: 8 });
        assert_eq!(layout.source, MarkField { shift: 8, width: 8 });
        let layout = fields(0x00f0_7f06, 3).unwrap();
        assert_eq!(layout.destination, MarkField { shift: 8, width: 3 });
        assert_eq!(layout.source, MarkField { shift: 11, width: 3 });
        assert_eq!(fields(0x0000_00f7, 4), None);
        assert!(fields(0xffff_ffff, 16).is_some());
    }

    #[test]
    fn a_field_holds_its_ids_and_nothing_else() {
        let field = MarkField { shift: 8, width: 8 };
        assert_eq!(field.mask(), 0xff00);
        assert_eq!(field.value(0x2a), 0x2a00);
        assert_eq!(MarkField { shift: 16, width: 16 }.mask(), 0xffff_0000);
    }
}
