//! Rpaths relative to the file, as old build caches have them: resolved where the file was, mapped, and made relative to where it will
//! be (src/relocation/relative-rpath.ts).

use std::collections::HashSet;

use crate::posix_path::{join, normalize, relative};
use crate::prefix_mapping::{PrefixMapping, RpathBuilder, RpathTooLong, COLON};

/// What stands for the file's directory in ELF files; the first is written.
const ELF_TOKENS: [&[u8]; 2] = [b"$ORIGIN", b"${ORIGIN}"];
const MACHO_TOKENS: [&[u8]; 1] = [b"@loader_path"];

/// The directory of a file before and after it moves.
#[derive(Debug)]
pub struct FileOrigin {
    pub old: Box<[u8]>,
    pub new: Box<[u8]>,
    /// New paths that begin so become relative.
    pub root: Box<[u8]>,
}

impl FileOrigin {
    /// The new rpath of an ELF file, without empty entries and repetitions of mapped ones; none when every entry stays.
    pub fn map_rpath(&self, rpath: &[u8], mapping: &PrefixMapping) -> Result<Option<Vec<u8>>, RpathTooLong> {
        let entries: Vec<&[u8]> =
            rpath.split(|byte| *byte == COLON).filter(|entry| !entry.is_empty()).collect();
        let mut seen = HashSet::new();
        let mut mapped = RpathBuilder::default();
        for entry in &entries {
            let resolved = self.resolve(entry, &ELF_TOKENS);
            let new = mapping.map_path(&resolved);
            let is_mapped = new.is_some();
            let path = new.unwrap_or(resolved);
            if seen.insert(path.clone()) || !is_mapped {
                mapped.add(&[&self.make_relative(path, ELF_TOKENS[0])])?;
            }
        }
        let value = mapped.build();
        Ok((value != entries.join(&COLON)).then_some(value))
    }

    /// The new name in a load command, other than that of the library itself.
    pub fn map_name(&self, name: &[u8], mapping: &PrefixMapping) -> Vec<u8> {
        let resolved = self.resolve(name, &MACHO_TOKENS);
        self.make_relative(mapping.map_path(&resolved).unwrap_or(resolved), MACHO_TOKENS[0])
    }

    /// The new name of a library itself: found by rpath when it lies below the new root.
    pub fn map_identity(&self, name: &[u8], mapping: &PrefixMapping) -> Option<Vec<u8>> {
        let mapped = mapping.map_path(name)?;
        if !mapped.starts_with(&self.root) {
            return Some(mapped);
        }
        let start = memchr::memrchr(b'/', &mapped).map_or(0, |slash| slash + 1);
        Some([b"@rpath/", &mapped[start..]].concat())
    }

    /// The absolute path that a relative one was; one without a token stays.
    fn resolve(&self, path: &[u8], tokens: &[&[u8]]) -> Vec<u8> {
        let rest = tokens
            .iter()
            .filter_map(|token| path.strip_prefix(*token))
            .find(|rest| matches!(rest.first(), None | Some(b'/')));
        rest.map_or(path.into(), |rest| normalize(&[&self.old, rest].concat()))
    }

    fn make_relative(&self, path: Vec<u8>, token: &[u8]) -> Vec<u8> {
        if path.starts_with(&self.root) {
            join(token, &relative(&path, &self.new))
        } else {
            path
        }
    }
}
