//! The hot loop of the decoder: whole symbols, while a round can run out of neither input nor room.
//!
//! Ideas taken from ebiggers/libdeflate, lib/decompress_template.h at a0fead590bbd: entries whose low bits are the whole shift,
//! refills without a branch, several literals for one refill, looking up the next entry before the match is copied.
//!
//! A refill reads 8 bytes and counts as many as fit: at least 56 bits. The bits above are valid, too, and are read again.
//! Shifts take the lowest 6 bits of their count, so an entry is a shift by all its bits, `entry >> 8` one by its code alone,
//! and the upper bits of `bits` may hold anything.

use crate::decode_table::{DISTANCE_BITS, END, LITLEN_BITS, SPECIAL, SUBTABLE};
use crate::inflate::{Bits, Distances, Litlen, Problem, WINDOW_SIZE};

/// One round reads at most two refills: 2 * 7 bytes on, 8 read.
pub const INPUT_MARGIN: usize = 32;
/// The most that a round writes: 2 literals, the longest match, and the excess of copying 32 bytes at a time.
pub const OUTPUT_MARGIN: usize = 320;

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Input or room is running out.
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
    /// The first byte of the window that a match may refer to.
    pub oldest: usize,
    /// No round starts at or after this offset.
    pub output_limit: usize,
    pub bits: Bits,
}

impl FastRun<'_> {
    /// Decodes rounds. Does nothing if input or room is already short.
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
        unsafe { self.rounds(low_bits) }
    }

    /// # Safety
    /// As `rounds`, on a machine with BMI1 and BMI2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2")]
    unsafe fn rounds_bmi2(&mut self) -> Exit {
        // SAFETY: the caller's obligation.
        unsafe { self.rounds(|value, count| core::arch::x86_64::_bzhi_u64(value, count)) }
    }

    /// `low_bits` gives the lowest bits of a value, as many as the lowest byte of its second argument says (less than 64).
    ///
    /// # Safety
    /// `INPUT_MARGIN` bytes of input are left, `write` is before `output_limit`, and `OUTPUT_MARGIN` bytes of window follow that.
    #[inline(always)]
    unsafe fn rounds(&mut self, low_bits: impl Fn(u64, u32) -> u64) -> Exit {
        let (litlen, distances) = (self.litlen, self.distances);
        let window = self.window.as_mut_ptr();
        let first_input = self.input.as_ptr();
        // SAFETY: `decode` checked all of these places.
        let (mut input, input_limit, mut write, output_limit, oldest) = unsafe {
            (
                first_input.add(self.position),
                first_input.add(self.input.len() - INPUT_MARGIN),
                window.add(self.write),
                window.add(self.output_limit),
                window.add(self.oldest),
            )
        };
        let Bits { mut hold, count: mut bits } = self.bits;

        macro_rules! refill {
            () => {
                // SAFETY: `input` is at most 14 bytes after `input_limit`, and 32 bytes follow that.
                unsafe {
                    hold |= u64::from_le(input.cast::<u64>().read_unaligned()).wrapping_shl(bits);
                    input = input.add(7 - ((bits >> 3) & 7) as usize);
                }
                bits |= 56;
            };
        }
        macro_rules! take {
            ($entry:expr) => {
                hold = hold.wrapping_shr($entry);
                bits = bits.wrapping_sub($entry);
            };
        }
        macro_rules! literal {
            ($entry:expr) => {
                // SAFETY: of the margin after `output_limit` a round uses at most 2 + 258 + 31 bytes.
                unsafe {
                    write.write(($entry >> 16) as u8);
                    write = write.add(1);
                }
            };
        }
        macro_rules! next_litlen {
            () => {
                litlen[(hold & ((1 << LITLEN_BITS) - 1)) as usize]
            };
        }
        macro_rules! value_of {
            ($entry:expr, $saved:expr) => {
                ($entry >> 16) as usize + low_bits($saved, $entry).wrapping_shr($entry >> 8) as usize
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
                        if input <= input_limit && write < output_limit {
                            continue;
                        }
                        break Exit::Margin;
                    }
                }
            }
            if entry & SPECIAL != 0 {
                if entry & SUBTABLE == SUBTABLE {
                    let index = hold & ((1u64 << ((entry >> 8) & 15)) - 1);
                    entry = litlen[((entry >> 16) & 0x7fff) as usize + index as usize];
                    saved = hold;
                    take!(entry);
                    if (entry as i32) < 0 {
                        literal!(entry);
                        refill!();
                        entry = next_litlen!();
                        if input <= input_limit && write < output_limit {
                            continue;
                        }
                        break Exit::Margin;
                    }
                }
                if entry & SPECIAL != 0 {
                    break match entry & END {
                        END => Exit::EndOfBlock,
                        _ => Exit::Refused(Problem::LitlenSymbol),
                    };
                }
            }
            let length = value_of!(entry, saved);

            refill!();
            entry = distances[(hold & ((1 << DISTANCE_BITS) - 1)) as usize];
            if entry & SPECIAL != 0 {
                if entry & SUBTABLE == SUBTABLE {
                    let mask = (1u64 << ((entry >> 8) & 15)) - 1;
                    take!(DISTANCE_BITS);
                    entry = distances[((entry >> 16) & 0x7fff) as usize + (hold & mask) as usize];
                }
                if entry & SPECIAL != 0 {
                    break Exit::Refused(Problem::DistanceSymbol);
                }
            }
            saved = hold;
            take!(entry);
            let distance = value_of!(entry, saved);
            if (write as usize) - (oldest as usize) < distance {
                break Exit::Refused(Problem::TooFar);
            }
            // At least 28 bits are left, enough to look the next entry up while the match is copied.
            entry = next_litlen!();
            refill!();
            // SAFETY: the match begins at or after `oldest`; for the room see `literal!`.
            unsafe {
                copy_match(write, distance, length);
                write = write.add(length);
            }
            if input > input_limit || write >= output_limit {
                break Exit::Margin;
            }
        };

        let count = bits & 63;
        self.bits = Bits { hold: hold & ((1 << count) - 1), count };
        self.position = input as usize - first_input as usize;
        self.write = write as usize - window as usize;
        exit
    }
}

