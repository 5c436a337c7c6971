//! Finds the rpath and the interpreter of an ELF file (gABI; the rules are those of src/binfmt/elf.ts) without holding the file: it
//! asks for a range of bytes, the host answers and calls again. Tables are read in pieces, so a hostile count costs no memory.
//! Every range that it asks for lies in the file; every record that it looks at lies in the answer.

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const SHT_STRTAB: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;

/// How much is asked for at once.
const CHUNK: u64 = 64 * 1024;
/// Longer strings are refused: src/binfmt/elf-dynamic.ts, LONGEST_STRING.
const LONGEST_STRING: u64 = 1024 * 1024;

/// A range of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub offset: u64,
    pub length: u64,
}

/// What the search wants next, or that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Want(Range),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Header,
    Segments,
    Interpreter,
    Dynamic,
    Loads,
    Sections,
    StrtabEnd,
    Rpath,
    Done,
}

/// How the numbers of a file are written.
#[derive(Clone, Copy, Default)]
struct Encoding {
    wide: bool,
    big: bool,
}

/// Places of fields; they differ with the class of the file.
impl Encoding {
    fn pick(self, narrow: usize, wide: usize) -> usize {
        if self.wide {
            wide
        } else {
            narrow
        }
    }

    fn half(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    }

    fn int(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    }

    /// An address, offset or size: 4 bytes in class 32, 8 in class 64.
    fn word(self, bytes: &[u8], at: usize) -> Option<u64> {
        if !self.wide {
            return self.int(bytes, at).map(u64::from);
        }
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u64::from_be_bytes(*bytes) } else { u64::from_le_bytes(*bytes) })
    }
}

/// A table of records in the file, what of it was read taken off.
#[derive(Clone, Copy, Default)]
struct Table {
    offset: u64,
    count: u64,
}

#[derive(Clone, Copy, Default)]
struct Load {
    address: u64,
    offset: u64,
}

/// What the dynamic section says.
#[derive(Default)]
struct DynamicEntries {
    rpath: Option<u64>,
    has_many_rpaths: bool,
    strtab: Option<u64>,
    has_many_strtabs: bool,
    soname: Option<u64>,
    highest_needed: Option<u64>,
}

/// The string that is looked through.
#[derive(Clone, Copy, Default)]
struct Text {
    start: u64,
    at: u64,
    end: u64,
}

/// The search in one file.
pub struct ElfSearch {
    phase: Phase,
    size: u64,
    wants_interpreter: bool,
    encoding: Encoding,
    wanted: Range,
    /// The table that is read.
    table: Table,
    program_headers: Table,
    section_headers: Table,
    has_load: bool,
    interpreter_segment: Option<Range>,
    dynamic_segment: Option<Range>,
    dynamic: DynamicEntries,
    below: Option<Load>,
    top: Load,
    strtab: Range,
    text: Text,
    rpath: Option<Range>,
    interpreter: Option<Range>,
}

impl ElfSearch {
    /// Begins with a file of this size.
    pub fn new(size: u64, wants_interpreter: bool) -> Self {
        ElfSearch {
            phase: Phase::Header,
            size,
            wants_interpreter,
            encoding: Encoding::default(),
            wanted: Range { offset: 0, length: 64 },
            table: Table::default(),
            program_headers: Table::default(),
            section_headers: Table::default(),
            has_load: false,
            interpreter_segment: None,
            dynamic_segment: None,
            dynamic: DynamicEntries::default(),
            below: None,
            top: Load::default(),
            strtab: Range::default(),
            text: Text::default(),
            rpath: None,
            interpreter: None,
        }
    }

    pub fn rpath(&self) -> Option<Range> {
        self.rpath
    }

    pub fn interpreter(&self) -> Option<Range> {
        self.interpreter
    }

    /// Takes the bytes that were wanted, fewer only at the file's end.
    pub fn feed(&mut self, bytes: &[u8]) -> Step {
        let step = match self.phase {
            Phase::Header => self.read_header(bytes),
            Phase::Interpreter | Phase::Rpath => self.read_string(bytes),
            Phase::StrtabEnd => self.read_strtab_end(bytes),
            Phase::Done => Some(Step::Done),
            _ => self.read_records(bytes),
        };
        // Whatever is missing or wrong: nothing of the file is rewritten.
        step.unwrap_or_else(|| {
            self.rpath = None;
            self.interpreter = None;
            self.finish()
        })
    }

    fn finish(&mut self) -> Step {
        self.phase = Phase::Done;
        Step::Done
    }

