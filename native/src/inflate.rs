//! A raw DEFLATE (RFC 1951) decoder: streaming, resumable at every byte of input, decoding into a window that the caller keeps.
//! Accepts exactly what zlib and src/stream/inflate/js-inflater.ts (the readable reference) accept, with the same reasons for refusals.
//! The hot loop is in inflate_fast.rs; README.md says why this is not a crate.

use crate::decode_table::{
    build, Code, DISTANCE, DISTANCE_BITS, DISTANCE_ENTRIES, END, LITLEN, LITLEN_BITS, LITLEN_ENTRIES,
    PRECODE, PRECODE_BITS, PRECODE_ENTRIES, PRECODE_SYMBOLS, SPECIAL, SUBTABLE,
};
use crate::inflate_fast::{self, Exit, INPUT_MARGIN, OUTPUT_MARGIN};

/// The longest distance of a match.
const HISTORY_SIZE: usize = 32 * 1024;
/// A run outputs at most this much less the margin.
const OUTPUT_SIZE: usize = 512 * 1024;
/// The size of the caller's window: the history, then room for output.
pub const WINDOW_SIZE: usize = HISTORY_SIZE + OUTPUT_SIZE;
const OUTPUT_LIMIT: usize = WINDOW_SIZE - OUTPUT_MARGIN;
/// A run starts with at least this much room, so that moving the history is cheap.
const LEAST_ROOM: usize = OUTPUT_SIZE / 2;

const MAX_LITLEN_CODES: usize = 286;
const MAX_DISTANCE_CODES: usize = 30;
const END_OF_BLOCK: usize = 256;
const PRECODE_ORDER: [u8; PRECODE_SYMBOLS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

pub type Litlen = [u32; LITLEN_ENTRIES];
pub type Distances = [u32; DISTANCE_ENTRIES];

/// Why a stream was refused; the texts for these numbers are in src/relocation/engines/wasm/wasm-inflater.ts.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    BlockType = 1,
    StoredLength = 2,
    LitlenCount = 3,
    DistanceCount = 4,
    Precode = 5,
    RepeatFirst = 6,
    RepeatBeyond = 7,
    NoEndOfBlock = 8,
    LitlenCode = 9,
    DistanceCode = 10,
    LitlenSymbol = 11,
    DistanceSymbol = 12,
    TooFar = 13,
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All input is used, and all its output is written.
    WantsInput,
    OutputFull,
    Ended,
    Refused(Problem),
}

/// The result of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub stop: Stop,
    /// Where in the input the next run must continue, or where the data after the stream begins.
    pub position: usize,
    /// Where in the window the output is.
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    BlockHeader,
    StoredHeader,
    Stored,
    DynamicHeader,
    PrecodeLengths,
    CodeLengths,
    Symbols,
    Ended,
    Failed(Problem),
}

/// Whether a step made progress.
#[derive(PartialEq, Eq)]
enum Progress {
    Made,
    /// It needs more input, or there is nothing left to do.
    Stuck,
}

use Progress::{Made, Stuck};

struct Tables {
    litlen: Litlen,
    distances: Distances,
}

/// Bits taken from the input but not used yet, the first one lowest; none above `count`.
#[derive(Clone, Copy, Default)]
pub struct Bits {
    pub hold: u64,
    pub count: u32,
}

/// Where a run reads and writes.
struct Place<'a> {
    input: &'a [u8],
    position: usize,
    window: &'a mut [u8; WINDOW_SIZE],
    write: usize,
}

/// Decodes one stream after another.
pub struct Inflater {
    state: State,
    bits: Bits,
    is_final: bool,
    is_fixed: bool,
    /// Where in the window output goes next, and the oldest byte that a match may refer to.
    write: usize,
    oldest: usize,
    stored_left: usize,
    litlen_count: usize,
    distance_count: usize,
    precode_count: usize,
    have: usize,
    lengths: [u8; 320],
    precode: [u32; PRECODE_ENTRIES],
    fixed: Tables,
    dynamic: Tables,
}