fn low_bits(value: u64, count: u32) -> u64 {
    value & ((1 << (count & 63)) - 1)
}

/// Copies a match that may overlap itself, 16 bytes at a time where possible, otherwise by 8 or by its distance.
///
/// # Safety
/// `distance` bytes before `to` exist, and `length + 31` bytes of room after it.
#[inline(always)]
unsafe fn copy_match(to: *mut u8, distance: usize, length: usize) {
    // SAFETY: no write begins more than 31 bytes after the match; everything read was written before.
    unsafe {
        let end = to.add(length);
        let mut at = to;
        if distance >= 16 {
            // Nearly all matches end within 32 bytes, so these need no branch.
            copy::<16>(at, distance);
            copy::<16>(at.add(16), distance);
            at = at.add(32);
            while at < end {
                copy::<16>(at, distance);
                at = at.add(16);
            }
        } else if distance == 1 {
            let pattern = [*to.sub(1); 16];
            while at < end {
                at.cast::<[u8; 16]>().write_unaligned(pattern);
                at = at.add(16);
            }
        } else {
            // Each step completes `distance` bytes, or 8 if the distance is larger.
            let step = distance.min(8);
            while at < end {
                copy::<8>(at, distance);
                at = at.add(step);
            }
        }
    }
}

/// # Safety
/// `distance` bytes before `at` exist, and `SIZE` bytes after it.
#[inline(always)]
unsafe fn copy<const SIZE: usize>(at: *mut u8, distance: usize) {
    // SAFETY: passed on.
    unsafe { at.cast::<[u8; SIZE]>().write_unaligned(at.sub(distance).cast::<[u8; SIZE]>().read_unaligned()) }
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
                bytes.resize(distance + length + 31, 0xee);
                unsafe { copy_match(bytes.as_mut_ptr().add(distance), distance, length) };
                assert_eq!(bytes[..distance + length], expected, "distance {distance}, length {length}");
            }
        }
    }
}
