//! What chains do to addresses, and to marks by address.
//!
//! Goes in: a flow, and where addresses are moved or what is marked. Comes out: its parts. What must hold: host
//! bits stay; addresses that are moved by the same stay one flow.

use super::chains::End;
use super::flow::{Flow, Moved, Spot, joined};
use super::joined::Effect;
use super::program::parts;
use super::{Range, Set};

/// What a chain that only marks by destination makes of a flow.
pub(super) fn spread(flow: Flow, effects: &[(Range, Effect)]) -> Vec<Flow> {
    let destination = &flow.region.destination;
    let first = destination.first().unwrap_or(0);
    let at = effects.partition_point(|(range, _)| range.1 < first);
    let last = destination.ranges().last().map_or(0, |range| range.1);
    let near = &effects[at..];
    let near = &near[..near.partition_point(|(range, _)| range.0 <= last)];
    let spot = |(range, (and, xor)): &(Range, Effect)| {
        let mark = flow.region.mark.changed(*and, *xor);
        Spot { range: *range, mark, zones: flow.zones }
    };
    let spots: Vec<Spot> = near.iter().map(spot).collect();
    let ranges = joined(near.iter().map(|(range, _)| *range));
    let mut flows = Vec::new();
    if let Some(set) = destination.without(&ranges) {
        flows.push(flow.with(flow.region.with_address(true, set)));
    }
    if let Some(set) = destination.and(&ranges) {
        flows.push(flow.with(flow.region.with_address(true, set)).spread(spots));
    }
    flows
}

/// Ends the parts of a flow whose address is moved; what is not comes back.
pub(super) fn moved(
    (destination, v4): (bool, bool),
    to: &[(Range, u128, u32)],
    flow: Flow,
    ends: &mut Vec<(Flow, End)>,
) -> Option<Option<Flow>> {
    if flow.region.v4 != v4 {
        return Some(Some(flow));
    }
    let mut rest = Some(flow);
    for &(range, net, host_bits) in to {
        let Some(flow) = rest.take() else { break };
        let (inside, left) = flow.cut(destination, &[range]);
        rest = left;
        let Some(mut flow) = inside else { continue };
        let own = if destination { &mut flow.region.destination } else { &mut flow.region.source };
        let several = matches!(own.ranges(), [one] if one.0 < one.1) || own.ranges().len() > 1;
        if host_bits == 0 && several && !destination {
            flow.moved[0] = Some(Moved::To(Some(net)));
            ends.push((flow, End::Accept));
            continue;
        }
        if let (Some(first), Some((_, last)), 0..128) = (own.first(), own.ranges().last(), host_bits)
            && first >> host_bits == last >> host_bits
        {
            let by = net.wrapping_sub(first >> host_bits << host_bits);
            *own = own.moved(by);
            flow.moved[usize::from(destination)] = Some(Moved::By(by));
            ends.push((flow, End::Accept));
            continue;
        }
        let cuts: Vec<Range> = own.ranges().to_vec();
        // Parts that are moved by the same stay together.
        let mut by_how_far: Vec<(u128, Vec<Range>)> = Vec::new();
        for (part, by) in
            cuts.into_iter().map(|cut| parts(cut, net, host_bits)).collect::<Option<Vec<_>>>()?.concat()
        {
            match by_how_far.iter_mut().find(|(other, _)| *other == by) {
                Some((_, ranges)) => ranges.push(part),
                None => by_how_far.push((by, vec![part])),
            }
        }
        for (by, ranges) in by_how_far {
            let set = Set::of(ranges).moved(by);
            let mut done = flow.with(flow.region.with_address(destination, set));
            done.moved[usize::from(destination)] = Some(Moved::By(by));
            ends.push((done, End::Accept));
        }
    }
    Some(rest)
}
