//! Where an ELF file that grows gets room (gABI "Program Loading"): for new bytes a loadable segment at its end, for one more program
//! header the place of the old string table, or that new segment. Sections that stay are never moved. The rules and their reasons:
//! src/binfmt/elf-placement.ts.

use crate::elf_format::{
    ElfReader, DF_1_PIE, DT_FLAGS_1, ET_EXEC, PF_R, PF_X, PT_INTERP, PT_LOAD, PT_NULL, PT_PHDR, SHT_NOBITS,
};
use crate::elf_problem::{ElfProblem, ElfResult};
use crate::elf_tables::{ElfTables, SegmentHeader, Wide};
use crate::source::Unreadable;

/// A range of the file.
#[derive(Clone, Copy, Debug)]
pub struct FileRange {
    pub offset: Wide,
    pub size: Wide,
}

impl FileRange {
    pub fn end(self) -> Wide {
        self.offset + self.size
    }

    /// Whether another range, if it is not empty, has a byte in this one.
    pub fn meets(self, other: FileRange) -> bool {
        other.size > 0 && other.offset < self.end() && self.offset < other.end()
    }
}

pub struct Placement {
    /// Where the new bytes go.
    pub offset: Wide,
    pub vaddr: Wide,
    /// The new program headers, all but those that point into the new bytes in their final form.
    pub segments: Vec<SegmentHeader>,
    pub program_headers_at: Wide,
}

/// New bytes may begin with program headers, which are aligned to a word.
const WORD: Wide = 8;
const ALIGNMENT: Wide = 16;

/// A file never grows by more empty room than this, only to make an address fit.
const LARGEST_HOLE: Wide = 64 << 20;

const SMALLEST_PAGE: Wide = 0x1000;
/// Files may be aligned to more, but no system has larger pages.
const LARGEST_PAGE: Wide = 0x10000;

/// Finds the room for `size` new bytes, or says why there is none; `free` becomes free: the old string table.
pub fn place_new_bytes(
    reader: &mut ElfReader<'_>,
    tables: &ElfTables,
    size: Wide,
    free: Option<FileRange>,
) -> ElfResult<Placement> {
    let placer = Placer { tables, size, layout: describe_loads(reader, tables)? };
    if let Some(placement) = placer.extend_last_segment().or_else(|| placer.reuse_header()) {
        return Ok(placement);
    }
    if let Some(placement) = free.and_then(|free| placer.headers_in(free)) {
        return Ok(placement);
    }
    if let Some(placement) = placer.headers_behind_first(reader)? {
        return Ok(placement);
    }
    Ok(placer.headers_at_end()?)
}

/// What the loadable segments have in common.
#[derive(Clone)]
struct LoadLayout {
    /// Where in the list of segments.
    first: usize,
    last: usize,
    /// The largest page that the file is made for.
    align: Wide,
    /// The first address behind all of them, on a page of its own.
    next_page: Wide,
    /// How far behind it the new segment is: eu-elflint takes a long function for relocations in what follows closely.
    distance: Wide,
    file_end: Wide,
    /// Where the pages end that hold bytes of the segments.
    pages_end: Wide,
}

fn describe_loads(reader: &ElfReader<'_>, tables: &ElfTables) -> Result<LoadLayout, ElfProblem> {
    let is_load = |each: &SegmentHeader| each.kind == PT_LOAD;
    let loads: Vec<&SegmentHeader> = tables.segments.iter().filter(|each| is_load(each)).collect();
    let ends = tables.segments.iter().position(is_load).zip(tables.segments.iter().rposition(is_load));
    let Some((first, last)) = ends else {
        return Err(ElfProblem::NoLoad);
    };
    if !loads.is_sorted_by_key(|load| load.vaddr) {
        return Err(ElfProblem::LoadsNotInOrder);
    }
    let file_end = Wide::from(reader.source.size());
    if loads.iter().any(|load| load.offset + load.filesz > file_end) {
        return Err(ElfProblem::SegmentsIncomplete);
    }
    let highest = |least: Wide, key: fn(&SegmentHeader) -> Wide| {
        loads.iter().fold(least, |most, load| most.max(key(load)))
    };
    let align = highest(SMALLEST_PAGE, |load| load.align);
    if !is_power_of_two(align) || align > LARGEST_HOLE {
        return Err(ElfProblem::ImpossibleAlignment);
    }
    let next_page = round_up(highest(0, |load| load.vaddr + load.memsz), align);
    let limit = if reader.encoding.wide { 1 << 63 } else { 1 << 32 };
    // The new segment takes at most this much of the address space.
    if next_page + file_end + align + LARGEST_HOLE > limit {
        return Err(ElfProblem::NoAddressLeft);
    }
    let distance = if reader.encoding.wide { round_up(1 << 20, align) } else { 0 };
    let filled = highest(0, |load| load.offset + load.filesz);
    let pages_end = round_up(filled, align.min(LARGEST_PAGE));
    Ok(LoadLayout { first, last, align, next_page, distance, file_end, pages_end })
}