impl Inflater {
    /// On the heap: it has 23 KB of tables.
    pub fn new() -> Box<Self> {
        let empty = || Tables { litlen: [0; LITLEN_ENTRIES], distances: [0; DISTANCE_ENTRIES] };
        let mut inflater = Box::new(Inflater {
            state: State::BlockHeader,
            bits: Bits::default(),
            is_final: false,
            is_fixed: true,
            write: HISTORY_SIZE,
            oldest: HISTORY_SIZE,
            stored_left: 0,
            litlen_count: 0,
            distance_count: 0,
            precode_count: 0,
            have: 0,
            lengths: [0; 320],
            precode: [0; PRECODE_ENTRIES],
            fixed: empty(),
            dynamic: empty(),
        });
        // Built once: a block with the fixed code can be ten bits long, and a hostile stream may consist of them.
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        build_litlen(&mut inflater.fixed.litlen, &lengths);
        build_distances(&mut inflater.fixed.distances, &[5; 32]);
        inflater
    }

    /// Starts another stream.
    pub fn reset(&mut self) {
        self.state = State::BlockHeader;
        self.bits = Bits::default();
        self.write = HISTORY_SIZE;
        self.oldest = HISTORY_SIZE;
    }

    /// Decodes from `position` on until the input is used up, the window is full, or the stream ends. The window must be the same
    /// for every run, its bytes unchanged: matches refer to it.
    pub fn run(&mut self, input: &[u8], position: usize, window: &mut [u8; WINDOW_SIZE]) -> Run {
        if self.write + LEAST_ROOM > OUTPUT_LIMIT {
            self.slide(window);
        }
        let start = self.write;
        let mut place = Place { input, position: position.min(input.len()), window, write: self.write };
        while place.write < OUTPUT_LIMIT && self.step(&mut place) == Made {}
        let stop = match self.state {
            State::Ended => Stop::Ended,
            State::Failed(problem) => Stop::Refused(problem),
            _ if place.write >= OUTPUT_LIMIT => Stop::OutputFull,
            _ => Stop::WantsInput,
        };
        if stop == Stop::OutputFull {
            // So that `position` accounts for unused bytes of the last input.
            self.give_back(&mut place);
        }
        self.write = place.write;
        Run { stop, position: place.position, start, end: place.write }
    }

    fn slide(&mut self, window: &mut [u8; WINDOW_SIZE]) {
        let distance = self.write - HISTORY_SIZE;
        window.copy_within(distance..self.write, 0);
        self.oldest = self.oldest.saturating_sub(distance);
        self.write = HISTORY_SIZE;
    }

    fn step(&mut self, place: &mut Place) -> Progress {
        match self.state {
            State::BlockHeader => self.read_block_header(place),
            State::StoredHeader => self.read_stored_header(place),
            State::Stored => self.copy_stored(place),
            State::DynamicHeader => self.read_dynamic_header(place),
            State::PrecodeLengths => self.read_precode_lengths(place),
            State::CodeLengths => self.read_code_lengths(place),
            State::Symbols => self.decode_symbols(place),
            State::Ended | State::Failed(_) => Stuck,
        }
    }

    fn fail(&mut self, problem: Problem) -> Progress {
        self.state = State::Failed(problem);
        Stuck
    }

    /// Takes as many whole bytes as fit. Afterwards at least 57 bits are available, unless the input is used up.
    fn fill(&mut self, place: &mut Place) {
        while self.bits.count <= 56 {
            let Some(byte) = place.input.get(place.position) else { return };
            self.bits.hold |= u64::from(*byte) << self.bits.count;
            self.bits.count += 8;
            place.position += 1;
        }
    }

    /// At most 32 bits, which must be available.
    fn take(&mut self, count: u32) -> u32 {
        let value = self.bits.hold & ((1 << count) - 1);
        self.drop_bits(count);
        value as u32
    }

    fn drop_bits(&mut self, count: u32) {
        self.bits.hold >>= count;
        self.bits.count -= count;
    }

    /// Returns whole bytes that were taken too early. They come from the current input: earlier bits were used up first.
    fn give_back(&mut self, place: &mut Place) {
        place.position = place.position.saturating_sub((self.bits.count >> 3) as usize);
        self.bits.count &= 7;
        self.bits.hold &= (1 << self.bits.count) - 1;
    }

    fn read_block_header(&mut self, place: &mut Place) -> Progress {
        self.fill(place);
        if self.bits.count < 3 {
            return Stuck;
        }
        self.is_final = self.take(1) == 1;
        self.state = match self.take(2) {
            0 => {
                self.drop_bits(self.bits.count & 7);
                State::StoredHeader
            }
            1 => {
                self.is_fixed = true;
                State::Symbols
            }
            2 => State::DynamicHeader,
            _ => return self.fail(Problem::BlockType),
        };
        Made
    }

