//! The ordered mapping from old to new prefixes: at one place the first pair that matches wins (src/relocation/prefix-map.ts), and
//! what becomes of paths and rpaths (src/relocation/rpath.ts).

use crate::prefix_search::PrefixSearch;

pub const COLON: u8 = b':';

/// No loader takes a longer rpath, and one of short entries could otherwise become gigabytes long.
const LONGEST_RPATH: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpathTooLong;

/// Collects the entries of a new rpath.
#[derive(Default)]
pub struct RpathBuilder {
    /// A colon in front of each entry.
    bytes: Vec<u8>,
}

impl RpathBuilder {
    /// Adds an entry that is given in parts.
    pub fn add(&mut self, parts: &[&[u8]]) -> Result<(), RpathTooLong> {
        let size = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
        if self.bytes.len() + size > LONGEST_RPATH + 1 {
            return Err(RpathTooLong);
        }
        self.bytes.push(COLON);
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        Ok(())
    }

    pub fn build(mut self) -> Vec<u8> {
        self.bytes.split_off(self.bytes.len().min(1))
    }
}

pub struct PrefixMapping {
    pairs: Vec<Pair>,
    growing: PrefixSearch,
    /// An empty prefix is in every string.
    grows_everything: bool,
}

struct Pair {
    from: Box<[u8]>,
    to: Box<[u8]>,
}

impl Pair {
    fn is_growing(&self) -> bool {
        self.to.len() > self.from.len()
    }
}

impl PrefixMapping {
    /// Takes as many pairs as both lists have.
    pub fn new(prefixes: Vec<Box<[u8]>>, replacements: Vec<Box<[u8]>>) -> Self {
        let pairs: Vec<Pair> =
            prefixes.into_iter().zip(replacements).map(|(from, to)| Pair { from, to }).collect();
        let growing = pairs.iter().filter(|pair| pair.is_growing());
        PrefixMapping {
            grows_everything: growing.clone().any(|pair| pair.from.is_empty()),
            // No string has a NUL in it.
            growing: PrefixSearch::new(
                growing.filter(|pair| !pair.from.contains(&0)).map(|pair| pair.from.clone()).collect(),
            ),
            pairs,
        }
    }

    /// Whether it can make a string longer; if not, every edit is in place.
    pub fn can_lengthen(&self) -> bool {
        self.pairs.iter().any(Pair::is_growing)
    }

    /// The first pair whose old prefix begins the path; no boundary is needed behind it.
    fn match_at_start(&self, path: &[u8]) -> Option<&Pair> {
        self.pairs.iter().find(|pair| path.starts_with(&pair.from))
    }

    /// The path with its prefix replaced, or none when nothing matches; one that maps to itself counts as a match.
    pub fn map_path(&self, path: &[u8]) -> Option<Vec<u8>> {
        let pair = self.match_at_start(path)?;
        Some([&pair.to, &path[pair.from.len()..]].concat())
    }

    pub fn makes_longer(&self, path: &[u8]) -> bool {
        self.match_at_start(path).is_some_and(Pair::is_growing)
    }

    /// The new rpath without its empty entries, or none when no entry begins with an old prefix.
    pub fn map_rpath(&self, rpath: &[u8]) -> Result<Option<Vec<u8>>, RpathTooLong> {
        let entries = || rpath.split(|byte| *byte == COLON).filter(|entry| !entry.is_empty());
        if !entries().any(|entry| self.match_at_start(entry).is_some()) {
            return Ok(None);
        }
        let mut mapped = RpathBuilder::default();
        for entry in entries() {
            match self.match_at_start(entry) {
                None => mapped.add(&[entry])?,
                Some(pair) => mapped.add(&[&pair.to, &entry[pair.from.len()..]])?,
            }
        }
        Ok(Some(mapped.build()))
    }

    /// Visits the strings of a table, begin and end, that hold an old prefix for which the C string rule has no room.
    pub fn for_each_growing(&self, table: &[u8], mut visit: impl FnMut(usize, usize)) {
        let mut cursor = self.growing.cursor();
        let mut start = 0;
        while start < table.len() {
            if !self.grows_everything {
                let Some(hit) = cursor.advance(table, start, table.len()) else {
                    return;
                };
                start = memchr::memrchr(0, &table[start..hit.offset]).map_or(start, |nul| start + nul + 1);
            }
            let end = memchr::memchr(0, &table[start..]).map_or(table.len(), |length| start + length);
            if end > start {
                visit(start, end);
            }
            start = end + 1;
        }
    }
}
