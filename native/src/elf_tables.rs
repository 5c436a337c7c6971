//! All tables of an ELF file that must change when it grows (gABI: program headers, sections, dynamic section), read strictly: a file
//! that is odd in a way that `elf.rs` tolerates is not grown (src/binfmt/elf-tables.ts).

use crate::elf::to_file_offset;
use crate::elf_format::{
    ElfReader, Header, Record, Table, DT_NULL, DT_STRSZ, DT_STRTAB, PT_DYNAMIC, SHT_DYNSYM, SHT_GNU_VERDEF,
    SHT_GNU_VERNEED, SHT_STRTAB, SHT_SYMTAB,
};
use crate::elf_problem::{ElfProblem, ElfResult};
use crate::source::{Source, Unreadable};

/// Wide enough for sums and differences of what a file says.
pub type Wide = i128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    pub kind: u32,
    pub flags: u32,
    pub offset: Wide,
    pub vaddr: Wide,
    pub paddr: Wide,
    pub filesz: Wide,
    pub memsz: Wide,
    pub align: Wide,
}

#[derive(Clone, Copy, Debug)]
pub struct SectionHeader {
    pub index: usize,
    pub kind: u32,
    pub addr: u64,
    pub offset: u64,
    pub size: u64,
    pub link: u32,
}

