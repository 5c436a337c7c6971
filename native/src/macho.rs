//! Reads Mach-O files, single and fat (`mach-o/loader.h`, `mach-o/fat.h`): load commands that hold paths, the room behind them, and
//! where the code signature is. 64 bit and little-endian; others are recognised. The rules are those of src/binfmt/macho.ts.

use crate::source::{bytes_at, Source, Unreadable};

pub const LC_SEGMENT_64: u32 = 0x19;
pub const LC_CODE_SIGNATURE: u32 = 0x1d;
pub const LC_ID_DYLIB: u32 = 0x0d;
pub const LC_RPATH: u32 = 0x8000_001c;

/// Load commands that hold the name of a library: its own one, LC_LOAD_DYLIB and its kinds (weak, re-exported, lazy, upward), LC_RPATH.
const NAME_COMMANDS: [u32; 7] = [LC_ID_DYLIB, 0x0c, 0x8000_0018, 0x8000_001f, 0x20, 0x8000_0023, LC_RPATH];

pub const MACH_HEADER_SIZE: u64 = 32;

const MH_MAGIC_64: u32 = 0xfeed_facf;
const FAT_MAGIC: u32 = 0xcafe_babe;
const FAT_MAGIC_64: u32 = 0xcafe_babf;
/// Beyond, it is a Java class.
const MOST_SLICES: u32 = 9;
const LARGEST_HEAD: u64 = 4 << 20;
const ZEROFILL: [u32; 3] = [0x1, 0xc, 0x12];

const SEGMENT_SIZE: u64 = 72;
const SECTION_SIZE: u64 = 80;

/// What a file is that cannot be relocated. The host has the texts, by these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    Narrow = 1,
    NarrowBigEndian = 2,
    BigEndian = 3,
}

/// A part of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub offset: u64,
    pub size: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct MachoCommand {
    pub cmd: u32,
    /// In the slice.
    pub offset: usize,
    pub size: usize,
}

/// One architecture of a file.
#[derive(Debug)]
pub struct MachoSlice {
    pub offset: u64,
    pub commands: Vec<MachoCommand>,
    /// The mach header and the load commands.
    pub head: Vec<u8>,
    /// Where the first section begins: load commands end before it.
    pub limit: u64,
    pub signature: Option<Part>,
}

/// What a file, or a part of a fat one, is.
#[derive(Debug)]
enum Found {
    Slice(MachoSlice),
    Unsupported(Unsupported),
    /// No Mach-O file, or a malformed one.
    Nothing,
}

/// The slices of a Mach-O file; none for what is none, or is malformed.
pub struct MachoFile {
    pub slices: Vec<MachoSlice>,
    /// Set when there is a slice that is 32 bit or big-endian.
    pub unsupported: Option<Unsupported>,
}

impl MachoFile {
    const NOTHING: MachoFile = MachoFile { slices: Vec::new(), unsupported: None };
}

pub fn read_macho(source: &mut dyn Source) -> Result<MachoFile, Unreadable> {
    let head = source.read(0, 8)?;
    if head.len() < 8 {
        return Ok(MachoFile::NOTHING);
    }
    let (magic, count) = (big_int(head, 0), big_int(head, 4));
    let parts = match magic {
        FAT_MAGIC | FAT_MAGIC_64 => fat_parts(source, count, magic == FAT_MAGIC_64)?,
        _ => vec![Part { offset: 0, size: source.size() }],
    };
    let mut file = MachoFile::NOTHING;
    for part in parts {
        match read_slice(source, part)? {
            Found::Nothing => return Ok(MachoFile::NOTHING),
            Found::Unsupported(form) => file.unsupported = Some(form),
            Found::Slice(slice) => file.slices.push(slice),
        }
    }
    Ok(file)
}

/// The architectures of a fat file; none where they overlap or leave the file.
fn fat_parts(source: &mut dyn Source, count: u32, is_wide: bool) -> Result<Vec<Part>, Unreadable> {
    if count == 0 || count > MOST_SLICES {
        return Ok(Vec::new());
    }
    let record_size = if is_wide { 32 } else { 20 };
    let table_size = count as usize * record_size;
    let table = source.read(8, table_size as u64)?;
    if table.len() < table_size {
        return Ok(Vec::new());
    }
    let parts: Vec<Part> = table.chunks_exact(record_size).map(|record| fat_part(record, is_wide)).collect();
    let mut end = 8 + table_size as u64;
    let mut sorted = parts.clone();
    sorted.sort_by_key(|part| part.offset);
    for Part { offset, size } in sorted {
        if offset < end || !source.contains(offset, size) {
            return Ok(Vec::new());
        }
        end = offset + size;
    }
    Ok(parts)
}

fn fat_part(record: &[u8], is_wide: bool) -> Part {
    let word = |at| u64::from_be_bytes(bytes_at(record, at));
    if is_wide {
        Part { offset: word(8), size: word(16) }
    } else {
        Part { offset: big_int(record, 8).into(), size: big_int(record, 12).into() }
    }
}

