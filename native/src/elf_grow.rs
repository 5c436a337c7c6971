//! Makes an ELF file longer so that its rpath, its interpreter and the names of libraries can be (gABI): the dynamic string table moves
//! as a whole into a new loadable segment, and all headers that tell of it follow (src/binfmt/elf-grow.ts).

use crate::elf::LONGEST_STRING;
use crate::elf_format::Table;
use crate::elf_format::{
    ElfReader, DT_STRSZ, DT_STRTAB, PT_INTERP, PT_LOAD, PT_PHDR, SHT_NOBITS, SHT_NULL, SHT_PROGBITS,
};
use crate::elf_placement::{place_new_bytes, FileRange, Placement};
use crate::elf_problem::{ElfProblem, ElfResult};
use crate::elf_strings::{find_string_uses, rebuild_strings, MovedReference, RebuiltStrings, ReferenceKind};
use crate::elf_tables::{read_tables, ElfTables, SectionHeader, SegmentHeader, Wide};
use crate::elf_unused::find_unused_strings;
use crate::elf_writer::ElfWriter;
use crate::prefix_mapping::PrefixMapping;
use crate::source::{Edit, Source, Unreadable};

/// What a file is to hold; what is none stays where it is.
pub struct ElfGrowth<'change> {
    pub strings: Option<StringGrowth<'change>>,
    pub interpreter: Option<&'change [u8]>,
}

pub struct StringGrowth<'change> {
    pub rpath: Option<&'change [u8]>,
    /// What names of libraries become, and which unused strings must go.
    pub mapping: &'change PrefixMapping,
}

/// The edits that make the file hold the new strings; the last of them lies behind the file's end.
pub fn grow_elf(source: &mut dyn Source, growth: ElfGrowth<'_>) -> ElfResult<Vec<Edit>> {
    let (mut reader, tables) = read_tables(source)?;
    let mut strings =
        growth.strings.map(|change| change_strings(&mut reader, &tables, change)).transpose()?;
    let interpreter = growth.interpreter.map(|path| find_interpreter(&reader, &tables, path)).transpose()?;
    let mut bytes = strings.as_mut().map_or(Vec::new(), |strings| std::mem::take(&mut strings.rebuilt.bytes));
    let table_size = bytes.len() as Wide;
    if let Some(interpreter) = &interpreter {
        bytes.extend_from_slice(&interpreter.bytes);
    }
    let free = strings.as_ref().map(|strings| range_of(&strings.section));
    let placement = place_new_bytes(&mut reader, &tables, bytes.len() as Wide, free)?;
    let mut writer = GrowthWriter::new(&mut reader, &tables, placement);
    if let Some(strings) = strings {
        writer.move_strings(&strings.section, table_size, &strings.rebuilt.moved)?;
    }
    if let Some(interpreter) = interpreter {
        writer.move_interpreter(&interpreter, table_size)?;
    }
    Ok(writer.finish(bytes))
}

struct ChangedStrings {
    section: SectionHeader,
    rebuilt: RebuiltStrings,
}

fn change_strings(
    reader: &mut ElfReader<'_>,
    tables: &ElfTables,
    StringGrowth { rpath, mapping }: StringGrowth<'_>,
) -> ElfResult<ChangedStrings> {
    let section = tables.strings.ok_or(ElfProblem::NoStringTable)?;
    if !reader.source.contains(section.offset, section.size) {
        return Err(ElfProblem::StringTableIncomplete.into());
    }
    if is_shared(reader, tables, range_of(&section), Some(section.index), None) {
        return Err(ElfProblem::StringTableShared.into());
    }
    let uses = find_string_uses(reader, tables, &section)?;
    let mut table = reader.source.read(section.offset, section.size)?.to_vec();
    for (start, end) in find_unused_strings(&table, &uses, &tables.dynamic, mapping) {
        table[start..end].fill(0);
    }
    let rebuilt = rebuild_strings(table, uses, rpath, mapping)?;
    Ok(ChangedStrings { section, rebuilt })
}

fn range_of(section: &SectionHeader) -> FileRange {
    FileRange { offset: section.offset.into(), size: section.size.into() }
}

