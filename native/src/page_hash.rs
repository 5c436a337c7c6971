//! Hashes of the pages of a signed file, by the algorithms that code directories may name.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use crate::source::{Source, Unreadable};

/// How a page is hashed, and how much of the hash counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    function: Function,
    pub size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Sha1,
    Sha256,
    Sha384,
}

impl Algorithm {
    /// The algorithm with a number of `cs_blobs.h`: CS_HASHTYPE_SHA1 and those behind it.
    pub fn of(number: u8) -> Option<Self> {
        let (function, size) = match number {
            1 => (Function::Sha1, 20),
            2 => (Function::Sha256, 32),
            3 => (Function::Sha256, 20),
            4 => (Function::Sha384, 48),
            _ => return None,
        };
        Some(Algorithm { function, size })
    }

    fn append_hash(self, page: &[u8], hashes: &mut Vec<u8>) {
        match self.function {
            Function::Sha1 => hashes.extend_from_slice(&Sha1::digest(page)[..self.size]),
            Function::Sha256 => hashes.extend_from_slice(&Sha256::digest(page)[..self.size]),
            Function::Sha384 => hashes.extend_from_slice(&Sha384::digest(page)[..self.size]),
        }
    }
}

/// The pages of `[offset, offset + size)`; the last one may be shorter.
#[derive(Clone, Copy, Debug)]
pub struct PageRange {
    pub offset: u64,
    pub size: u64,
    /// A power of two.
    pub page_size: u64,
}

/// How much is read at once: whole pages, and at least one.
const PIECE: u64 = 256 * 1024;

/// The hashes of all pages, one behind the other.
pub fn hash_pages(
    source: &mut dyn Source,
    range: PageRange,
    algorithm: Algorithm,
) -> Result<Vec<u8>, Unreadable> {
    let PageRange { offset, size, page_size } = range;
    let pages = size.div_ceil(page_size) as usize;
    let mut hashes = Vec::with_capacity(pages * algorithm.size);
    let mut done = 0;
    while done < size {
        let wanted = PIECE.max(page_size).min(size - done);
        for page in source.read(offset + done, wanted)?.chunks(page_size as usize) {
            algorithm.append_hash(page, &mut hashes);
        }
        done += wanted;
    }
    Ok(hashes)
}
