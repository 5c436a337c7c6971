//! Numbers and tables of an ELF file (ELF gABI). The reader never trusts a count or an offset: what is not in the file ends the table.
//! The rules are those of src/binfmt/elf-format.ts.

use crate::elf_layout::{Layout, ELF32, ELF64};
use crate::source::{bytes_at, Source, Unreadable};

pub const ET_EXEC: u16 = 2;
pub const ET_DYN: u16 = 3;
pub const PT_NULL: u32 = 0;
pub const PT_LOAD: u32 = 1;
pub const PT_DYNAMIC: u32 = 2;
pub const PT_INTERP: u32 = 3;
pub const PT_PHDR: u32 = 6;
pub const PF_X: u32 = 1;
pub const PF_R: u32 = 4;
pub const SHT_NULL: u32 = 0;
pub const SHT_PROGBITS: u32 = 1;
pub const SHT_SYMTAB: u32 = 2;
pub const SHT_STRTAB: u32 = 3;
pub const SHT_NOBITS: u32 = 8;
pub const SHT_DYNSYM: u32 = 11;
pub const SHT_GNU_VERDEF: u32 = 0x6fff_fffd;
pub const SHT_GNU_VERNEED: u32 = 0x6fff_fffe;
pub const DT_NULL: u64 = 0;
pub const DT_NEEDED: u64 = 1;
pub const DT_STRTAB: u64 = 5;
pub const DT_STRSZ: u64 = 10;
pub const DT_SONAME: u64 = 14;
pub const DT_RPATH: u64 = 15;
pub const DT_RUNPATH: u64 = 29;
pub const DT_CONFIG: u64 = 0x6fff_fefa;
pub const DT_DEPAUDIT: u64 = 0x6fff_fefb;
pub const DT_AUDIT: u64 = 0x6fff_fefc;
pub const DT_FLAGS_1: u64 = 0x6fff_fffb;
pub const DT_AUXILIARY: u64 = 0x7fff_fffd;
pub const DT_FILTER: u64 = 0x7fff_ffff;
pub const DF_1_PIE: u64 = 0x0800_0000;

pub const E_TYPE: usize = 16;

/// How much is read at once: most tables come whole, and a hostile one costs no more memory than this.
const CHUNK: u64 = 64 * 1024;

/// How the numbers of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    pub wide: bool,
    pub big: bool,
}

impl Encoding {
    /// How the file is written, where it begins like an ELF file.
    fn of(bytes: &[u8]) -> Option<Self> {
        let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, ..] = *bytes else {
            return None;
        };
        Some(Encoding { wide: class == 2, big: order == 2 })
    }

    pub fn layout(self) -> &'static Layout {
        if self.wide {
            &ELF64
        } else {
            &ELF32
        }
    }

    pub fn half(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = bytes_at(bytes, at);
        if self.big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    pub fn int(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = bytes_at(bytes, at);
        if self.big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    /// An address, offset or size: 4 bytes in class 32, 8 in class 64.
    pub fn word(self, bytes: &[u8], at: usize) -> u64 {
        if !self.wide {
            return u64::from(self.int(bytes, at));
        }
        let bytes = bytes_at(bytes, at);
        if self.big {
            u64::from_be_bytes(bytes)
        } else {
            u64::from_le_bytes(bytes)
        }
    }
}

/// Fields of one record.
#[derive(Clone, Copy)]
pub struct Record<'bytes> {
    bytes: &'bytes [u8],
    encoding: Encoding,
}

impl Record<'_> {
    pub fn half(&self, field: usize) -> u16 {
        self.encoding.half(self.bytes, field)
    }

    pub fn int(&self, field: usize) -> u32 {
        self.encoding.int(self.bytes, field)
    }

    pub fn word(&self, field: usize) -> u64 {
        self.encoding.word(self.bytes, field)
    }
}

/// A table in the file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub offset: u64,
    pub count: u64,
    pub record_size: usize,
}

impl Table {
    /// How many bytes it takes.
    pub fn size(&self) -> u64 {
        self.count.saturating_mul(self.record_size as u64)
    }
}

