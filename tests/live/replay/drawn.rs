//! Packets and hosts as in the tests of random sites.
//!
//! Goes in: nothing, they are made there. What must hold: what is sent to a kernel is what the models were asked about.

#[path = "../../it/random/forms.rs"]
pub mod forms;
#[path = "../../it/random/packets.rs"]
pub mod packets;
#[path = "../../it/random/promised.rs"]
pub mod promised;