fn read_slice(source: &mut dyn Source, part: Part) -> Result<Found, Unreadable> {
    let header = source.read(part.offset, MACH_HEADER_SIZE.min(part.size))?;
    let magic = if header.len() < 4 { 0 } else { little_int(header, 0) };
    match magic {
        0xfeed_face => return Ok(Found::Unsupported(Unsupported::Narrow)),
        0xcefa_edfe => return Ok(Found::Unsupported(Unsupported::NarrowBigEndian)),
        0xcffa_edfe => return Ok(Found::Unsupported(Unsupported::BigEndian)),
        MH_MAGIC_64 if header.len() as u64 == MACH_HEADER_SIZE => {}
        _ => return Ok(Found::Nothing),
    }
    let count = little_int(header, 16);
    let head_size = MACH_HEADER_SIZE + u64::from(little_int(header, 20));
    if head_size > part.size || head_size > LARGEST_HEAD {
        return Ok(Found::Nothing);
    }
    let head = source.read(part.offset, head_size)?.to_vec();
    if (head.len() as u64) < head_size {
        return Ok(Found::Nothing);
    }
    Ok(make_slice(part, head, count).map_or(Found::Nothing, Found::Slice))
}

fn make_slice(part: Part, head: Vec<u8>, count: u32) -> Option<MachoSlice> {
    let commands = read_commands(&head, count)?;
    let (limit, signature) = read_places(&head, &commands, part.size)?;
    Some(MachoSlice { offset: part.offset, commands, head, limit, signature })
}

/// The commands, which fill their area one behind the other; none when they do not.
fn read_commands(head: &[u8], count: u32) -> Option<Vec<MachoCommand>> {
    let mut commands = Vec::new();
    let mut offset = MACH_HEADER_SIZE as usize;
    for _ in 0..count {
        if offset + 8 > head.len() {
            return None;
        }
        let size = little_int(head, offset + 4) as usize;
        if size < 8 || !size.is_multiple_of(4) || offset + size > head.len() {
            return None;
        }
        commands.push(MachoCommand { cmd: little_int(head, offset), offset, size });
        offset += size;
    }
    (offset == head.len()).then_some(commands)
}

/// Where the first section begins, and where the signature is; none for what is malformed.
fn read_places(head: &[u8], commands: &[MachoCommand], size: u64) -> Option<(u64, Option<Part>)> {
    // Longer load commands could not be read again.
    let mut limit = size.min(LARGEST_HEAD);
    let mut signature = None;
    for command in commands {
        if command.cmd == LC_SEGMENT_64 {
            limit = limit.min(first_byte_of(head, command)?);
        } else if command.cmd == LC_CODE_SIGNATURE {
            if command.size < 16 || signature.is_some() {
                return None;
            }
            let part = Part {
                offset: little_int(head, command.offset + 8).into(),
                size: little_int(head, command.offset + 12).into(),
            };
            if part.offset + part.size > size {
                return None;
            }
            signature = Some(part);
            limit = limit.min(part.offset);
        }
    }
    (limit >= head.len() as u64).then_some((limit, signature))
}

/// Where the bytes of a segment begin in the slice, apart from the header that the first one holds.
fn first_byte_of(head: &[u8], command: &MachoCommand) -> Option<u64> {
    let bytes = head.get(command.offset..command.offset + command.size)?;
    if (bytes.len() as u64) < SEGMENT_SIZE {
        return None;
    }
    let count = u64::from(little_int(bytes, 64));
    if SEGMENT_SIZE + count * SECTION_SIZE > bytes.len() as u64 {
        return None;
    }
    let (start, length) = (little_word(bytes, 40), little_word(bytes, 48));
    let first = if start > 0 && length > 0 { start } else { u64::MAX };
    let sections = bytes[SEGMENT_SIZE as usize..].chunks_exact(SECTION_SIZE as usize).take(count as usize);
    Some(sections.filter_map(place_of_section).fold(first, u64::min))
}

/// None for a section without bytes in the file.
fn place_of_section(section: &[u8]) -> Option<u64> {
    let is_filled = !ZEROFILL.contains(&(little_int(section, 64) & 0xff));
    let place = little_int(section, 48);
    (is_filled && little_word(section, 40) > 0 && place > 0).then_some(place.into())
}

/// The name that a command holds, and where in the command; none for other commands and malformed ones.
pub fn name_of<'head>(head: &'head [u8], command: &MachoCommand) -> Option<(usize, &'head [u8])> {
    let bytes = head.get(command.offset..command.offset + command.size)?;
    if !NAME_COMMANDS.contains(&command.cmd) || bytes.len() < 12 {
        return None;
    }
    let at = little_int(bytes, 8) as usize;
    let name = bytes.get(at..).filter(|name| at >= 12 && !name.is_empty())?;
    Some((at, &name[..memchr::memchr(0, name).unwrap_or(name.len())]))
}

pub fn big_int(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes_at(bytes, at))
}

fn little_int(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn little_word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}
