//! Lookup tables of canonical Huffman codes (RFC 1951 §3.2.2): one main table, subtables for longer codes. Accepts exactly the codes
//! that zlib accepts. The same tables in TypeScript: src/stream/inflate/deflate-format.ts (entries) and src/stream/inflate/decode-table.ts.

pub const LITLEN_BITS: u32 = 11;
pub const DISTANCE_BITS: u32 = 8;
pub const PRECODE_BITS: u32 = 7;
pub const LITLEN_SYMBOLS: usize = 288;
pub const DISTANCE_SYMBOLS: usize = 32;
pub const PRECODE_SYMBOLS: usize = 19;
// The most entries that a complete code can need (zlib's examples/enough.c): 288 symbols, 11 bits: 2342; 32 symbols, 8 bits: 402.
pub const LITLEN_ENTRIES: usize = 2400;
pub const DISTANCE_ENTRIES: usize = 448;
pub const PRECODE_ENTRIES: usize = 128;

// An entry:
//   31      it is a literal, the byte in 16–23
//   16–30   first length or distance of the symbol; or where a subtable begins
//   15      neither literal nor match: 14 says subtable, 13 end of block, none of them says invalid
//   8–11    bits of the code alone (for a subtable: the bits that index it)
//   0–5     bits to take in all, code and extra bits (for a subtable: the bits of the main table)
pub const LITERAL: u32 = 1 << 31;
pub const SPECIAL: u32 = 1 << 15;
pub const SUBTABLE: u32 = SPECIAL | (1 << 14);
pub const END: u32 = SPECIAL | (1 << 13);
pub const INVALID: u32 = SPECIAL;

const MAX_CODE_LENGTH: usize = 15;

/// What each symbol of a code means: entries without the length of the code.
pub const LITLEN: [u32; LITLEN_SYMBOLS] = litlen_symbols();
pub const DISTANCE: [u32; DISTANCE_SYMBOLS] = distance_symbols();
pub const PRECODE: [u32; PRECODE_SYMBOLS] = precode_symbols();

const fn litlen_symbols() -> [u32; LITLEN_SYMBOLS] {
    let mut symbols = [INVALID; LITLEN_SYMBOLS];
    let mut byte = 0;
    while byte < 256 {
        symbols[byte] = LITERAL | ((byte as u32) << 16);
        byte += 1;
    }
    symbols[256] = END;
    let mut base = 3;
    let mut i = 0;
    while i < 28 {
        let extra = if i < 8 { 0 } else { i / 4 - 1 };
        symbols[257 + i as usize] = (base << 16) | extra;
        base += 1 << extra;
        i += 1;
    }
    // Code 285 is 258 without extra bits, although 284 can say 258 as well; 286 and 287 exist only in the fixed code.
    symbols[285] = 258 << 16;
    symbols
}

const fn distance_symbols() -> [u32; DISTANCE_SYMBOLS] {
    let mut symbols = [INVALID; DISTANCE_SYMBOLS];
    let mut base = 1;
    let mut i = 0;
    while i < 30 {
        let extra = if i < 4 { 0 } else { i / 2 - 1 };
        symbols[i as usize] = (base << 16) | extra;
        base += 1 << extra;
        i += 1;
    }
    symbols
}

/// Symbols 16, 17 and 18 repeat a length; their extra bits say how often beyond the least.
const fn precode_symbols() -> [u32; PRECODE_SYMBOLS] {
    let mut symbols = [0; PRECODE_SYMBOLS];
    let mut symbol = 0;
    while symbol < PRECODE_SYMBOLS {
        let extra = match symbol {
            16 => 2,
            17 => 3,
            18 => 7,
            _ => 0,
        };
        symbols[symbol] = ((symbol as u32) << 16) | extra;
        symbol += 1;
    }
    symbols
}

/// What a table is made of.
pub struct Code<'a> {
    /// Index bits of the main table.
    pub main_bits: u32,
    /// Entry of each symbol, without the length of its code.
    pub symbols: &'a [u32],
    /// Whether no code at all, or one code of one bit, is accepted.
    pub may_be_incomplete: bool,
}

/// Symbols by length of their code, then by value, and how many have each length.
struct Sorted {
    counts: [u32; MAX_CODE_LENGTH + 1],
    symbols: [u16; LITLEN_SYMBOLS],
    used: usize,
    /// What is left of the space of codes; none where it is over-subscribed.
    free: u32,
}

/// Fills a table for the code with these lengths; false where it is over-subscribed or incomplete.
pub fn build(entries: &mut [u32], code: &Code, lengths: &[u8]) -> bool {
    match sort(lengths) {
        None => false,
        Some(sorted) if sorted.free > 0 => fill_incomplete(entries, code, &sorted),
        Some(sorted) => fill_complete(entries, code, sorted).is_some(),
    }
}

fn sort(lengths: &[u8]) -> Option<Sorted> {
    let mut counts = [0; MAX_CODE_LENGTH + 1];
    for length in lengths {
        *counts.get_mut(usize::from(*length))? += 1;
    }
    counts[0] = 0;
    let mut free = 1u32;
    let mut places = [0; MAX_CODE_LENGTH + 2];
    for length in 1..=MAX_CODE_LENGTH {
        free = (free * 2).checked_sub(counts[length])?;
        places[length + 1] = places[length] + counts[length];
    }
    let used = places[MAX_CODE_LENGTH + 1] as usize;
    let mut symbols = [0; LITLEN_SYMBOLS];
    for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
        let place = &mut places[usize::from(*length)];
        *symbols.get_mut(*place as usize)? = symbol as u16;
        *place += 1;
    }
    Some(Sorted { counts, symbols, used, free })
}