    fn read_stored_header(&mut self, place: &mut Place) -> Progress {
        self.fill(place);
        if self.bits.count < 32 {
            return Stuck;
        }
        let length = self.take(16);
        if self.take(16) != length ^ 0xffff {
            return self.fail(Problem::StoredLength);
        }
        self.give_back(place);
        self.stored_left = length as usize;
        self.state = State::Stored;
        Made
    }

    fn copy_stored(&mut self, place: &mut Place) -> Progress {
        let available = place.input.len() - place.position;
        let count = self.stored_left.min(available).min(OUTPUT_LIMIT - place.write);
        let bytes = &place.input[place.position..place.position + count];
        place.window[place.write..place.write + count].copy_from_slice(bytes);
        place.position += count;
        place.write += count;
        self.stored_left -= count;
        if self.stored_left > 0 {
            return if count == 0 { Stuck } else { Made };
        }
        self.end_block(place);
        Made
    }

    fn end_block(&mut self, place: &mut Place) {
        if !self.is_final {
            self.state = State::BlockHeader;
            return;
        }
        self.give_back(place);
        self.state = State::Ended;
    }

    fn read_dynamic_header(&mut self, place: &mut Place) -> Progress {
        self.fill(place);
        if self.bits.count < 14 {
            return Stuck;
        }
        self.litlen_count = self.take(5) as usize + 257;
        self.distance_count = self.take(5) as usize + 1;
        self.precode_count = self.take(4) as usize + 4;
        if self.litlen_count > MAX_LITLEN_CODES {
            return self.fail(Problem::LitlenCount);
        }
        if self.distance_count > MAX_DISTANCE_CODES {
            return self.fail(Problem::DistanceCount);
        }
        self.lengths[..PRECODE_SYMBOLS].fill(0);
        self.have = 0;
        self.state = State::PrecodeLengths;
        Made
    }

    fn read_precode_lengths(&mut self, place: &mut Place) -> Progress {
        while self.have < self.precode_count {
            self.fill(place);
            if self.bits.count < 3 {
                return Stuck;
            }
            let symbol = usize::from(PRECODE_ORDER[self.have]);
            self.lengths[symbol] = self.take(3) as u8;
            self.have += 1;
        }
        let code = Code { main_bits: PRECODE_BITS, symbols: &PRECODE, may_be_incomplete: false };
        if !build(&mut self.precode, &code, &self.lengths[..PRECODE_SYMBOLS]) {
            return self.fail(Problem::Precode);
        }
        self.have = 0;
        self.state = State::CodeLengths;
        Made
    }

    fn read_code_lengths(&mut self, place: &mut Place) -> Progress {
        let wanted = self.litlen_count + self.distance_count;
        while self.have < wanted {
            if self.bits.count < 14 {
                self.fill(place);
            }
            let entry = self.precode[(self.bits.hold & ((1 << PRECODE_BITS) - 1)) as usize];
            let total = entry & 63;
            if total > self.bits.count {
                return Stuck;
            }
            let extra = self.take(total) >> ((entry >> 8) & 15);
            if let Err(problem) = self.add_code_length(entry >> 16, extra as usize, wanted) {
                return self.fail(problem);
            }
        }
        self.start_dynamic_block()
    }

    fn add_code_length(&mut self, symbol: u32, extra: usize, wanted: usize) -> Result<(), Problem> {
        let have = self.have;
        if symbol < 16 {
            self.lengths[have] = symbol as u8;
            self.have += 1;
            return Ok(());
        }
        if symbol == 16 && have == 0 {
            return Err(Problem::RepeatFirst);
        }
        let value = if symbol == 16 { self.lengths[have - 1] } else { 0 };
        let end = have + extra + if symbol == 18 { 11 } else { 3 };
        if end > wanted {
            return Err(Problem::RepeatBeyond);
        }
        self.lengths[have..end].fill(value);
        self.have = end;
        Ok(())
    }

