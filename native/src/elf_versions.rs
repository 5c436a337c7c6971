//! The records of version sections that name strings (LSB "Symbol Versioning"; src/binfmt/elf-strings.ts, `VersionReader`).

use crate::elf_format::{ElfReader, Encoding};
use crate::elf_strings::{Places, ReferenceKind, StringReference, StringUses, LARGEST_TABLE};
use crate::elf_tables::SectionHeader;
use crate::source::Unreadable;

const VERNEED_SIZE: u64 = 16;
const VN_CNT: u64 = 2;
const VN_FILE: u64 = 4;
const VN_AUX: u64 = 8;
const VN_NEXT: u64 = 12;
const VERNAUX: NameRecord = NameRecord { size: 16, name: 8, next: 12 };

const VERDEF_SIZE: u64 = 20;
const VD_FLAGS: u64 = 2;
const VD_CNT: u64 = 6;
const VD_HASH: u64 = 8;
const VD_AUX: u64 = 12;
const VD_NEXT: u64 = 16;
const VERDAUX: NameRecord = NameRecord { size: 8, name: 0, next: 4 };
const VER_FLG_BASE: u16 = 1;

/// Where a record of a list has its name and the way to the next one.
struct NameRecord {
    size: u64,
    name: u64,
    next: u64,
}

/// Walks over the records of a version section, which are linked by offsets; never more of them than it has room for.
pub struct VersionReader {
    encoding: Encoding,
    start: u64,
    bytes: Vec<u8>,
    left: u64,
}

impl VersionReader {
    pub fn open(reader: &mut ElfReader<'_>, section: &SectionHeader) -> Result<Self, Unreadable> {
        let bytes = reader.source.read(section.offset, section.size.min(LARGEST_TABLE))?.to_vec();
        let left = bytes.len() as u64 / VERDAUX.size;
        Ok(VersionReader { encoding: reader.encoding, start: section.offset, bytes, left })
    }

    pub fn add_needs(mut self, uses: &mut StringUses) {
        let mut next = Some(0);
        while let Some(at) = next.filter(|at| self.has(*at, VERNEED_SIZE)) {
            uses.add_path(self.reference(at + VN_FILE, None));
            let first = at + self.int(at + VN_AUX);
            self.add_names(first, self.half(at + VN_CNT), &VERNAUX, &mut uses.others);
            next = self.next(at, VN_NEXT);
        }
    }

    /// The base definition has the library's own name.
    pub fn add_definitions(mut self, uses: &mut StringUses) {
        let mut next = Some(0);
        while let Some(at) = next.filter(|at| self.has(*at, VERDEF_SIZE)) {
            let first = at + self.int(at + VD_AUX);
            if self.half(at + VD_FLAGS) & VER_FLG_BASE != 0 && self.has(first, VERDAUX.size) {
                uses.add_path(self.reference(first + VERDAUX.name, Some(self.start + at + VD_HASH)));
            } else {
                self.add_names(first, self.half(at + VD_CNT), &VERDAUX, &mut uses.others);
            }
            next = self.next(at, VD_NEXT);
        }
    }

    fn add_names(&mut self, first: u64, count: u16, record: &NameRecord, others: &mut Places) {
        let mut next = Some(first);
        for _ in 0..count {
            let Some(at) = next.filter(|at| self.has(*at, record.size)) else {
                return;
            };
            others.insert(self.int(at + record.name));
            next = self.next(at, record.next);
        }
    }

    fn reference(&self, at: u64, hash_at: Option<u64>) -> StringReference {
        let kind = ReferenceKind::Version { hash_at };
        StringReference { at: self.start + at, kind, offset: self.int(at) }
    }

    /// Whether a record is there, and may still be looked at.
    fn has(&mut self, at: u64, size: u64) -> bool {
        if at + size > self.bytes.len() as u64 || self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }

    fn next(&self, at: u64, field: u64) -> Option<u64> {
        let step = self.int(at + field);
        (step != 0).then_some(at + step)
    }

    fn int(&self, at: u64) -> u64 {
        u64::from(self.encoding.int(&self.bytes, at as usize))
    }

    fn half(&self, at: u64) -> u16 {
        self.encoding.half(&self.bytes, at as usize)
    }
}
