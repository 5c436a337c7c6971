//! Seeded random numbers and files for the tests of the kernels.

use crate::source::{Edit, Source, Unreadable};

/// A xorshift generator: small, and the same everywhere.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Random { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// A number in `[0, limit)`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % limit.max(1)
    }
}

/// A file in memory, which cannot be read any more after so many reads.
pub struct Bytes<'bytes> {
    bytes: &'bytes [u8],
    reads_left: usize,
}

impl<'bytes> Bytes<'bytes> {
    pub fn new(bytes: &'bytes [u8]) -> Self {
        Bytes { bytes, reads_left: usize::MAX }
    }

    pub fn failing_after(bytes: &'bytes [u8], reads: usize) -> Self {
        Bytes { bytes, reads_left: reads }
    }
}

impl Source for Bytes<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&mut self, offset: u64, length: u64) -> Result<&[u8], Unreadable> {
        self.reads_left = self.reads_left.checked_sub(1).ok_or(Unreadable)?;
        let start = self.bytes.len().min(offset as usize);
        let end = self.bytes.len().min(start.saturating_add(length as usize));
        Ok(&self.bytes[start..end])
    }
}

/// A file of test/fixtures-binaries.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../test/fixtures-binaries/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The file after edits.
pub fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut result = bytes.to_vec();
    for Edit { offset, bytes } in edits {
        let end = *offset as usize + bytes.len();
        result.resize(result.len().max(end), 0);
        result[*offset as usize..end].copy_from_slice(bytes);
    }
    result
}

/// A copy with numbers changed, most of them near the begin and the end, where headers are.
pub fn damaged(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(4) {
        let near = 1024.min(bytes.len());
        let at = match random.below(3) {
            0 => random.below(near),
            1 => bytes.len() - 1 - random.below(near),
            _ => random.below(bytes.len()),
        };
        let at = if random.below(2) == 0 { at / 4 * 4 } else { at };
        let width = [1, 2, 4, 8][random.below(4)];
        let edge = [0, 1, 127, 128, 255, 8, 16][random.below(7)];
        for byte in bytes.iter_mut().skip(at).take(width) {
            *byte = if random.below(3) == 0 { random.below(256) as u8 } else { edge };
        }
    }
    if random.below(10) == 0 {
        bytes.truncate(random.below(good.len()));
    }
    bytes
}