/// The file header, as far as anything needs it.
#[derive(Clone, Copy)]
pub struct Header {
    pub e_type: u16,
    pub program_headers: Table,
    pub section_headers: Table,
    /// The sizes that the file says its headers have.
    pub e_phentsize: u16,
    pub e_shentsize: u16,
}

/// A file that begins like an ELF file.
pub struct ElfReader<'source> {
    pub source: &'source mut dyn Source,
    pub encoding: Encoding,
    pub layout: &'static Layout,
}

impl<'source> ElfReader<'source> {
    /// A reader and the file's header; none when the file does not begin with one.
    pub fn open(source: &'source mut dyn Source) -> Result<Option<(Self, Header)>, Unreadable> {
        let bytes = source.read(0, ELF64.header.size as u64)?;
        let Some(encoding) = Encoding::of(bytes) else {
            return Ok(None);
        };
        let layout = encoding.layout();
        if bytes.len() < layout.header.size {
            return Ok(None);
        }
        let header = read_header(Record { bytes, encoding }, layout);
        Ok(Some((ElfReader { source, encoding, layout }, header)))
    }

    /// Visits the records in order until `visit` returns false. Records are read in pieces, so a table that claims to be huge costs
    /// nothing before its bytes are there. Returns false when the file ended before the table did.
    pub fn for_each_record(
        &mut self,
        table: Table,
        mut visit: impl FnMut(Record<'_>, u64) -> bool,
    ) -> Result<bool, Unreadable> {
        let size = table.record_size as u64;
        let encoding = self.encoding;
        let mut done = 0;
        while done < table.count {
            let wanted = (CHUNK / size).min(table.count - done);
            let bytes = self.read_at(table.offset.checked_add(done * size), wanted * size)?;
            let mut complete = 0;
            for bytes in bytes.chunks_exact(table.record_size) {
                if !visit(Record { bytes, encoding }, done + complete) {
                    return Ok(true);
                }
                complete += 1;
            }
            if complete < wanted {
                return Ok(false);
            }
            done += wanted;
        }
        Ok(true)
    }

    /// The bytes up to the first NUL in `[offset, end)`; none when there is none, or the string is longer than `longest`.
    pub fn read_string(
        &mut self,
        offset: u64,
        end: u64,
        longest: u64,
    ) -> Result<Option<Vec<u8>>, Unreadable> {
        let limit = end.min(offset.saturating_add(longest + 1));
        let mut value = Vec::new();
        let mut position = offset;
        while position < limit {
            let bytes = self.source.read(position, CHUNK.min(limit - position))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let nul = memchr::memchr(0, bytes);
            value.extend_from_slice(&bytes[..nul.unwrap_or(bytes.len())]);
            if nul.is_some() {
                return Ok(Some(value));
            }
            position += bytes.len() as u64;
        }
        Ok(None)
    }

    /// Where the last NUL in `[start, end)` is; it stops looking below `enough`.
    pub fn find_last_nul(&mut self, start: u64, end: u64, enough: u64) -> Result<Option<u64>, Unreadable> {
        let mut to = end;
        while to > start && to > enough {
            let from = start.max(to.saturating_sub(CHUNK));
            let bytes = self.source.read(from, to - from)?;
            if (bytes.len() as u64) < to - from {
                return Ok(None);
            }
            if let Some(nul) = memchr::memrchr(0, bytes) {
                return Ok(Some(from + nul as u64));
            }
            to = from;
        }
        Ok(None)
    }

    fn read_at(&mut self, offset: Option<u64>, size: u64) -> Result<&[u8], Unreadable> {
        match offset.filter(|offset| *offset <= self.source.size()) {
            Some(offset) => self.source.read(offset, size),
            None => Ok(&[]),
        }
    }
}

fn read_header(record: Record<'_>, layout: &Layout) -> Header {
    let at = &layout.header;
    Header {
        e_type: record.half(E_TYPE),
        program_headers: Table {
            offset: record.word(at.e_phoff),
            count: u64::from(record.half(at.e_phnum)),
            record_size: layout.program_header.size,
        },
        section_headers: Table {
            offset: record.word(at.e_shoff),
            count: u64::from(record.half(at.e_shnum)),
            record_size: layout.section_header.size,
        },
        e_phentsize: record.half(at.e_phentsize),
        e_shentsize: record.half(at.e_shentsize),
    }
}
