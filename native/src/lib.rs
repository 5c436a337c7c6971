//! The bindings to Node, and nothing else: few coarse calls that work in place on memory that JavaScript owns.
//!
//! Every call answers with a status and puts its results into `report`, an array that the caller keeps. No call throws for what
//! its input says, and a panic becomes the status [`PANICKED`]. The declarations for TypeScript are in
//! src/relocation/engines/native-addon.ts; whoever changes a signature here raises [`ABI_VERSION`].

mod cstring;
mod decode_table;
mod inflate;
mod inflate_fast;
mod prefix_search;
#[cfg(test)]
mod testing;
mod text;

use std::panic::{catch_unwind, AssertUnwindSafe};

use napi::bindgen_prelude::{Float64ArraySlice, Uint32ArraySlice, Uint8Array, Uint8ArraySlice};
use napi_derive::napi;

use prefix_search::PrefixSearch;

/// The loader refuses an addon with another number.
#[napi(js_name = "ABI_VERSION")]
pub const ABI_VERSION: i32 = 3;

/// What a call returns where the addon itself is wrong.
pub const PANICKED: i32 = -1000;

/// What a call returns for arrays that it cannot work on: of a wrong size, or one lying in the other.
pub const MISUSED: i32 = -1001;

fn guarded(call: impl FnOnce() -> i32) -> i32 {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(PANICKED)
}

/// Puts results into the caller's array, as many as fit.
fn answer(report: &mut Float64ArraySlice, results: &[f64]) {
    // SAFETY: the loader's side makes this array for reports alone, and JavaScript waits for us.
    let report = unsafe { report.as_mut() };
    for (slot, result) in report.iter_mut().zip(results) {
        *slot = *result;
    }
}

/// A size or offset from JavaScript.
fn to_size(number: f64) -> usize {
    number as usize
}

fn overlap(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (a.as_ptr_range(), b.as_ptr_range());
    a.start < b.end && b.start < a.end
}

/// What the window of `RawInflater.run` must have.
#[napi(js_name = "INFLATE_WINDOW_SIZE")]
pub const INFLATE_WINDOW_SIZE: u32 = inflate::WINDOW_SIZE as u32;

#[napi(js_name = "RawInflater")]
pub struct RawInflater {
    inflater: Box<inflate::Inflater>,
    /// Of all output since the last reset.
    crc: crc32fast::Hasher,
}

#[napi]
impl RawInflater {
    #[napi(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        RawInflater { inflater: inflate::Inflater::new(), crc: crc32fast::Hasher::new() }
    }

    #[napi]
    pub fn reset(&mut self) -> i32 {
        guarded(|| {
            self.inflater.reset();
            self.crc.reset();
            0
        })
    }

    /// Decodes `input` from `position` on into `window`, which must be the same from run to run. Report: the new position,
    /// begin and end of the output in the window, CRC-32 of all output since the last reset. Returns 0: wants input, 1: the window is full, 2: the stream has ended;
    /// negative: refused, the number of the problem.
    #[napi]
    pub fn run(
        &mut self,
        input: Uint8ArraySlice,
        position: f64,
        mut window: Uint8ArraySlice,
        mut report: Float64ArraySlice,
    ) -> i32 {
        guarded(|| {
            if overlap(&input, &window) {
                return MISUSED;
            }
            // SAFETY: nothing else in this call sees the bytes, and no other thread runs on them: JavaScript waits for us.
            let Ok(window) = <&mut [u8; inflate::WINDOW_SIZE]>::try_from(unsafe { window.as_mut() }) else {
                return MISUSED;
            };
            let run = self.inflater.run(&input, to_size(position), window);
            self.crc.update(&window[run.start..run.end]);
            let crc = f64::from(self.crc.clone().finalize());
            answer(&mut report, &[run.position as f64, run.start as f64, run.end as f64, crc]);
            match run.stop {
                inflate::Stop::WantsInput => 0,
                inflate::Stop::OutputFull => 1,
                inflate::Stop::Ended => 2,
                inflate::Stop::Refused(problem) => -(problem as i32),
            }
        })
    }
}

