//! The hot loop of the decoder: whole symbols, while a round can neither run out of input nor out of room.
//!
//! Ideas taken from ebiggers/libdeflate, lib/decompress_template.h at a0fead590bbd: entries whose low bits are the whole shift,
//! refills without a branch, several literals for one refill, looking up the next entry before the match is copied.
//!
//! A refill reads 8 bytes and counts as many as fit: 56 bits at least. Bits above are the right ones and are read again.
//! Shifts take the lowest 6 bits of their count, so an entry is a shift by all its bits, `entry >> 8` one by its code alone,
//! and the upper bits of `bits` may hold anything.

use crate::decode_table::{DISTANCE_BITS, END, LITLEN_BITS, SPECIAL, SUBTABLE};
use crate::inflate::{Bits, Distances, Litlen, Problem, WINDOW_SIZE};

/// One round reads at most two refills: 2 * 7 bytes on, 8 read.
pub const INPUT_MARGIN: usize = 32;
/// What a round writes at most: 2 literals, the longest match, and what a copy of 16 bytes at a time writes too much.
pub const OUTPUT_MARGIN: usize = 320;

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Input or room comes to its end.
    Margin,
    EndOfBlock,
    Refused(Problem),
}

/// Where the loop reads and writes.
pub struct FastRun<'a> {
    pub litlen: &'a Litlen,
    pub distances: &'a Distances,
    pub input: &'a [u8],
    pub position: usize,
    pub window: &'a mut [u8; WINDOW_SIZE],
    pub write: usize,
    /// The first byte of the window that a match may reach.
    pub oldest: usize,
    /// No round begins at or behind this place.
    pub output_limit: usize,
    pub bits: Bits,
}

impl FastRun<'_> {
    /// Decodes rounds. Does nothing where input or room is short already.
    pub fn decode(&mut self) -> Exit {
        let has_input = self.input.len() >= INPUT_MARGIN && self.position <= self.input.len() - INPUT_MARGIN;
        let has_room = self.output_limit <= WINDOW_SIZE - OUTPUT_MARGIN && self.write < self.output_limit;
        if !has_input || !has_room || self.oldest > self.write || self.bits.count > 63 {
            return Exit::Margin;
        }
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("bmi1") && std::is_x86_feature_detected!("bmi2") {
            // SAFETY: the machine has the instructions; the rest as below.
            return unsafe { self.rounds_bmi2() };
        }
        // SAFETY: a round begins with input and room for one, as checked here and after each.
        unsafe { self.rounds() }
    }

    /// # Safety
    /// As `rounds`, on a machine with BMI1 and BMI2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2")]
    unsafe fn rounds_bmi2(&mut self) -> Exit {
        unsafe { self.rounds() }
    }

    /// # Safety
    /// `INPUT_MARGIN` bytes of input are left, `write` is before `output_limit`, and `OUTPUT_MARGIN` bytes of window are behind that.
    #[inline(always)]
    unsafe fn rounds(&mut self) -> Exit {
        let (litlen, distances) = (self.litlen, self.distances);
        let input = self.input.as_ptr();
        let window = self.window.as_mut_ptr();
        let input_limit = self.input.len() - INPUT_MARGIN;
        let output_limit = self.output_limit;
        let oldest = self.oldest;
        let mut position = self.position;
        let mut write = self.write;
        let mut hold = self.bits.hold;
        let mut bits = u64::from(self.bits.count);

        macro_rules! refill {
            () => {
                // SAFETY: `position` is at most 14 bytes behind `input_limit`, and 32 are there.
                hold |= u64::from_le(unsafe { input.add(position).cast::<u64>().read_unaligned() })
                    .wrapping_shl(bits as u32);
                position += 7 - ((bits as usize >> 3) & 7);
                bits |= 56;
            };
        }
        macro_rules! take {
            ($entry:expr) => {
                hold = hold.wrapping_shr($entry);
                bits = bits.wrapping_sub(u64::from($entry));
            };
        }
        macro_rules! literal {
            ($entry:expr) => {
                // SAFETY: of the margin behind `output_limit` a round uses at most 2 + 258 + 15 bytes.
                unsafe { window.add(write).write(($entry >> 16) as u8) };
                write += 1;
            };
        }
        macro_rules! next_litlen {
            () => {
                litlen[(hold & ((1 << LITLEN_BITS) - 1)) as usize]
            };
        }

        refill!();
        let mut entry = next_litlen!();
        let exit = loop {
            let mut saved = hold;
            take!(entry);
            if (entry as i32) < 0 {
                // Two literals and a length have at most 11 + 11 + 20 bits.
                literal!(entry);
                entry = next_litlen!();
                saved = hold;
                take!(entry);
                if (entry as i32) < 0 {
                    literal!(entry);
                    entry = next_litlen!();
                    saved = hold;
                    take!(entry);
                    if (entry as i32) < 0 {
                        literal!(entry);
                        refill!();
                        entry = next_litlen!();
                        if position <= input_limit && write < output_limit {
                            continue;
                        }
                        break Exit::Margin;
                    }
                }
            }
            if entry & SPECIAL != 0 {
                if entry & SUBTABLE == SUBTABLE {
                    let index = hold & ((1u64 << ((entry >> 8) & 15)) - 1);
                    entry = litlen[(entry >> 16 & 0x7fff) as usize + index as usize];
                    saved = hold;
                    take!(entry);
                    if (entry as i32) < 0 {
                        literal!(entry);
                        refill!();
                        entry = next_litlen!();
                        if position <= input_limit && write < output_limit {
                            continue;
                        }
                        break Exit::Margin;
                    }
                }
                if entry & SPECIAL != 0 {
                    break if entry & END == END {
                        Exit::EndOfBlock
                    } else {
                        Exit::Refused(Problem::LitlenSymbol)
                    };
                }
            }
            let length = value_of(entry, saved);

            refill!();
            entry = distances[(hold & ((1 << DISTANCE_BITS) - 1)) as usize];
            if entry & SPECIAL != 0 {
                if entry & SUBTABLE == SUBTABLE {
                    let mask = (1u64 << ((entry >> 8) & 15)) - 1;
                    take!(DISTANCE_BITS);
                    entry = distances[(entry >> 16 & 0x7fff) as usize + (hold & mask) as usize];
                }
                if entry & SPECIAL != 0 {
                    break Exit::Refused(Problem::DistanceSymbol);
                }
            }
            saved = hold;
            take!(entry);
            let distance = value_of(entry, saved);
            if write - oldest < distance {
                break Exit::Refused(Problem::TooFar);
            }
            // At least 28 bits are left, enough to look the next entry up while the match is copied.
            entry = next_litlen!();
            refill!();
            // SAFETY: the match begins at or behind `oldest`; for the room see `literal!`.
            unsafe { copy_match(window.add(write), distance, length) };
            write += length;
            if position > input_limit || write >= output_limit {
                break Exit::Margin;
            }
        };

        let count = (bits & 63) as u32;
        self.bits = Bits { hold: hold & ((1 << count) - 1), count };
        self.position = position;
        self.write = write;
        exit
    }
}

