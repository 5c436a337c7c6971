//! Reads what relocation needs of an ELF file, where Spack's `parse_elf` accepts it (src/binfmt/elf.ts, src/binfmt/elf-dynamic.ts).

use crate::elf_format::{
    ElfReader, Header, Record, Table, DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRTAB, ET_DYN,
    ET_EXEC, PT_DYNAMIC, PT_INTERP, PT_LOAD, SHT_STRTAB,
};
use crate::source::{Source, Unreadable};

/// No loader takes a longer rpath or interpreter. A limit of ours: such a file stays as it is.
pub const LONGEST_STRING: u64 = 1024 * 1024;

/// How many names are looked at, and how much of each.
const MOST_NEEDED: usize = 4096;
const LONGEST_NAME: u64 = 4096;

/// What the caller needs: strings that are not wanted are not read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub interpreter: bool,
    pub names: bool,
}

/// A string in the file, without its NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfString {
    pub offset: u64,
    pub value: Vec<u8>,
}

/// The strings of a file whose dynamic section, if any, can be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ElfStrings {
    pub rpath: Option<ElfString>,
    pub interpreter: Option<ElfString>,
    /// There is an interpreter, and it cannot be used.
    pub has_bad_interpreter: bool,
    /// Those of needed libraries and of the library itself.
    pub names: Vec<Vec<u8>>,
}

/// A part of the file that a program header names.
#[derive(Clone, Copy)]
struct Segment {
    offset: u64,
    size: u64,
}

#[derive(Default)]
struct Segments {
    interpreter: Option<Segment>,
    dynamic: Option<Segment>,
    has_load: bool,
}

/// The strings of an ELF file; none for another file, and for one that must stay as it is.
pub fn read_elf(source: &mut dyn Source, wanted: Wanted) -> Result<Option<ElfStrings>, Unreadable> {
    let Some((mut reader, header)) = ElfReader::open(source)? else {
        return Ok(None);
    };
    if header.e_type != ET_EXEC && header.e_type != ET_DYN {
        return Ok(None);
    }
    let Some(segments) = find_segments(&mut reader, header.program_headers)? else {
        return Ok(None);
    };
    let mut strings = ElfStrings::default();
    if let Some(segment) = segments.interpreter.filter(|_| wanted.interpreter) {
        strings.interpreter = read_interpreter(&mut reader, segment)?;
        strings.has_bad_interpreter = strings.interpreter.is_none();
    }
    match segments.dynamic.filter(|_| segments.has_load) {
        None => Ok(Some(strings)),
        Some(segment) => {
            let is_usable = read_dynamic(&mut reader, &header, segment, wanted.names, &mut strings)?;
            Ok(is_usable.then_some(strings))
        }
    }
}

/// Of several segments of a type the last one counts; none when the table is not complete.
fn find_segments(reader: &mut ElfReader<'_>, table: Table) -> Result<Option<Segments>, Unreadable> {
    let mut segments = Segments::default();
    let at = &reader.layout.program_header;
    let is_complete = for_each_segment(reader, table, |kind, record| {
        let segment = Segment { offset: record.word(at.p_offset), size: record.word(at.p_filesz) };
        match kind {
            PT_LOAD => segments.has_load = true,
            PT_INTERP => segments.interpreter = Some(segment),
            PT_DYNAMIC => segments.dynamic = Some(segment),
            _ => {}
        }
    })?;
    Ok(is_complete.then_some(segments))
}

