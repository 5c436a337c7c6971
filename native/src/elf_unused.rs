//! Strings of a dynamic string table that nothing refers to: what is left of an rpath that some tool has removed. No loader reads
//! them, so an old path in them need not become a new one: it can go (src/binfmt/elf-unused-strings.ts).

use crate::elf_problem::ElfResult;
use crate::elf_strings::{find_string_uses, StringUses, LARGEST_TABLE};
use crate::elf_tables::{read_tables, DynamicEntry};
use crate::prefix_mapping::PrefixMapping;
use crate::source::{Edit, Source, Stop, Unreadable};

const DT_LOOS: u64 = 0x6000_0000;
const DT_VALRNGLO: u64 = 0x6fff_fd00;
const DT_HIOS: u64 = 0x6fff_ffff;

/// The parts of unused strings with growing prefixes, begin and end, that are to become NULs.
pub fn find_unused_strings(
    table: &[u8],
    uses: &StringUses,
    dynamic: &[DynamicEntry],
    mapping: &PrefixMapping,
) -> Vec<(usize, usize)> {
    let mut parts = growing_strings(table, mapping);
    if parts.is_empty() {
        return parts;
    }
    let mut used = uses.others.clone();
    uses.paths.iter().for_each(|path| used.insert(path.offset));
    // Of entries with an unknown meaning, a value that could be an offset counts as one.
    dynamic.iter().filter(|entry| !is_known_tag(entry.tag)).for_each(|entry| used.insert(entry.value));
    for (start, end) in &mut parts {
        *end = used.first_in(*start, *end);
    }
    parts.retain(|(start, end)| start < end);
    parts
}

fn growing_strings(table: &[u8], mapping: &PrefixMapping) -> Vec<(usize, usize)> {
    let mut strings = Vec::new();
    mapping.for_each_growing(table, |start, end| strings.push((start, end)));
    strings
}

/// Entries of the gABI, and of the ranges in which GNU defines all that it uses.
fn is_known_tag(tag: u64) -> bool {
    tag < DT_LOOS || (DT_VALRNGLO..=DT_HIOS).contains(&tag)
}

/// The edits that overwrite unused strings in a file; none where not every use of its strings is known.
pub fn erase_unused_strings(
    source: &mut dyn Source,
    mapping: &PrefixMapping,
) -> Result<Vec<Edit>, Unreadable> {
    match unused_edits(source, mapping) {
        Ok(edits) => Ok(edits),
        Err(Stop::Problem(_)) => Ok(Vec::new()),
        Err(Stop::Unreadable) => Err(Unreadable),
    }
}

fn unused_edits(source: &mut dyn Source, mapping: &PrefixMapping) -> ElfResult<Vec<Edit>> {
    let (mut reader, tables) = read_tables(source)?;
    let Some(strings) = tables.strings.filter(|strings| strings.size <= LARGEST_TABLE) else {
        return Ok(Vec::new());
    };
    if !reader.source.contains(strings.offset, strings.size) {
        return Ok(Vec::new());
    }
    let table = reader.source.read(strings.offset, strings.size)?.to_vec();
    // Most files have none: then their symbols need not be read.
    if growing_strings(&table, mapping).is_empty() {
        return Ok(Vec::new());
    }
    let uses = find_string_uses(&mut reader, &tables, &strings)?;
    let parts = find_unused_strings(&table, &uses, &tables.dynamic, mapping);
    Ok(parts
        .into_iter()
        .map(|(start, end)| Edit { offset: strings.offset + start as u64, bytes: vec![0; end - start] })
        .collect())
}
