//! The text rule (FORMATS "text"; in TypeScript: src/relocation/text/text-rules.ts): which hits of the search it accepts, and
//! the text with them replaced.

use crate::prefix_search::{Cursor, Hit, PrefixSearch};

const OTHER: u8 = 0;
const WORD: u8 = 1;
const SLASH: u8 = 2;

/// `[A-Za-z0-9_-]` are word bytes: a run of them may precede a prefix; with `/` they form the tail.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || b == b'_' || b == b'-' {
            table[byte] = WORD;
        } else if b == b'/' {
            table[byte] = SLASH;
        }
        byte += 1;
    }
    table
}

fn class_of(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

/// The hits that the rule accepts, in order.
pub struct TextMatches<'a> {
    text: &'a [u8],
    search: &'a PrefixSearch,
    cursor: Cursor<'a>,
    position: usize,
    /// Everything left of `anchor` is known: `free` says whether a match may begin there, its run included.
    anchor: usize,
    free: bool,
}

impl<'a> TextMatches<'a> {
    pub fn new(text: &'a [u8], search: &'a PrefixSearch) -> Self {
        TextMatches { text, search, cursor: search.cursor(), position: 0, anchor: 0, free: true }
    }

    /// Moves left over the run of word bytes: free unless a `/` precedes it, or the run began before an `anchor` that was not free.
    fn is_free_at(&self, offset: usize) -> bool {
        let before = self.text.get(self.anchor..offset).unwrap_or(&[]);
        match before.iter().rev().find(|byte| class_of(**byte) != WORD) {
            Some(byte) => class_of(*byte) != SLASH,
            None => self.free,
        }
    }

    fn tail_end(&self, start: usize) -> usize {
        let tail = self.text.get(start..).unwrap_or(&[]);
        let length = tail.iter().position(|byte| class_of(*byte) == OTHER);
        start + length.unwrap_or(tail.len())
    }
}

impl Iterator for TextMatches<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        loop {
            let hit = self.cursor.advance(self.text, self.position, self.text.len())?;
            self.free = self.is_free_at(hit.offset);
            self.anchor = hit.offset;
            self.position = hit.offset + 1;
            if !self.free {
                continue;
            }
            self.position = self.tail_end(hit.offset + self.search.prefix(hit.index).len());
            self.anchor = self.position;
            let last = self.text.get(self.position.wrapping_sub(1));
            self.free = last.is_some_and(|byte| class_of(*byte) == OTHER);
            return Some(hit);
        }
    }
}

/// The most matches kept between measuring and rewriting; a text with more is searched again.
const KEPT: usize = 64 * 1024;

/// The result for a text.
#[derive(Default)]
pub struct Measured {
    pub length: usize,
    pub has_matches: bool,
    /// All matches, or none if there are too many.
    kept: Option<Vec<Hit>>,
}

pub fn measure(text: &[u8], search: &PrefixSearch, replacements: &[Box<[u8]>]) -> Measured {
    let mut measured = Measured { length: text.len(), has_matches: false, kept: Some(Vec::new()) };
    for hit in TextMatches::new(text, search) {
        let added = replacements.get(hit.index).map_or(0, |new| new.len());
        measured.length = (measured.length + added).saturating_sub(search.prefix(hit.index).len());
        measured.has_matches = true;
        measured.kept = measured.kept.filter(|kept| kept.len() < KEPT);
        if let Some(kept) = &mut measured.kept {
            kept.push(hit);
        }
    }
    measured
}

/// Fills `result`. False if text or result do not have the measured sizes.
pub fn rewrite(
    text: &[u8],
    measured: &Measured,
    search: &PrefixSearch,
    replacements: &[Box<[u8]>],
    result: &mut [u8],
) -> bool {
    let rewriting = Rewriting { text, search, replacements };
    match &measured.kept {
        Some(kept) => rewriting.fill(result, kept.iter().copied()),
        None => rewriting.fill(result, TextMatches::new(text, search)),
    }
}

struct Rewriting<'a> {
    text: &'a [u8],
    search: &'a PrefixSearch,
    replacements: &'a [Box<[u8]>],
}

impl Rewriting<'_> {
    fn fill(&self, result: &mut [u8], matches: impl Iterator<Item = Hit>) -> bool {
        let mut writer = Writer { rest: result };
        let mut from = 0;
        for Hit { offset, index } in matches {
            let new = self.replacements.get(index).map(|new| &new[..]);
            if !writer.put(self.text.get(from..offset)) || !writer.put(new) {
                return false;
            }
            from = offset + self.search.prefix(index).len();
        }
        writer.put(self.text.get(from..)) && writer.rest.is_empty()
    }
}

struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn put(&mut self, bytes: Option<&[u8]>) -> bool {
        let Some(bytes) = bytes else { return false };
        let Some((here, rest)) = std::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) else {
            return false;
        };
        here.copy_from_slice(bytes);
        self.rest = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(mapping: &[(&str, &str)], text: &str) -> Option<String> {
        let search = PrefixSearch::new(mapping.iter().map(|(old, _)| old.as_bytes().into()).collect());
        let new: Vec<Box<[u8]>> = mapping.iter().map(|(_, new)| new.as_bytes().into()).collect();
        let mut measured = measure(text.as_bytes(), &search, &new);
        if !measured.has_matches {
            return None;
        }
        let mut result = vec![0; measured.length];
        assert!(rewrite(text.as_bytes(), &measured, &search, &new, &mut result));
        let mut wrong = vec![0; measured.length + 1];
        assert!(!rewrite(text.as_bytes(), &measured, &search, &new, &mut wrong));
        measured.kept = None;
        let mut again = vec![0; measured.length];
        assert!(rewrite(text.as_bytes(), &measured, &search, &new, &mut again));
        assert_eq!(again, result);
        Some(String::from_utf8(result).unwrap())
    }

    #[test]
    fn a_match_needs_no_slash_before_its_run() {
        let mapping = [("/old", "/n")];
        assert_eq!(replace(&mapping, "-L/old x=/old a/old").unwrap(), "-L/n x=/n a/n");
        assert_eq!(replace(&mapping, "b/a/old"), None);
        assert_eq!(replace(&mapping, "//old"), None);
        assert_eq!(replace(&mapping, ""), None);
    }

    #[test]
    fn a_tail_is_swallowed() {
        let mapping = [("/old", "/n")];
        assert_eq!(replace(&mapping, "/old/x/old").unwrap(), "/n/x/old");
        assert_eq!(replace(&mapping, "/old:/old\n/old").unwrap(), "/n:/n\n/n");
        assert_eq!(replace(&mapping, "/older").unwrap(), "/ner");
    }

    #[test]
    fn more_matches_than_are_kept() {
        let replaced = replace(&[("/old", "/n")], &"/old ".repeat(KEPT + 1)).unwrap();
        assert!(replaced == "/n ".repeat(KEPT + 1));
    }

    #[test]
    fn a_prefix_may_end_in_any_byte() {
        assert_eq!(replace(&[("/old:", "x")], "/old:/old: /old:").unwrap(), "x/old: x");
        assert_eq!(replace(&[("/a", ""), ("/b", "")], "/a /b").unwrap(), " ");
    }
}