impl SectionHeader {
    pub fn is_symbol_table(&self) -> bool {
        matches!(self.kind, SHT_SYMTAB | SHT_DYNSYM)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct DynamicEntry {
    /// Where it is in the file.
    pub at: u64,
    pub tag: u64,
    pub value: u64,
}

pub struct ElfTables {
    pub e_type: u16,
    pub program_headers: Table,
    pub section_headers: Table,
    pub segments: Vec<SegmentHeader>,
    pub sections: Vec<SectionHeader>,
    pub dynamic: Vec<DynamicEntry>,
    /// The section of the dynamic string table; none in a file without a dynamic section.
    pub strings: Option<SectionHeader>,
}

/// More program headers have another count (`PN_XNUM`), and kernels before 5.x take no more than a page of them.
const MOST_SEGMENTS: u64 = 1024;
const MOST_DYNAMIC: u64 = 65_536;

/// The tables of an executable or a shared library, or why they cannot be used.
pub fn read_tables<'source>(source: &'source mut dyn Source) -> ElfResult<(ElfReader<'source>, ElfTables)> {
    let Some((mut reader, header)) = ElfReader::open(source)? else {
        return Err(ElfProblem::NoElfFile.into());
    };
    let Header { program_headers, section_headers, .. } = header;
    if usize::from(header.e_phentsize) != program_headers.record_size {
        return Err(ElfProblem::ProgramHeaderSize.into());
    }
    if section_headers.count > 0 && usize::from(header.e_shentsize) != section_headers.record_size {
        return Err(ElfProblem::SectionHeaderSize.into());
    }
    if program_headers.count >= MOST_SEGMENTS {
        return Err(ElfProblem::TooManyProgramHeaders.into());
    }
    let segments = read_segments(&mut reader, program_headers)?;
    let sections = read_sections(&mut reader, section_headers)?;
    let (Some(segments), Some(sections)) = (segments, sections) else {
        return Err(ElfProblem::HeadersIncomplete.into());
    };
    if size_of_records(&sections) > u128::from(reader.source.size()) {
        return Err(ElfProblem::SectionsOverlap.into());
    }
    let dynamic = read_dynamic_entries(&mut reader, &segments)?;
    let mut tables = ElfTables {
        e_type: header.e_type,
        program_headers,
        section_headers,
        segments,
        sections,
        dynamic,
        strings: None,
    };
    tables.strings = find_strings(&mut reader, &tables)?;
    Ok((reader, tables))
}

/// None when the file ends before the table does.
fn read_segments(reader: &mut ElfReader<'_>, table: Table) -> Result<Option<Vec<SegmentHeader>>, Unreadable> {
    let at = &reader.layout.program_header;
    let mut segments = Vec::new();
    let word = |record: Record<'_>, field| Wide::from(record.word(field));
    let is_complete = reader.for_each_record(table, |record, _| {
        segments.push(SegmentHeader {
            kind: record.int(at.p_type),
            flags: record.int(at.p_flags),
            offset: word(record, at.p_offset),
            vaddr: word(record, at.p_vaddr),
            paddr: word(record, at.p_paddr),
            filesz: word(record, at.p_filesz),
            memsz: word(record, at.p_memsz),
            align: word(record, at.p_align),
        });
        true
    })?;
    Ok(is_complete.then_some(segments))
}

fn read_sections(reader: &mut ElfReader<'_>, table: Table) -> Result<Option<Vec<SectionHeader>>, Unreadable> {
    let at = &reader.layout.section_header;
    let mut sections = Vec::new();
    let is_complete = reader.for_each_record(table, |record, index| {
        sections.push(SectionHeader {
            index: index as usize,
            kind: record.int(at.sh_type),
            addr: record.word(at.sh_addr),
            offset: record.word(at.sh_offset),
            size: record.word(at.sh_size),
            link: record.int(at.sh_link),
        });
        true
    })?;
    Ok(is_complete.then_some(sections))
}

/// Of sections whose records are read one by one. Where they overlap, hostile ones could make that endless.
fn size_of_records(sections: &[SectionHeader]) -> u128 {
    let is_read = |section: &&SectionHeader| {
        section.is_symbol_table() || matches!(section.kind, SHT_GNU_VERDEF | SHT_GNU_VERNEED)
    };
    sections.iter().filter(is_read).map(|section| u128::from(section.size)).sum()
}

/// The entries of the last dynamic segment that has bytes, without the DT_NULL that ends them.
fn read_dynamic_entries(
    reader: &mut ElfReader<'_>,
    segments: &[SegmentHeader],
) -> ElfResult<Vec<DynamicEntry>> {
    let mut entries = Vec::new();
    let Some(segment) = segments.iter().rfind(|each| each.kind == PT_DYNAMIC && each.filesz > 0) else {
        return Ok(entries);
    };
    let at = &reader.layout.dynamic;
    // Both came from words of the file.
    let (offset, count) = (segment.offset as u64, segment.filesz as u64 / at.size as u64);
    if count > MOST_DYNAMIC || !reader.source.contains(offset, 0) {
        return Err(ElfProblem::DynamicIncomplete.into());
    }
    let table = Table { offset, count, record_size: at.size };
    let is_complete = reader.for_each_record(table, |record, index| {
        let tag = record.word(at.d_tag);
        if tag != DT_NULL {
            let entry_at = offset + index * at.size as u64;
            entries.push(DynamicEntry { at: entry_at, tag, value: record.word(at.d_val) });
        }
        tag != DT_NULL
    })?;
    if is_complete {
        Ok(entries)
    } else {
        Err(ElfProblem::DynamicIncomplete.into())
    }
}

fn find_strings(reader: &mut ElfReader<'_>, tables: &ElfTables) -> ElfResult<Option<SectionHeader>> {
    let ElfTables { sections, dynamic, .. } = tables;
    let mut string_tables = dynamic.iter().filter(|entry| entry.tag == DT_STRTAB);
    let Some(table) = string_tables.next() else {
        return Ok(None);
    };
    let offset = to_file_offset(reader, tables.program_headers, table.value)?;
    let section =
        sections.iter().find(|each| each.kind == SHT_STRTAB && Some(Wide::from(each.offset)) == offset);
    let Some(section) = section.filter(|_| string_tables.next().is_none()) else {
        return Err(ElfProblem::StringTableNotDescribed.into());
    };
    let size = dynamic.iter().find(|entry| entry.tag == DT_STRSZ);
    if size.is_none_or(|entry| entry.value > section.size) || section.addr != table.value {
        return Err(ElfProblem::StringTableAmbiguous.into());
    }
    Ok(Some(*section))
}