/// The length or distance that an entry and its extra bits say; `saved` begins with the bits that the entry counts.
#[inline(always)]
fn value_of(entry: u32, saved: u64) -> usize {
    let masked = saved & 1u64.wrapping_shl(entry).wrapping_sub(1);
    (entry >> 16) as usize + masked.wrapping_shr(entry >> 8) as usize
}

/// Copies a match that may overlap itself, 16 or 8 bytes at a time.
///
/// # Safety
/// `distance` bytes before `to` are there, and `length + 15` bytes of room behind it.
#[inline(always)]
unsafe fn copy_match(to: *mut u8, distance: usize, length: usize) {
    unsafe {
        let mut at = to;
        let end = to.add(length);
        let mut from = to.sub(distance).cast_const();
        if distance >= 16 {
            loop {
                at.cast::<[u8; 16]>().write_unaligned(from.cast::<[u8; 16]>().read_unaligned());
                at = at.add(16);
                from = from.add(16);
                if at >= end {
                    return;
                }
            }
        }
        if distance == 1 {
            let pattern = [*from; 16];
            loop {
                at.cast::<[u8; 16]>().write_unaligned(pattern);
                at = at.add(16);
                if at >= end {
                    return;
                }
            }
        }
        // Each step makes `distance` bytes right, and up to 8 where that is further.
        let step = distance.min(8);
        loop {
            at.cast::<u64>().write_unaligned(from.cast::<u64>().read_unaligned());
            at = at.add(step);
            from = from.add(step);
            if at >= end {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_like_byte_by_byte() {
        for distance in 1..40 {
            for length in 3..=258 {
                let mut bytes: Vec<u8> = (0..distance as u8).collect();
                let mut expected = bytes.clone();
                for at in 0..length {
                    expected.push(expected[at]);
                }
                bytes.resize(distance + length + 15, 0xee);
                unsafe { copy_match(bytes.as_mut_ptr().add(distance), distance, length) };
                assert_eq!(bytes[..distance + length], expected, "distance {distance}, length {length}");
            }
        }
    }
}
