//! Where the fields of an ELF file are (gABI "ELF Header", "Program Header", "Sections", "Dynamic Section", "Symbol Table").

/// Offsets of fields in their records, and sizes of records. Types and half words are equal in both classes.
pub struct Layout {
    pub header: HeaderLayout,
    pub program_header: ProgramHeaderLayout,
    pub section_header: SectionHeaderLayout,
    pub dynamic: DynamicLayout,
    pub symbol: SymbolLayout,
}

pub struct HeaderLayout {
    pub size: usize,
    pub e_phoff: usize,
    pub e_shoff: usize,
    pub e_phentsize: usize,
    pub e_phnum: usize,
    pub e_shentsize: usize,
    pub e_shnum: usize,
}

pub struct ProgramHeaderLayout {
    pub size: usize,
    pub p_type: usize,
    pub p_flags: usize,
    pub p_offset: usize,
    pub p_vaddr: usize,
    pub p_paddr: usize,
    pub p_filesz: usize,
    pub p_memsz: usize,
    pub p_align: usize,
}

pub struct SectionHeaderLayout {
    pub size: usize,
    pub sh_type: usize,
    pub sh_addr: usize,
    pub sh_offset: usize,
    pub sh_size: usize,
    pub sh_link: usize,
}

pub struct DynamicLayout {
    pub size: usize,
    pub d_tag: usize,
    pub d_val: usize,
}

pub struct SymbolLayout {
    pub size: usize,
    pub st_name: usize,
    pub st_shndx: usize,
    pub st_value: usize,
}

pub static ELF32: Layout = Layout {
    header: HeaderLayout {
        size: 52,
        e_phoff: 28,
        e_shoff: 32,
        e_phentsize: 42,
        e_phnum: 44,
        e_shentsize: 46,
        e_shnum: 48,
    },
    program_header: ProgramHeaderLayout {
        size: 32,
        p_type: 0,
        p_offset: 4,
        p_vaddr: 8,
        p_paddr: 12,
        p_filesz: 16,
        p_memsz: 20,
        p_flags: 24,
        p_align: 28,
    },
    section_header: SectionHeaderLayout {
        size: 40,
        sh_type: 4,
        sh_addr: 12,
        sh_offset: 16,
        sh_size: 20,
        sh_link: 24,
    },
    dynamic: DynamicLayout { size: 8, d_tag: 0, d_val: 4 },
    symbol: SymbolLayout { size: 16, st_name: 0, st_value: 4, st_shndx: 14 },
};

pub static ELF64: Layout = Layout {
    header: HeaderLayout {
        size: 64,
        e_phoff: 32,
        e_shoff: 40,
        e_phentsize: 54,
        e_phnum: 56,
        e_shentsize: 58,
        e_shnum: 60,
    },
    program_header: ProgramHeaderLayout {
        size: 56,
        p_type: 0,
        p_flags: 4,
        p_offset: 8,
        p_vaddr: 16,
        p_paddr: 24,
        p_filesz: 32,
        p_memsz: 40,
        p_align: 48,
    },
    section_header: SectionHeaderLayout {
        size: 64,
        sh_type: 4,
        sh_addr: 16,
        sh_offset: 24,
        sh_size: 32,
        sh_link: 40,
    },
    dynamic: DynamicLayout { size: 16, d_tag: 0, d_val: 8 },
    symbol: SymbolLayout { size: 24, st_name: 0, st_shndx: 6, st_value: 8 },
};