    fn start_dynamic_block(&mut self) -> Progress {
        if self.lengths[END_OF_BLOCK] == 0 {
            return self.fail(Problem::NoEndOfBlock);
        }
        let (litlens, rest) = self.lengths.split_at(self.litlen_count);
        if !build_litlen(&mut self.dynamic.litlen, litlens) {
            return self.fail(Problem::LitlenCode);
        }
        if !build_distances(&mut self.dynamic.distances, &rest[..self.distance_count]) {
            return self.fail(Problem::DistanceCode);
        }
        self.is_fixed = false;
        self.state = State::Symbols;
        Made
    }

    fn tables(&self) -> &Tables {
        if self.is_fixed {
            &self.fixed
        } else {
            &self.dynamic
        }
    }

    /// Decodes until the block, the room or the input ends, or the input is refused.
    fn decode_symbols(&mut self, place: &mut Place) -> Progress {
        while self.state == State::Symbols && place.write < OUTPUT_LIMIT {
            if place.input.len() - place.position >= INPUT_MARGIN {
                self.decode_fast(place);
            } else if self.decode_one(place) == Stuck {
                return Stuck;
            }
        }
        Made
    }

    fn decode_fast(&mut self, place: &mut Place) {
        let tables = if self.is_fixed { &self.fixed } else { &self.dynamic };
        let mut run = inflate_fast::FastRun {
            litlen: &tables.litlen,
            distances: &tables.distances,
            input: place.input,
            position: place.position,
            window: place.window,
            write: place.write,
            oldest: self.oldest,
            output_limit: OUTPUT_LIMIT,
            bits: self.bits,
        };
        let exit = run.decode();
        (place.position, place.write, self.bits) = (run.position, run.write, run.bits);
        match exit {
            Exit::Margin => {}
            Exit::EndOfBlock => self.end_block(place),
            Exit::Refused(problem) => self.state = State::Failed(problem),
        }
    }

    /// Decodes one literal or one whole match at the end of the input; takes nothing when it is cut off.
    fn decode_one(&mut self, place: &mut Place) -> Progress {
        self.fill(place);
        let Bits { hold, count } = self.bits;
        let (entry, mut used) = look_up(&self.tables().litlen, LITLEN_BITS, hold);
        if used > count {
            return Stuck;
        }
        if entry & crate::decode_table::LITERAL != 0 {
            place.window[place.write] = (entry >> 16) as u8;
            place.write += 1;
            self.drop_bits(used);
            return Made;
        }
        if entry & SPECIAL != 0 {
            if entry & END != END {
                return self.fail(Problem::LitlenSymbol);
            }
            self.drop_bits(used);
            self.end_block(place);
            return Made;
        }
        let length = value_of(entry, hold >> (used - (entry & 63)));
        let hold = hold >> used;
        let (entry, more) = look_up(&self.tables().distances, DISTANCE_BITS, hold);
        used += more;
        if used > count {
            return Stuck;
        }
        if entry & SPECIAL != 0 {
            return self.fail(Problem::DistanceSymbol);
        }
        let distance = value_of(entry, hold >> (more - (entry & 63)));
        if place.write - self.oldest < distance {
            return self.fail(Problem::TooFar);
        }
        self.drop_bits(used);
        for at in place.write..place.write + length {
            place.window[at] = place.window[at - distance];
        }
        place.write += length;
        Made
    }
}

/// The entry of the next code, and its total number of bits, including those of the main table.
fn look_up(table: &[u32], main_bits: u32, hold: u64) -> (u32, u32) {
    let entry = table[(hold & ((1 << main_bits) - 1)) as usize];
    if entry & SUBTABLE != SUBTABLE {
        return (entry, entry & 63);
    }
    let index = (hold >> main_bits) & ((1 << ((entry >> 8) & 15)) - 1);
    let entry = table[((entry >> 16) & 0x7fff) as usize + index as usize];
    (entry, main_bits + (entry & 63))
}

/// The length or distance of an entry with its extra bits; `hold` starts with the bits that the entry counts.
fn value_of(entry: u32, hold: u64) -> usize {
    let extra = (hold & ((1 << (entry & 63)) - 1)) >> ((entry >> 8) & 15);
    (entry >> 16) as usize + extra as usize
}

fn build_litlen(entries: &mut Litlen, lengths: &[u8]) -> bool {
    build(entries, &Code { main_bits: LITLEN_BITS, symbols: &LITLEN, may_be_incomplete: true }, lengths)
}