fn is_power_of_two(value: Wide) -> bool {
    value > 0 && value & (value - 1) == 0
}

fn round_up(value: Wide, align: Wide) -> Wide {
    (value + align - 1) & !(align - 1)
}

#[derive(Clone, Copy)]
struct Place {
    offset: Wide,
    vaddr: Wide,
}

struct Placer<'tables> {
    tables: &'tables ElfTables,
    size: Wide,
    layout: LoadLayout,
}

impl Placer<'_> {
    fn segments(&self) -> &[SegmentHeader] {
        &self.tables.segments
    }

    fn program_headers_at(&self) -> Wide {
        Wide::from(self.tables.program_headers.offset)
    }

    /// A file that has grown before ends with a segment of its own, which can grow again.
    fn extend_last_segment(&self) -> Option<Placement> {
        let LoadLayout { last: index, align, next_page, file_end, .. } = self.layout;
        let last = self.segments().get(index)?;
        let is_last_in_file = last.offset + last.filesz == file_end;
        let is_last_in_memory = round_up(last.vaddr + last.memsz, align) == next_page;
        let is_data = last.flags & PF_R != 0 && last.flags & PF_X == 0;
        if !is_last_in_file || !is_last_in_memory || !is_data || last.filesz != last.memsz {
            return None;
        }
        let offset = round_up(file_end, ALIGNMENT);
        let vaddr = last.vaddr + (offset - last.offset);
        let filesz = offset + self.size - last.offset;
        let mut segments = self.segments().to_vec();
        segments[index] = SegmentHeader { filesz, memsz: filesz, ..last.clone() };
        Some(Placement { offset, vaddr, segments, program_headers_at: self.program_headers_at() })
    }

    /// An unused program header becomes that of the new segment.
    fn reuse_header(&self) -> Option<Placement> {
        let unused = self.segments().iter().position(|each| each.kind == PT_NULL)?;
        let place = self.behind_everything(self.layout.file_end);
        let mut segments = self.segments().to_vec();
        segments.remove(unused);
        insert_load(&mut segments, self.new_load(place, self.size));
        let Place { offset, vaddr } = place;
        Some(Placement { offset, vaddr, segments, program_headers_at: self.program_headers_at() })
    }

    /// The address keeps the place within a page, so that a loader can map the file there.
    fn behind_everything(&self, file_end: Wide) -> Place {
        let LoadLayout { next_page, align, distance, .. } = self.layout;
        let offset = round_up(file_end, ALIGNMENT);
        Place { offset, vaddr: next_page + distance + (offset & (align - 1)) }
    }

    fn new_load(&self, Place { offset, vaddr }: Place, size: Wide) -> SegmentHeader {
        SegmentHeader {
            kind: PT_LOAD,
            flags: PF_R,
            offset,
            vaddr,
            paddr: vaddr,
            filesz: size,
            memsz: size,
            align: self.layout.align,
        }
    }

    /// The program headers move to where the old string table was: in the first segment, where every kernel finds them.
    fn headers_in(&self, free: FileRange) -> Option<Placement> {
        let first = self.segments().get(self.layout.first)?;
        let at = round_up(free.offset, WORD);
        let end = at + self.size_of_headers();
        let is_loaded = at >= first.offset && end <= first.offset + first.filesz;
        (end <= free.end() && is_loaded).then(|| self.move_headers(self.segments().to_vec(), at))
    }

    /// The program headers move to the unused rest of the first segment's last page, for the same reason. Where linkers keep code in
    /// pages of its own, there mostly is such a rest.
    fn headers_behind_first(&self, reader: &mut ElfReader<'_>) -> Result<Option<Placement>, Unreadable> {
        let LoadLayout { first: index, align, file_end, .. } = self.layout;
        let first = &self.segments()[index];
        let at = round_up(first.offset + first.filesz, WORD);
        let end = at + self.size_of_headers();
        let next = self.segments()[index + 1..].iter().find(|each| each.kind == PT_LOAD);
        let end_in_memory = first.vaddr + (end - first.offset);
        let has_page = next.is_none_or(|next| end_in_memory <= next.vaddr & !(align - 1));
        let is_plain = first.filesz == first.memsz && first.offset == 0;
        if !has_page || !is_plain || end > file_end {
            return Ok(None);
        }
        if !is_unused(reader, self.tables, FileRange { offset: first.filesz, size: end - first.filesz })? {
            return Ok(None);
        }
        let mut segments = self.segments().to_vec();
        segments[index] = SegmentHeader { filesz: end, memsz: end, ..first.clone() };
        Ok(Some(self.move_headers(segments, at)))
    }

    /// The program headers go to `at`, a place in the first segment.
    fn move_headers(&self, mut segments: Vec<SegmentHeader>, at: Wide) -> Placement {
        let home = &segments[self.layout.first];
        let headers = Place { offset: at, vaddr: home.vaddr + (at - home.offset) };
        let place = self.behind_everything(self.layout.file_end);
        insert_load(&mut segments, self.new_load(place, self.size));
        self.point_to_headers(&mut segments, headers);
        Placement { offset: place.offset, vaddr: place.vaddr, segments, program_headers_at: at }
    }

    /// With one more than there are now.
    fn size_of_headers(&self) -> Wide {
        (self.segments().len() + 1) as Wide * self.tables.program_headers.record_size as Wide
    }

    fn point_to_headers(&self, segments: &mut [SegmentHeader], Place { offset, vaddr }: Place) {
        let size = self.size_of_headers();
        for each in segments.iter_mut().filter(|each| each.kind == PT_PHDR) {
            let old = each.clone();
            *each = SegmentHeader { offset, vaddr, paddr: vaddr, filesz: size, memsz: size, ..old };
        }
    }

    /// The program headers move into the new segment, in front of the new bytes. glibc looks for them in the first segment whose pages
    /// cover their place in the file, so no other segment's pages may.
    fn headers_at_end(&self) -> Result<Placement, ElfProblem> {
        let headers_size = self.size_of_headers();
        let file_end = self.layout.file_end.max(self.layout.pages_end);
        let place = if self.is_program() {
            self.at_distance_of_first(file_end)?
        } else {
            self.behind_everything(file_end)
        };
        let mut segments = self.segments().to_vec();
        insert_load(&mut segments, self.new_load(place, headers_size + self.size));
        self.point_to_headers(&mut segments, place);
        Ok(Placement {
            offset: place.offset + headers_size,
            vaddr: place.vaddr + headers_size,
            segments,
            program_headers_at: place.offset,
        })
    }

    /// Whether a kernel loads it, not only the dynamic linker.
    fn is_program(&self) -> bool {
        let mut dynamic = self.tables.dynamic.iter();
        self.tables.e_type == ET_EXEC
            || dynamic.any(|entry| entry.tag == DT_FLAGS_1 && entry.value & DF_1_PIE != 0)
            || self.segments().iter().any(|each| each.kind == PT_INTERP)
    }

    /// As far from its place in the file as the first segment is: see `headers_in`. This may leave a hole in the file.
    fn at_distance_of_first(&self, file_end: Wide) -> Result<Place, ElfProblem> {
        let LoadLayout { first, next_page, align, .. } = self.layout;
        let first = &self.segments()[first];
        let distance = first.vaddr - first.offset;
        let vaddr = next_page.max(round_up(file_end + distance, ALIGNMENT));
        let offset = vaddr - distance;
        if distance % align != 0 || offset - file_end > LARGEST_HOLE {
            return Err(ElfProblem::NoRoomForHeader);
        }
        Ok(Place { offset, vaddr })
    }
}

/// Loadable segments stand in the order of their addresses.
fn insert_load(segments: &mut Vec<SegmentHeader>, load: SegmentHeader) {
    let last = segments.iter().rposition(|each| each.kind == PT_LOAD);
    segments.insert(last.map_or(0, |last| last + 1), load);
}

/// Whether nothing tells of these bytes of the file, and they are zero.
fn is_unused(reader: &mut ElfReader<'_>, tables: &ElfTables, range: FileRange) -> Result<bool, Unreadable> {
    let section_headers = &tables.section_headers;
    let headers = FileRange { offset: section_headers.offset.into(), size: section_headers.size().into() };
    let mut segments =
        tables.segments.iter().map(|each| FileRange { offset: each.offset, size: each.filesz });
    let mut sections = tables
        .sections
        .iter()
        .filter(|each| each.kind != SHT_NOBITS)
        .map(|each| FileRange { offset: each.offset.into(), size: each.size.into() });
    if range.meets(headers)
        || segments.any(|each| range.meets(each))
        || sections.any(|each| range.meets(each))
    {
        return Ok(false);
    }
    // A range of the file, whose ends are small.
    Ok(reader.source.read(range.offset as u64, range.size as u64)?.iter().all(|byte| *byte == 0))
}
