//! Numbers and records as an ELF file has them, in its class and byte order (gABI "Data Representation").

use crate::elf_format::Encoding;
use crate::elf_tables::{SegmentHeader, Wide};

#[derive(Clone, Copy)]
pub struct ElfWriter {
    encoding: Encoding,
}

impl ElfWriter {
    pub fn new(encoding: Encoding) -> Self {
        ElfWriter { encoding }
    }

    pub fn half(&self, value: u16) -> Vec<u8> {
        if self.encoding.big {
            value.to_be_bytes().into()
        } else {
            value.to_le_bytes().into()
        }
    }

    pub fn int(&self, value: u32) -> Vec<u8> {
        if self.encoding.big {
            value.to_be_bytes().into()
        } else {
            value.to_le_bytes().into()
        }
    }

    /// An address, offset or size; of one that does not fit, the low bytes.
    pub fn word(&self, value: Wide) -> Vec<u8> {
        match (self.encoding.wide, self.encoding.big) {
            (false, _) => self.int(value as u32),
            (true, true) => (value as u64).to_be_bytes().into(),
            (true, false) => (value as u64).to_le_bytes().into(),
        }
    }

    pub fn segment(&self, segment: &SegmentHeader) -> Vec<u8> {
        let at = &self.encoding.layout().program_header;
        let mut bytes = vec![0; at.size];
        let mut put =
            |field: usize, value: Vec<u8>| bytes[field..field + value.len()].copy_from_slice(&value);
        put(at.p_type, self.int(segment.kind));
        put(at.p_flags, self.int(segment.flags));
        put(at.p_offset, self.word(segment.offset));
        put(at.p_vaddr, self.word(segment.vaddr));
        put(at.p_paddr, self.word(segment.paddr));
        put(at.p_filesz, self.word(segment.filesz));
        put(at.p_memsz, self.word(segment.memsz));
        put(at.p_align, self.word(segment.align));
        bytes
    }
}