/// A list of prefixes and what replaces them.
#[napi(js_name = "PrefixTable")]
pub struct PrefixTable {
    search: PrefixSearch,
    replacements: Vec<Box<[u8]>>,
    /// What `measure_text` found.
    text: text::Measured,
}

#[napi]
impl PrefixTable {
    #[napi(constructor)]
    pub fn new(prefixes: Vec<Uint8Array>, replacements: Vec<Uint8Array>) -> Self {
        PrefixTable {
            search: PrefixSearch::new(prefixes.iter().map(|bytes| bytes[..].into()).collect()),
            replacements: replacements.iter().map(|bytes| bytes[..].into()).collect(),
            text: text::Measured::default(),
        }
    }

    /// Writes `[place, prefix]` pairs for what begins at `from` or behind. Report: where to go on when `pairs` is full.
    /// Returns how many pairs were written.
    #[napi]
    pub fn scan(
        &self,
        bytes: Uint8ArraySlice,
        from: f64,
        mut pairs: Uint32ArraySlice,
        mut report: Float64ArraySlice,
    ) -> i32 {
        guarded(|| {
            let mut cursor = self.search.cursor();
            let mut position = to_size(from);
            let mut count = 0;
            // SAFETY: an array of another type than `bytes`, made for pairs alone.
            for [place, prefix] in unsafe { pairs.as_mut() }.as_chunks_mut().0 {
                let Some(hit) = cursor.advance(&bytes, position, bytes.len()) else {
                    position = bytes.len();
                    break;
                };
                *place = hit.offset as u32;
                *prefix = hit.index as u32;
                position = hit.offset + 1;
                count += 1;
            }
            answer(&mut report, &[position as f64]);
            count
        })
    }

    /// Report: how long the text becomes. Returns 1 where something matches, else 0.
    #[napi]
    pub fn measure_text(&mut self, text: Uint8ArraySlice, mut report: Float64ArraySlice) -> i32 {
        guarded(|| {
            self.text = text::measure(&text, &self.search, &self.replacements);
            answer(&mut report, &[self.text.length as f64]);
            i32::from(self.text.has_matches)
        })
    }

    /// Fills `result` with what becomes of the text that was measured last. Returns 1, or 0 where the sizes are not those.
    #[napi]
    pub fn rewrite_text(&mut self, text: Uint8ArraySlice, mut result: Uint8ArraySlice) -> i32 {
        guarded(|| {
            if overlap(&text, &result) {
                return MISUSED;
            }
            // SAFETY: as in `RawInflater::run`.
            let result = unsafe { result.as_mut() };
            let measured = std::mem::take(&mut self.text);
            i32::from(text::rewrite(&text, &measured, &self.search, &self.replacements, result))
        })
    }

    /// Replaces C strings that begin in `[start, limit)`, in place. Report: how many, where the search ended; or, of a match that
    /// cannot be replaced, its place, its prefix, and the bytes between that and the NUL. Returns 0, -1: cannot grow, -2: cannot shrink.
    #[napi]
    pub fn replace_c_strings(
        &self,
        mut bytes: Uint8ArraySlice,
        start: f64,
        limit: f64,
        mut report: Float64ArraySlice,
    ) -> i32 {
        guarded(|| {
            let (start, limit) = (to_size(start), to_size(limit));
            // SAFETY: as in `RawInflater::run`.
            let bytes = unsafe { bytes.as_mut() };
            match cstring::replace(bytes, start, limit, &self.search, &self.replacements) {
                Ok(done) => {
                    answer(&mut report, &[done.count as f64, done.next as f64]);
                    0
                }
                Err(failure) => {
                    answer(
                        &mut report,
                        &[failure.offset as f64, failure.index as f64, failure.suffix as f64],
                    );
                    match failure.problem {
                        cstring::Problem::CannotGrow => -1,
                        cstring::Problem::CannotShrink => -2,
                    }
                }
            }
        })
    }
}