    fn want(&mut self, offset: u64, length: u64) -> Step {
        self.wanted = Range { offset, length: length.min(CHUNK) };
        Step::Want(self.wanted)
    }

    fn contains(&self, Range { offset, length }: Range) -> bool {
        offset.checked_add(length).is_some_and(|end| end <= self.size)
    }

    fn read_header(&mut self, bytes: &[u8]) -> Option<Step> {
        let encoding = read_ident(bytes)?;
        self.encoding = encoding;
        if bytes.len() < encoding.pick(52, 64) {
            return None;
        }
        let e_type = encoding.half(bytes, 16)?;
        if e_type != ET_EXEC && e_type != ET_DYN {
            return None;
        }
        self.program_headers = Table {
            offset: encoding.word(bytes, encoding.pick(28, 32))?,
            count: u64::from(encoding.half(bytes, encoding.pick(44, 56))?),
        };
        self.section_headers = Table {
            offset: encoding.word(bytes, encoding.pick(32, 40))?,
            count: u64::from(encoding.half(bytes, encoding.pick(48, 60))?),
        };
        self.begin_table(Phase::Segments, self.program_headers)
    }

    fn begin_table(&mut self, phase: Phase, table: Table) -> Option<Step> {
        self.phase = phase;
        self.table = table;
        self.want_records()
    }

    fn record_size(&self) -> usize {
        match self.phase {
            Phase::Dynamic => self.encoding.pick(8, 16),
            Phase::Sections => self.encoding.pick(40, 64),
            _ => self.encoding.pick(32, 56),
        }
    }

    /// Wants the next records of the table, or ends it.
    fn want_records(&mut self) -> Option<Step> {
        if self.table.count == 0 {
            return self.end_table();
        }
        let size = self.record_size() as u64;
        if !self.contains(Range { offset: self.table.offset, length: size }) {
            return self.end_short_table();
        }
        let records = self.table.count.min(CHUNK / size);
        Some(self.want(self.table.offset, records * size))
    }

    /// A table that the file cuts off: of the segments only what is there counts in the second pass; any other must be complete.
    fn end_short_table(&mut self) -> Option<Step> {
        if self.phase == Phase::Loads {
            self.end_table()
        } else {
            None
        }
    }

    fn read_records(&mut self, bytes: &[u8]) -> Option<Step> {
        let size = self.record_size();
        let limit = bytes.len().min(self.wanted.length as usize);
        let mut count = 0;
        for record in bytes.get(..limit)?.chunks_exact(size) {
            count += 1;
            match self.phase {
                Phase::Segments => self.read_segment(record)?,
                Phase::Loads => self.read_load(record)?,
                Phase::Dynamic => {
                    if !self.read_dynamic(record)? {
                        return self.end_table();
                    }
                }
                _ => {
                    if self.read_section(record)? {
                        return self.begin_strtab_end();
                    }
                }
            }
        }
        if count == 0 {
            return self.end_short_table();
        }
        self.table.count -= count;
        self.table.offset += count * size as u64;
        self.want_records()
    }

    fn end_table(&mut self) -> Option<Step> {
        match self.phase {
            Phase::Segments => self.end_segments(),
            Phase::Dynamic => self.end_dynamic(),
            Phase::Loads => self.end_loads(),
            _ => None,
        }
    }

    fn read_segment(&mut self, record: &[u8]) -> Option<()> {
        let encoding = self.encoding;
        let length = encoding.word(record, encoding.pick(16, 32))?;
        if length == 0 {
            return Some(());
        }
        let segment = Range { offset: encoding.word(record, encoding.pick(4, 8))?, length };
        match encoding.int(record, 0)? {
            PT_LOAD => self.has_load = true,
            PT_INTERP => self.interpreter_segment = Some(segment),
            PT_DYNAMIC => self.dynamic_segment = Some(segment),
            _ => {}
        }
        Some(())
    }

    fn end_segments(&mut self) -> Option<Step> {
        let Some(segment) = self.interpreter_segment.filter(|_| self.wants_interpreter) else {
            return self.begin_dynamic();
        };
        if !self.contains(segment) {
            return None;
        }
        self.begin_string(Phase::Interpreter, segment.offset, segment.offset + segment.length)
    }

    fn begin_dynamic(&mut self) -> Option<Step> {
        let Some(segment) = self.dynamic_segment.filter(|_| self.has_load) else {
            return Some(self.finish());
        };
        let count = segment.length / self.encoding.pick(8, 16) as u64;
        self.begin_table(Phase::Dynamic, Table { offset: segment.offset, count })
    }