/// Only no code at all, or one code of one bit, may be incomplete.
fn fill_incomplete(entries: &mut [u32], code: &Code, sorted: &Sorted) -> bool {
    if !code.may_be_incomplete || sorted.used > 1 || sorted.used != sorted.counts[1] as usize {
        return false;
    }
    let invalid = with_length(INVALID, 1);
    let only = match sorted.used {
        1 => with_length(entry_of(code, sorted.symbols[0]), 1),
        _ => invalid,
    };
    for pair in entries.chunks_exact_mut(2).take(1 << (code.main_bits - 1)) {
        pair.copy_from_slice(&[only, invalid]);
    }
    true
}

fn entry_of(code: &Code, symbol: u16) -> u32 {
    code.symbols.get(usize::from(symbol)).copied().unwrap_or(INVALID)
}

fn with_length(entry: u32, length: u32) -> u32 {
    entry + ((length << 8) | length)
}

/// The code after `code` among codes of `length` bits, both with the first bit lowest.
fn next_code(code: u32, length: u32) -> u32 {
    let zeros = code ^ ((1 << length) - 1);
    if zeros == 0 {
        return code; // the last code of all
    }
    let bit = 1 << zeros.ilog2();
    (code & (bit - 1)) | bit
}

/// Fills the main table, which grows by doubling so that a short code is copied to all its places, then the subtables.
/// None where the table is too small, which a complete code cannot make it.
fn fill_complete(entries: &mut [u32], code: &Code, mut sorted: Sorted) -> Option<()> {
    let main_bits = code.main_bits as usize;
    let mut symbols = sorted.symbols.iter();
    let mut place = 0u32;
    for length in 1..=main_bits {
        let half = 1 << (length - 1);
        entries.get(..2 * half)?;
        entries.copy_within(..half, half);
        for _ in 0..sorted.counts[length] {
            *entries.get_mut(place as usize)? = with_length(entry_of(code, *symbols.next()?), length as u32);
            place = next_code(place, length as u32);
        }
    }

    let mask = (1u32 << main_bits) - 1;
    let mut prefix = None;
    let mut begin = 0;
    let mut end = 1usize << main_bits;
    for length in main_bits + 1..=MAX_CODE_LENGTH {
        while sorted.counts[length] > 0 {
            if prefix != Some(place & mask) {
                prefix = Some(place & mask);
                let bits = subtable_bits(&sorted.counts, length, main_bits)?;
                begin = end;
                end += 1 << bits;
                *entries.get_mut((place & mask) as usize)? =
                    SUBTABLE | ((begin as u32) << 16) | ((bits as u32) << 8) | main_bits as u32;
            }
            let own_bits = length - main_bits;
            let entry = with_length(entry_of(code, *symbols.next()?), own_bits as u32);
            let first = begin + (place >> main_bits) as usize;
            for slot in entries.get_mut(first..end)?.iter_mut().step_by(1 << own_bits) {
                *slot = entry;
            }
            place = next_code(place, length as u32);
            sorted.counts[length] -= 1;
        }
    }
    Some(())
}

/// Index bits of a subtable whose first code has `length` bits: as many as its longest code needs.
fn subtable_bits(counts: &[u32], length: usize, main_bits: usize) -> Option<usize> {
    let mut bits = length - main_bits;
    let mut filled = counts[length];
    while filled < 1 << bits {
        bits += 1;
        filled = filled * 2 + counts.get(main_bits + bits)?;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_distances(lengths: &[u8]) -> Option<Vec<u32>> {
        let mut entries = vec![0; DISTANCE_ENTRIES];
        let code = Code { main_bits: DISTANCE_BITS, symbols: &DISTANCE, may_be_incomplete: true };
        build(&mut entries, &code, lengths).then_some(entries)
    }

    #[test]
    fn symbols_are_those_of_the_format() {
        assert_eq!(LITLEN[257], 3 << 16);
        assert_eq!(LITLEN[284], (227 << 16) | 5);
        assert_eq!(LITLEN[285], 258 << 16);
        assert_eq!(DISTANCE[29], (24577 << 16) | 13);
        assert_eq!(DISTANCE[30], INVALID);
    }

    #[test]
    fn refuses_what_zlib_refuses() {
        assert!(build_distances(&[1, 1, 1]).is_none());
        assert!(build_distances(&[2, 2]).is_none());
        assert!(build_distances(&[2]).is_none());
        assert!(build_distances(&[16]).is_none());
        assert!(build_distances(&[1]).is_some());
        assert!(build_distances(&[0, 0]).is_some());
    }

    #[test]
    fn finds_short_and_long_codes() {
        let mut lengths: Vec<u8> = (1..=15).collect();
        lengths.push(15);
        let entries = build_distances(&lengths).unwrap();
        assert_eq!(entries[0], with_length(DISTANCE[0], 1));
        assert_eq!(entries[0b01], with_length(DISTANCE[1], 2));
        let subtable = entries[0xff];
        assert_eq!(subtable & SUBTABLE, SUBTABLE);
        assert_eq!((subtable >> 8) & 15, 7);
        let begin = (subtable >> 16) & 0x7fff;
        assert_eq!(entries[begin as usize + 0x7f], with_length(DISTANCE[15], 7));
    }
}