/// Visits the segments that have bytes in the file. False when the table is not complete.
fn for_each_segment(
    reader: &mut ElfReader<'_>,
    table: Table,
    mut visit: impl FnMut(u32, Record<'_>),
) -> Result<bool, Unreadable> {
    let at = &reader.layout.program_header;
    reader.for_each_record(table, |record, _| {
        if record.word(at.p_filesz) != 0 {
            visit(record.int(at.p_type), record);
        }
        true
    })
}

fn read_interpreter(reader: &mut ElfReader<'_>, segment: Segment) -> Result<Option<ElfString>, Unreadable> {
    let Segment { offset, size } = segment;
    if !reader.source.contains(offset, size) {
        return Ok(None);
    }
    let value = reader.read_string(offset, offset + size, LONGEST_STRING)?;
    Ok(value.map(|value| ElfString { offset, value }))
}

/// What the entries say, before the string table is known.
#[derive(Default)]
struct DynamicEntries {
    needed: Vec<u64>,
    /// The highest string offset of all: the string table must have a NUL behind it.
    highest: Option<u64>,
    soname: Option<u64>,
    rpath: Option<u64>,
    rpaths: u64,
    strtab: u64,
    strtabs: u64,
}

impl DynamicEntries {
    /// Takes one entry; false after the last one.
    fn add(&mut self, tag: u64, value: u64) -> bool {
        match tag {
            DT_NULL => return false,
            DT_STRTAB => {
                self.strtab = value;
                self.strtabs += 1;
            }
            DT_SONAME => self.soname = Some(value),
            DT_NEEDED => {
                if self.needed.len() < MOST_NEEDED {
                    self.needed.push(value);
                }
                self.highest = self.highest.max(Some(value));
            }
            DT_RPATH | DT_RUNPATH => {
                self.rpath = Some(value);
                self.rpaths += 1;
                self.highest = self.highest.max(Some(value));
            }
            _ => {}
        }
        true
    }
}

/// Reads the section into `strings`; false where it cannot be used.
fn read_dynamic(
    reader: &mut ElfReader<'_>,
    header: &Header,
    segment: Segment,
    wants_names: bool,
    strings: &mut ElfStrings,
) -> Result<bool, Unreadable> {
    let Some(entries) = read_entries(reader, segment)? else {
        return Ok(false);
    };
    if entries.rpaths > 1 || entries.strtabs != 1 {
        return Ok(false);
    }
    let Some(highest) = entries.highest else {
        return Ok(true);
    };
    let Some(table) = find_string_table(reader, header, entries.strtab)? else {
        return Ok(false);
    };
    let (start, end) = (table.offset, table.offset + table.size);
    if highest >= table.size
        || reader.find_last_nul(start, end, start + highest)?.is_none_or(|nul| nul < start + highest)
    {
        return Ok(false);
    }
    if let Some(rpath) = entries.rpath {
        let offset = start + rpath;
        let Some(value) = reader.read_string(offset, end, LONGEST_STRING)? else {
            return Ok(false);
        };
        strings.rpath = Some(ElfString { offset, value });
    }
    if wants_names {
        for name in entries.needed.iter().chain(&entries.soname) {
            strings.names.push(read_name(reader, start + name, end)?);
        }
    }
    Ok(true)
}

fn read_entries(reader: &mut ElfReader<'_>, segment: Segment) -> Result<Option<DynamicEntries>, Unreadable> {
    let at = &reader.layout.dynamic;
    let mut entries = DynamicEntries::default();
    let table = Table { offset: segment.offset, count: segment.size / at.size as u64, record_size: at.size };
    let is_complete = reader
        .for_each_record(table, |record, _| entries.add(record.word(at.d_tag), record.word(at.d_val)))?;
    // Of several sonames the last one counts, so only its offset has to be good.
    entries.highest = entries.highest.max(entries.soname);
    Ok(is_complete.then_some(entries))
}

/// The string table that a section header describes, where the file has it.
fn find_string_table(
    reader: &mut ElfReader<'_>,
    header: &Header,
    address: u64,
) -> Result<Option<Segment>, Unreadable> {
    let Some(offset) = to_file_offset(reader, header.program_headers, address)? else {
        return Ok(None);
    };
    let at = &reader.layout.section_header;
    let mut found = None;
    reader.for_each_record(header.section_headers, |record, _| {
        if record.int(at.sh_type) == SHT_STRTAB && i128::from(record.word(at.sh_offset)) == offset {
            found = Some(Segment { offset: record.word(at.sh_offset), size: record.word(at.sh_size) });
        }
        found.is_none()
    })?;
    Ok(found.filter(|Segment { offset, size }| reader.source.contains(*offset, *size)))
}

/// Where an address is in the file: by the segment with the highest address that is not above it, else by the highest of all.
/// It may lie outside of the file.
pub fn to_file_offset(
    reader: &mut ElfReader<'_>,
    program_headers: Table,
    address: u64,
) -> Result<Option<i128>, Unreadable> {
    let at = &reader.layout.program_header;
    let mut below: Option<(u64, u64)> = None;
    let mut top: Option<(u64, u64)> = None;
    for_each_segment(reader, program_headers, |kind, record| {
        if kind != PT_LOAD {
            return;
        }
        let segment = (record.word(at.p_vaddr), record.word(at.p_offset));
        // Of equal addresses the later one counts.
        if top.is_none_or(|(highest, _)| segment.0 >= highest) {
            top = Some(segment);
        }
        if segment.0 <= address && below.is_none_or(|(highest, _)| segment.0 >= highest) {
            below = Some(segment);
        }
    })?;
    Ok(below.or(top).map(|(vaddr, offset)| i128::from(offset) - i128::from(vaddr) + i128::from(address)))
}

/// A name, cut where it is too long for one.
fn read_name(reader: &mut ElfReader<'_>, offset: u64, end: u64) -> Result<Vec<u8>, Unreadable> {
    match reader.read_string(offset, end, LONGEST_NAME)? {
        Some(name) => Ok(name),
        None => Ok(reader.source.read(offset, LONGEST_NAME)?.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged, fixture, Bytes, Random};

    const ALL: Wanted = Wanted { interpreter: true, names: true };

    fn read(bytes: &[u8], wanted: Wanted) -> Option<ElfStrings> {
        read_elf(&mut Bytes::new(bytes), wanted).expect("bytes in memory can be read")
    }

    #[test]
    fn finds_the_strings_that_are_wanted() {
        let file = fixture("hello-pie");
        let found = read(&file, ALL).expect("it is an ELF file");
        let rpath = found.rpath.expect("it has an rpath");
        assert_eq!(rpath.value, b"/old/store/greet/lib");
        assert_eq!(&file[rpath.offset as usize..][..rpath.value.len()], rpath.value);
        assert!(found.interpreter.expect("it is a program").value.ends_with(b"ld-linux-x86-64.so.2"));
        assert!(found.names.contains(&b"libgreet.so.1".to_vec()));
        let few = read(&file, Wanted { interpreter: false, names: false }).expect("it is an ELF file");
        assert_eq!((few.interpreter, few.names.len()), (None, 0));
    }

    #[test]
    fn reads_both_classes_and_byte_orders() {
        for name in ["libgreet.so.1", "libplain-32-little.so", "libplain-32-big.so", "libplain-64-big.so"] {
            let rpath = read(&fixture(name), ALL).and_then(|found| found.rpath);
            assert!(rpath.is_some_and(|rpath| rpath.value.starts_with(b"/old/store/")), "{name}");
        }
    }

    #[test]
    fn leaves_what_is_no_elf_file() {
        for bytes in [&b""[..], b"\x7fELF", b"\x7fELF\x02\x01", b"#!/bin/sh\n", &[0; 100]] {
            assert_eq!(read(bytes, ALL), None);
        }
    }

    #[test]
    fn strings_of_a_damaged_file_lie_in_it() {
        let mut random = Random::new(5);
        let good = fixture("libplain-64-big.so");
        for _ in 0..20_000 {
            let file = damaged(&good, &mut random);
            let found = read(&file, ALL).unwrap_or_default();
            for ElfString { offset, value } in found.rpath.iter().chain(&found.interpreter) {
                assert_eq!(&file[*offset as usize..][..value.len()], value);
            }
        }
    }
}