fn build_distances(entries: &mut Distances, lengths: &[u8]) -> bool {
    build(entries, &Code { main_bits: DISTANCE_BITS, symbols: &DISTANCE, may_be_incomplete: true }, lengths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "abc" as a stored block, then as a fixed one.
    const STORED: [u8; 8] = [0x01, 0x03, 0x00, 0xfc, 0xff, b'a', b'b', b'c'];
    const FIXED: [u8; 5] = [0x4b, 0x4c, 0x4a, 0x06, 0x00];

    fn window() -> Box<[u8; WINDOW_SIZE]> {
        vec![0; WINDOW_SIZE].into_boxed_slice().try_into().unwrap()
    }

    #[test]
    fn ends_exactly_at_every_split() {
        let mut window = window();
        for stream in [&STORED[..], &FIXED[..]] {
            let mut input = stream.to_vec();
            input.extend([0xff; 60]);
            for cut in 0..=input.len() {
                let mut inflater = Inflater::new();
                let first = inflater.run(&input[..cut], 0, &mut window);
                let mut output = window[first.start..first.end].to_vec();
                if cut >= stream.len() {
                    assert_eq!((first.stop, first.position), (Stop::Ended, stream.len()));
                } else {
                    assert_eq!((first.stop, first.position), (Stop::WantsInput, cut));
                    let second = inflater.run(&input, cut, &mut window);
                    assert_eq!((second.stop, second.position), (Stop::Ended, stream.len()));
                    output.extend(&window[second.start..second.end]);
                }
                assert_eq!(output, b"abc");
            }
        }
    }

    /// Stored blocks of zeros, more than fit into the window.
    #[test]
    fn stops_where_the_window_is_full() {
        let mut input = Vec::new();
        for last in [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] {
            input.extend([last, 0xff, 0xff, 0, 0]);
            input.extend([7; 0xffff]);
        }
        let (mut window, mut inflater) = (window(), Inflater::new());
        let (mut position, mut total) = (0, 0);
        loop {
            let run = inflater.run(&input, position, &mut window);
            assert!(window[run.start..run.end].iter().all(|byte| *byte == 7));
            (position, total) = (run.position, total + run.end - run.start);
            if run.stop == Stop::Ended {
                break;
            }
            assert_eq!(run.stop, Stop::OutputFull);
        }
        assert_eq!((position, total), (input.len(), 12 * 0xffff));
    }

    /// One literal, and matches of 258 bytes over three windows.
    #[test]
    fn goes_on_with_matches_in_the_next_window() {
        let mut code = vec![1, 1, 0]; // final, fixed
        code.extend([1, 0, 0, 1, 0, 0, 0, 1]); // literal 0x61
        for _ in 0..6000 {
            code.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]); // length 258, distance 1
        }
        code.extend([0; 7]); // end of block
        let input: Vec<u8> = code
            .chunks(8)
            .map(|bits| bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | (bit << i)))
            .collect();
        for piece in [1, 100, input.len()] {
            let (mut window, mut inflater) = (window(), Inflater::new());
            let mut total = 0;
            for part in input.chunks(piece) {
                let mut position = 0;
                loop {
                    let run = inflater.run(part, position, &mut window);
                    assert!(window[run.start..run.end].iter().all(|byte| *byte == b'a'));
                    (position, total) = (run.position, total + run.end - run.start);
                    if run.stop != Stop::OutputFull {
                        break;
                    }
                }
                assert_eq!(position, part.len());
            }
            assert_eq!(total, 1 + 6000 * 258);
            assert_eq!(inflater.run(&[], 0, &mut window).stop, Stop::Ended);
        }
    }

    #[test]
    fn says_why_it_refuses_and_can_be_reset() {
        let (mut window, mut inflater) = (window(), Inflater::new());
        for (input, problem) in [
            (&[0x07][..], Problem::BlockType),
            (&[0x01, 0x03, 0x00, 0xfc, 0xfe], Problem::StoredLength),
            (&[0x05, 0, 0, 0, 0], Problem::Precode),
            (&[0x03, 0x02], Problem::TooFar),
        ] {
            inflater.reset();
            assert_eq!(inflater.run(input, 0, &mut window).stop, Stop::Refused(problem));
            assert_eq!(inflater.run(input, 0, &mut window).stop, Stop::Refused(problem));
        }
        inflater.reset();
        assert_eq!(inflater.run(&STORED, 0, &mut window).stop, Stop::Ended);
    }
}