    /// Takes one entry; false for the last one.
    fn read_dynamic(&mut self, record: &[u8]) -> Option<bool> {
        let encoding = self.encoding;
        let value = encoding.word(record, encoding.pick(4, 8))?;
        let dynamic = &mut self.dynamic;
        match encoding.word(record, 0)? {
            DT_NULL => return Some(false),
            DT_STRTAB => dynamic.has_many_strtabs |= dynamic.strtab.replace(value).is_some(),
            DT_NEEDED => dynamic.highest_needed = dynamic.highest_needed.max(Some(value)),
            DT_SONAME => dynamic.soname = Some(value),
            DT_RPATH | DT_RUNPATH => dynamic.has_many_rpaths |= dynamic.rpath.replace(value).is_some(),
            _ => {}
        }
        Some(true)
    }

    fn end_dynamic(&mut self) -> Option<Step> {
        let dynamic = &self.dynamic;
        if dynamic.has_many_rpaths || dynamic.has_many_strtabs || dynamic.strtab.is_none() {
            return None;
        }
        if self.highest_string().is_none() {
            return Some(self.finish());
        }
        self.begin_table(Phase::Loads, self.program_headers)
    }

    /// The highest place in the string table that the dynamic section names.
    fn highest_string(&self) -> Option<u64> {
        self.dynamic.highest_needed.max(self.dynamic.soname).max(self.dynamic.rpath)
    }

    /// Of equal addresses the later one counts.
    fn read_load(&mut self, record: &[u8]) -> Option<()> {
        let encoding = self.encoding;
        if encoding.word(record, encoding.pick(16, 32))? == 0 || encoding.int(record, 0)? != PT_LOAD {
            return Some(());
        }
        let load = Load {
            offset: encoding.word(record, encoding.pick(4, 8))?,
            address: encoding.word(record, encoding.pick(8, 16))?,
        };
        if load.address >= self.top.address {
            self.top = load;
        }
        if load.address <= self.dynamic.strtab?
            && self.below.is_none_or(|below| load.address >= below.address)
        {
            self.below = Some(load);
        }
        Some(())
    }

    fn end_loads(&mut self) -> Option<Step> {
        let load = self.below.unwrap_or(self.top);
        let strtab = self.dynamic.strtab?;
        self.strtab.offset = match strtab.checked_sub(load.address) {
            Some(distance) => load.offset.checked_add(distance)?,
            None => load.offset.checked_sub(load.address - strtab)?,
        };
        self.begin_table(Phase::Sections, self.section_headers)
    }

    /// True for the header of the string table.
    fn read_section(&mut self, record: &[u8]) -> Option<bool> {
        let encoding = self.encoding;
        let offset = encoding.word(record, encoding.pick(16, 24))?;
        if encoding.int(record, 4)? != SHT_STRTAB || offset != self.strtab.offset {
            return Some(false);
        }
        self.strtab.length = encoding.word(record, encoding.pick(20, 32))?;
        Some(true)
    }

    fn begin_strtab_end(&mut self) -> Option<Step> {
        let highest = self.highest_string()?;
        if !self.contains(self.strtab) || highest >= self.strtab.length {
            return None;
        }
        self.phase = Phase::StrtabEnd;
        let Range { offset, length } = self.strtab;
        self.text = Text { start: offset + highest, at: 0, end: offset + length };
        self.want_backwards()
    }

    /// From the table's end back to the highest string: somewhere there must be a NUL.
    fn want_backwards(&mut self) -> Option<Step> {
        let Text { start, end, .. } = self.text;
        if end <= start {
            return None;
        }
        let length = (end - start).min(CHUNK);
        Some(self.want(end - length, length))
    }

    fn read_strtab_end(&mut self, bytes: &[u8]) -> Option<Step> {
        let bytes = bytes.get(..self.wanted.length as usize)?;
        if memchr::memrchr(0, bytes).is_some() {
            return self.end_strtab();
        }
        self.text.end -= bytes.len() as u64;
        self.want_backwards()
    }

    fn end_strtab(&mut self) -> Option<Step> {
        let Some(rpath) = self.dynamic.rpath else {
            return Some(self.finish());
        };
        let Range { offset, length } = self.strtab;
        self.begin_string(Phase::Rpath, offset + rpath, offset + length)
    }

    fn begin_string(&mut self, phase: Phase, start: u64, end: u64) -> Option<Step> {
        self.phase = phase;
        let end = end.min(start.saturating_add(LONGEST_STRING + 1));
        self.text = Text { start, at: start, end };
        self.want_string()
    }

    fn want_string(&mut self) -> Option<Step> {
        let Text { at, end, .. } = self.text;
        (at < end).then(|| self.want(at, end - at))
    }

