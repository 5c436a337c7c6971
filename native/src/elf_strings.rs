//! The dynamic string table under change: who refers to which string (gABI "String Table", "Dynamic Section", "Symbol Table"), and a
//! new table in which changed strings stand behind the others and old ones are overwritten. Linkers let a string be the end of
//! another one, so what is still referred to stays, to the byte (src/binfmt/elf-strings.ts).

use std::collections::HashMap;

use crate::elf_format::Table;
use crate::elf_format::{
    ElfReader, DT_AUDIT, DT_AUXILIARY, DT_CONFIG, DT_DEPAUDIT, DT_FILTER, DT_NEEDED, DT_RPATH, DT_RUNPATH,
    DT_SONAME, SHT_DYNSYM, SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_NOBITS, SHT_SYMTAB,
};
use crate::elf_problem::{ElfProblem, ElfResult};
use crate::elf_tables::{ElfTables, SectionHeader};
use crate::elf_versions::VersionReader;
use crate::prefix_mapping::PrefixMapping;
use crate::source::Unreadable;

/// A place in the file that holds the offset of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringReference {
    pub at: u64,
    pub kind: ReferenceKind,
    pub offset: u64,
}

impl StringReference {
    fn hash_at(&self) -> Option<u64> {
        match self.kind {
            ReferenceKind::Version { hash_at } => hash_at,
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A `word` of the dynamic section.
    Rpath,
    /// A `word` of the dynamic section.
    Name,
    /// An `int` of a version record; `hash_at`: the record's hash of the string, which must follow it.
    Version { hash_at: Option<u64> },
}

/// A string table is copied in memory; no real one comes near this. The same goes for all that refers to it.
pub const LARGEST_TABLE: u64 = 128 << 20;
/// Names that may change. No linker writes so many.
const MOST_NAMES: usize = 131_072;
/// No loader takes a longer name. A limit of ours: hostile entries must not multiply one long string.
const LONGEST_NAME: usize = 4096;

/// A set of places in a string table.
#[derive(Clone)]
pub struct Places {
    bits: Vec<u64>,
    size: u64,
}

impl Places {
    fn new(size: u64) -> Self {
        Places { bits: vec![0; size.div_ceil(64) as usize], size }
    }

    /// Places outside of the table are left out.
    pub fn insert(&mut self, place: u64) {
        if place < self.size {
            self.bits[(place / 64) as usize] |= 1 << (place % 64);
        }
    }

    pub fn contains(&self, place: usize) -> bool {
        self.bits.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 != 0)
    }

    /// The first place in `[start, end)`, or `end`.
    pub fn first_in(&self, start: usize, end: usize) -> usize {
        (start..end).find(|place| self.contains(*place)).unwrap_or(end)
    }
}

/// The references that may change, and the places of all other strings in use.
pub struct StringUses {
    pub paths: Vec<StringReference>,
    pub others: Places,
}

impl StringUses {
    /// One more than may be is kept: it tells that there are too many.
    pub fn add_path(&mut self, path: StringReference) {
        if !self.has_too_many_names() {
            self.paths.push(path);
        }
    }

    fn has_too_many_names(&self) -> bool {
        self.paths.len() > MOST_NAMES
    }
}

/// Finds every use of the string table, or says why not all can be known.
pub fn find_string_uses(
    reader: &mut ElfReader<'_>,
    tables: &ElfTables,
    strings: &SectionHeader,
) -> ElfResult<StringUses> {
    if strings.size > LARGEST_TABLE {
        return Err(ElfProblem::StringTableTooLarge.into());
    }
    let linked = || {
        tables.sections.iter().filter(|each| each.link as usize == strings.index && each.kind != SHT_NOBITS)
    };
    if !linked().any(|each| each.kind == SHT_DYNSYM) {
        return Err(ElfProblem::SymbolsNotDescribed.into());
    }
    let mut uses =
        StringUses { paths: dynamic_uses(reader, tables).collect(), others: Places::new(strings.size) };
    let mut total: u64 = 0;
    for section in linked() {
        if !reader.source.contains(section.offset, section.size) {
            return Err(ElfProblem::SectionsIncomplete.into());
        }
        total += section.size;
        if total > LARGEST_TABLE {
            return Err(ElfProblem::SectionsTooLarge.into());
        }
        match section.kind {
            SHT_DYNSYM | SHT_SYMTAB => add_symbol_uses(reader, section, &mut uses.others)?,
            SHT_GNU_VERNEED => VersionReader::open(reader, section)?.add_needs(&mut uses),
            SHT_GNU_VERDEF => VersionReader::open(reader, section)?.add_definitions(&mut uses),
            _ => {}
        }
        if uses.has_too_many_names() {
            return Err(ElfProblem::TooManyNames.into());
        }
    }
    if uses.paths.iter().any(|path| path.offset >= strings.size) {
        return Err(ElfProblem::StringOutside.into());
    }
    Ok(uses)
}

fn dynamic_uses<'tables>(
    reader: &ElfReader<'_>,
    tables: &'tables ElfTables,
) -> impl Iterator<Item = StringReference> + use<'tables> {
    let d_val = reader.layout.dynamic.d_val as u64;
    tables.dynamic.iter().filter_map(move |entry| {
        let kind = match entry.tag {
            DT_RPATH | DT_RUNPATH => ReferenceKind::Rpath,
            DT_NEEDED | DT_SONAME | DT_CONFIG | DT_DEPAUDIT | DT_AUDIT | DT_AUXILIARY | DT_FILTER => {
                ReferenceKind::Name
            }
            _ => return None,
        };
        Some(StringReference { at: entry.at + d_val, kind, offset: entry.value })
    })
}