/// Whether a part of the file is also a header, or lies in another section or segment than those that it is.
fn is_shared(
    reader: &ElfReader<'_>,
    tables: &ElfTables,
    part: FileRange,
    own_section: Option<usize>,
    own_segment: Option<usize>,
) -> bool {
    let table = |table: Table| FileRange { offset: table.offset.into(), size: table.size().into() };
    let mut sections = tables.sections.iter().filter(|each| Some(each.index) != own_section);
    let mut segments = tables.segments.iter().enumerate().filter(|(i, _)| Some(*i) != own_segment);
    part.meets(FileRange { offset: 0, size: reader.layout.header.size as Wide })
        || part.meets(table(tables.program_headers))
        || part.meets(table(tables.section_headers))
        || segments.any(|(_, each)| {
            is_own_part(each) && part.meets(FileRange { offset: each.offset, size: each.filesz })
        })
        || sections.any(|each| has_bytes(each) && part.meets(range_of(each)))
}

/// Segments that load, and those of an operating system such as PT_GNU_RELRO, span sections of all kinds.
fn is_own_part(segment: &SegmentHeader) -> bool {
    segment.kind != PT_LOAD && segment.kind != PT_PHDR && segment.kind < PT_LOOS
}

const PT_LOOS: u32 = 0x6000_0000;

fn has_bytes(section: &SectionHeader) -> bool {
    section.kind != SHT_NULL && section.kind != SHT_NOBITS
}

/// The whole segment is overwritten, and there is no path behind its string.
const LARGEST_INTERPRETER: Wide = LONGEST_STRING as Wide + 1;

struct GrownInterpreter {
    range: FileRange,
    section: Option<SectionHeader>,
    bytes: Vec<u8>,
}

fn find_interpreter(reader: &ElfReader<'_>, tables: &ElfTables, path: &[u8]) -> ElfResult<GrownInterpreter> {
    let index = tables.segments.iter().rposition(is_interpreter);
    let Some((index, segment)) = index.and_then(|index| Some((index, tables.segments.get(index)?))) else {
        return Err(ElfProblem::InterpreterIncomplete.into());
    };
    let range = FileRange { offset: segment.offset, size: segment.filesz };
    if range.end() > Wide::from(reader.source.size()) {
        return Err(ElfProblem::InterpreterIncomplete.into());
    }
    if range.size > LARGEST_INTERPRETER {
        return Err(ElfProblem::InterpreterTooLarge.into());
    }
    let section = tables.sections.iter().find(|each| {
        each.kind == SHT_PROGBITS
            && Wide::from(each.offset) == range.offset
            && Wide::from(each.size) == range.size
    });
    if is_shared(reader, tables, range, section.map(|section| section.index), Some(index)) {
        return Err(ElfProblem::InterpreterShared.into());
    }
    Ok(GrownInterpreter { range, section: section.copied(), bytes: [path, &[0]].concat() })
}

fn is_interpreter(segment: &SegmentHeader) -> bool {
    segment.kind == PT_INTERP && segment.filesz > 0
}

/// A section of strings has few symbols; hostile tables may say that it has millions.
const MOST_SECTION_SYMBOLS: usize = 4096;

/// Collects the edits that tell of the new places.
struct GrowthWriter<'file, 'source> {
    reader: &'file mut ElfReader<'source>,
    tables: &'file ElfTables,
    placement: Placement,
    writer: ElfWriter,
    edits: Vec<Edit>,
}

impl<'file, 'source> GrowthWriter<'file, 'source> {
    fn new(reader: &'file mut ElfReader<'source>, tables: &'file ElfTables, placement: Placement) -> Self {
        let writer = ElfWriter::new(reader.encoding);
        GrowthWriter { reader, tables, placement, writer, edits: Vec::new() }
    }

    fn move_strings(
        &mut self,
        section: &SectionHeader,
        size: Wide,
        references: &[MovedReference],
    ) -> Result<(), Unreadable> {
        let Placement { offset, vaddr, .. } = self.placement;
        self.erase(range_of(section));
        self.move_section(section, vaddr, FileRange { offset, size });
        for entry in &self.tables.dynamic {
            let place = entry.at + self.reader.layout.dynamic.d_val as u64;
            match entry.tag {
                DT_STRTAB => self.edit(place, self.writer.word(vaddr)),
                DT_STRSZ => self.edit(place, self.writer.word(size)),
                _ => {}
            }
        }
        for moved in references {
            let bytes = match moved.reference.kind {
                ReferenceKind::Version { .. } => self.writer.int(moved.offset as u32),
                _ => self.writer.word(moved.offset.into()),
            };
            self.edit(moved.reference.at, bytes);
            if let Some((at, hash)) = moved.hash {
                self.edit(at, self.writer.int(hash));
            }
        }
        self.move_section_symbols(section, vaddr)
    }