    fn read_string(&mut self, bytes: &[u8]) -> Option<Step> {
        if bytes.is_empty() {
            return None;
        }
        if let Some(length) = memchr::memchr(0, bytes) {
            return self.end_string(self.text.at + length as u64 - self.text.start);
        }
        self.text.at += bytes.len() as u64;
        self.want_string()
    }

    fn end_string(&mut self, length: u64) -> Option<Step> {
        let found = Range { offset: self.text.start, length };
        if self.phase == Phase::Interpreter {
            self.interpreter = Some(found);
            return self.begin_dynamic();
        }
        self.rpath = Some(found);
        Some(self.finish())
    }
}

/// How the file is written, where it begins like an ELF file.
fn read_ident(bytes: &[u8]) -> Option<Encoding> {
    let [0x7f, b'E', b'L', b'F', class, order, ..] = *bytes else {
        return None;
    };
    let wide = match class {
        1 => false,
        2 => true,
        _ => return None,
    };
    let big = match order {
        1 => false,
        2 => true,
        _ => return None,
    };
    Some(Encoding { wide, big })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    const RPATH: &[u8] = b"/old/store/lib:/usr/lib";
    const LOADER: &[u8] = b"/old/ld.so";

    /// A file of class 64 with one load, an interpreter, a dynamic section, a string table and its header.
    fn sample() -> Vec<u8> {
        let mut file = vec![0; 64];
        let word = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
        let interpreter = 64 + 3 * 56;
        let dynamic = interpreter + LOADER.len() + 1;
        let strtab = dynamic + 3 * 16;
        let size = 1 + RPATH.len() + 1;
        for (kind, offset, length) in
            [(1, 0, strtab + size), (3, interpreter, LOADER.len() + 1), (2, dynamic, 48)]
        {
            file.extend(u32::to_le_bytes(kind));
            file.extend([0; 4]);
            for value in [offset, offset, offset, length, length, 1] {
                word(&mut file, value as u64);
            }
        }
        file.extend(LOADER);
        file.push(0);
        for value in [DT_STRTAB, strtab as u64, DT_RUNPATH, 1, DT_NULL, 0] {
            word(&mut file, value);
        }
        file.push(0);
        file.extend(RPATH);
        file.push(0);
        let sections = file.len();
        let mut section = vec![0; 64];
        section[4..8].copy_from_slice(&SHT_STRTAB.to_le_bytes());
        section[24..32].copy_from_slice(&(strtab as u64).to_le_bytes());
        section[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        file.extend(section);
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        file[16..18].copy_from_slice(&ET_DYN.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[40..48].copy_from_slice(&(sections as u64).to_le_bytes());
        file[56] = 3;
        file[60] = 1;
        file
    }

    fn search(file: &[u8], wants_interpreter: bool) -> ElfSearch {
        let mut search = ElfSearch::new(file.len() as u64, wants_interpreter);
        let mut wanted = search.wanted;
        for _ in 0..1000 {
            let start = (wanted.offset as usize).min(file.len());
            let end = (start + wanted.length as usize).min(file.len());
            match search.feed(&file[start..end]) {
                Step::Done => return search,
                Step::Want(range) => wanted = range,
            }
        }
        panic!("the search does not end");
    }

    fn bytes_at(file: &[u8], range: Option<Range>) -> Option<&[u8]> {
        let Range { offset, length } = range?;
        file.get(offset as usize..)?.get(..length as usize)
    }

    #[test]
    fn finds_both_strings() {
        let file = sample();
        let found = search(&file, true);
        assert_eq!(bytes_at(&file, found.rpath()), Some(RPATH));
        assert_eq!(bytes_at(&file, found.interpreter()), Some(LOADER));
        assert_eq!(search(&file, false).interpreter(), None);
    }

    #[test]
    fn refuses_a_file_that_is_cut_off() {
        let file = sample();
        for size in 0..file.len() {
            let found = search(&file[..size], true);
            assert_eq!((found.rpath(), found.interpreter()), (None, None), "{size} bytes");
        }
    }

    #[test]
    fn takes_any_damage() {
        let mut random = Random::new(5);
        for _ in 0..30_000 {
            let mut file = sample();
            for _ in 0..random.below(5) + 1 {
                let at = random.below(file.len());
                file[at] = [0, 1, 127, 128, 255][random.below(5)];
            }
            let found = search(&file, true);
            for range in [found.rpath(), found.interpreter()] {
                assert_eq!(bytes_at(&file, range).is_some(), range.is_some());
            }
        }
    }
}