fn add_symbol_uses(
    reader: &mut ElfReader<'_>,
    section: &SectionHeader,
    others: &mut Places,
) -> Result<(), Unreadable> {
    let at = &reader.layout.symbol;
    let table = Table { offset: section.offset, count: section.size / at.size as u64, record_size: at.size };
    reader.for_each_record(table, |record, _| {
        others.insert(u64::from(record.int(at.st_name)));
        true
    })?;
    Ok(())
}

/// A changed table: its bytes, and where the references point now.
pub struct RebuiltStrings {
    pub bytes: Vec<u8>,
    pub moved: Vec<MovedReference>,
}

pub struct MovedReference {
    pub reference: StringReference,
    pub offset: u64,
    /// The version record's hash of the new string, and where it is.
    pub hash: Option<(u64, u32)>,
}

/// The table with some strings replaced: new ones stand at its end, and of the old ones nothing stays that nobody refers to.
/// Without an `rpath` the old one stays.
pub fn rebuild_strings(
    table: Vec<u8>,
    uses: StringUses,
    rpath: Option<&[u8]>,
    mapping: &PrefixMapping,
) -> Result<RebuiltStrings, ElfProblem> {
    let StringUses { paths, others: mut kept } = uses;
    let mut appended = AppendedStrings::behind(&table);
    let mut moved = Vec::new();
    for reference in paths {
        let value = match reference.kind {
            ReferenceKind::Rpath => rpath.map(<[u8]>::to_vec),
            _ => mapping.map_path(name_at(&table, reference.offset as usize)?),
        };
        match value {
            None => kept.insert(reference.offset),
            Some(value) => {
                let hash = reference.hash_at().map(|at| (at, elf_hash(&value)));
                moved.push(MovedReference { reference, hash, offset: appended.add(value) });
            }
        }
        if appended.end() > LARGEST_TABLE {
            return Err(ElfProblem::TableWouldBeTooLarge);
        }
    }
    let mut bytes = table;
    erase_strings(&mut bytes, &moved, &kept);
    bytes.append(&mut appended.bytes);
    Ok(RebuiltStrings { bytes, moved })
}

fn name_at(table: &[u8], offset: usize) -> Result<&[u8], ElfProblem> {
    let rest = table.get(offset..).unwrap_or_default();
    let most = &rest[..rest.len().min(LONGEST_NAME + 1)];
    let length = memchr::memchr(0, most).unwrap_or(most.len());
    if length > LONGEST_NAME {
        return Err(ElfProblem::NameTooLong);
    }
    Ok(&rest[..length])
}

/// Overwrites the strings that moved up to the first place in them that is still referred to.
fn erase_strings(table: &mut [u8], moved: &[MovedReference], kept: &Places) {
    let mut offsets: Vec<usize> = moved.iter().map(|moved| moved.reference.offset as usize).collect();
    offsets.sort_unstable();
    // Where the next string begins: no byte is looked at twice, however many references there are to one string.
    let mut next = 0;
    for offset in offsets {
        if offset < next || offset >= table.len() {
            continue;
        }
        let start = memchr::memrchr(0, &table[next..offset]).map_or(next, |nul| next + nul + 1);
        let end = memchr::memchr(0, &table[start..]).map_or(table.len(), |length| start + length);
        let to = kept.first_in(start, end);
        table[start..to].fill(0);
        next = end + 1;
    }
}

/// Strings behind a table, each once.
struct AppendedStrings {
    bytes: Vec<u8>,
    offsets: HashMap<Vec<u8>, u64>,
    table_size: u64,
}

impl AppendedStrings {
    fn behind(table: &[u8]) -> Self {
        // A last string without an end must not run into the first new one.
        let bytes = if table.last() == Some(&0) { Vec::new() } else { vec![0] };
        AppendedStrings { bytes, offsets: HashMap::new(), table_size: table.len() as u64 }
    }

    fn add(&mut self, value: Vec<u8>) -> u64 {
        if let Some(known) = self.offsets.get(&value) {
            return *known;
        }
        let offset = self.end();
        self.bytes.extend_from_slice(&value);
        self.bytes.push(0);
        self.offsets.insert(value, offset);
        offset
    }

    fn end(&self) -> u64 {
        self.table_size + self.bytes.len() as u64
    }
}

/// The hash of version records (gABI "Hash Table").
pub fn elf_hash(name: &[u8]) -> u32 {
    name.iter().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        let top = hash & 0xf000_0000;
        hash ^ (top >> 24) ^ top
    })
}