    fn move_interpreter(&mut self, grown: &GrownInterpreter, behind: Wide) -> Result<(), Unreadable> {
        let offset = self.placement.offset + behind;
        let vaddr = self.placement.vaddr + behind;
        let size = grown.bytes.len() as Wide;
        self.erase(grown.range);
        // The one that was found, which may stand at another place in the list now.
        if let Some(segment) = self.placement.segments.iter_mut().rfind(|each| is_interpreter(each)) {
            let old = segment.clone();
            *segment = SegmentHeader { offset, vaddr, paddr: vaddr, filesz: size, memsz: size, ..old };
        }
        let Some(section) = &grown.section else {
            return Ok(());
        };
        self.move_section(section, vaddr, FileRange { offset, size });
        self.move_section_symbols(section, vaddr)
    }

    /// All edits, with the new bytes as the last.
    fn finish(mut self, bytes: Vec<u8>) -> Vec<Edit> {
        let old = self.tables.program_headers;
        let at = &self.reader.layout.header;
        let (phoff, phnum) = (at.e_phoff as u64, at.e_phnum as u64);
        let Placement { offset, segments, program_headers_at, .. } = &self.placement;
        let (offset, program_headers_at) = (*offset, *program_headers_at);
        let mut headers: Vec<u8> = segments.iter().flat_map(|segment| self.writer.segment(segment)).collect();
        let count = segments.len() as u16;
        if program_headers_at != Wide::from(old.offset) {
            self.erase(FileRange { offset: old.offset.into(), size: old.size().into() });
        }
        self.edit(phoff, self.writer.word(program_headers_at));
        self.edit(phnum, self.writer.half(count));
        if program_headers_at + headers.len() as Wide == offset {
            headers.extend_from_slice(&bytes);
            self.edit(program_headers_at as u64, headers);
        } else {
            self.edit(program_headers_at as u64, headers);
            self.edit(offset as u64, bytes);
        }
        self.edits
    }

    fn edit(&mut self, offset: u64, bytes: Vec<u8>) {
        self.edits.push(Edit { offset, bytes });
    }

    /// Later edits may write over what was erased: the program headers do.
    fn erase(&mut self, FileRange { offset, size }: FileRange) {
        self.edit(offset as u64, vec![0; size as usize]);
    }

    fn move_section(&mut self, section: &SectionHeader, addr: Wide, to: FileRange) {
        let table = self.tables.section_headers;
        let at = &self.reader.layout.section_header;
        let start = table.offset + (section.index * table.record_size) as u64;
        self.edit(start + at.sh_addr as u64, self.writer.word(addr));
        self.edit(start + at.sh_offset as u64, self.writer.word(to.offset));
        self.edit(start + at.sh_size as u64, self.writer.word(to.size));
    }

    /// Symbols of a section move with it: its own, and the names that a program gives to its interpreter.
    fn move_section_symbols(&mut self, section: &SectionHeader, addr: Wide) -> Result<(), Unreadable> {
        let at = &self.reader.layout.symbol;
        let mut left = MOST_SECTION_SYMBOLS;
        for symbols in self.tables.sections.iter().filter(|each| each.is_symbol_table()) {
            if !self.reader.source.contains(symbols.offset, symbols.size) {
                continue;
            }
            let table =
                Table { offset: symbols.offset, count: symbols.size / at.size as u64, record_size: at.size };
            let (writer, edits) = (&self.writer, &mut self.edits);
            self.reader.for_each_record(table, |record, index| {
                if usize::from(record.half(at.st_shndx)) != section.index {
                    return true;
                }
                let offset = symbols.offset + index * at.size as u64 + at.st_value as u64;
                let value = Wide::from(record.word(at.st_value)) - Wide::from(section.addr) + addr;
                edits.push(Edit { offset, bytes: writer.word(value) });
                left -= 1;
                left > 0
            })?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}
