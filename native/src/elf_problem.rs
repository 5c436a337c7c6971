//! Why an ELF file cannot grow. The host has the texts, by these numbers (src/relocation/engines/binary-problems.ts).

use crate::source::Stop;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfProblem {
    NoElfFile = 1,
    ProgramHeaderSize = 2,
    SectionHeaderSize = 3,
    TooManyProgramHeaders = 4,
    HeadersIncomplete = 5,
    DynamicIncomplete = 6,
    StringTableNotDescribed = 7,
    StringTableAmbiguous = 8,
    NoStringTable = 9,
    StringTableIncomplete = 10,
    StringTableShared = 11,
    StringTableTooLarge = 12,
    SymbolsNotDescribed = 13,
    SectionsIncomplete = 14,
    StringOutside = 15,
    InterpreterIncomplete = 16,
    InterpreterShared = 17,
    NoLoad = 18,
    LoadsNotInOrder = 19,
    SegmentsIncomplete = 20,
    ImpossibleAlignment = 21,
    NoAddressLeft = 22,
    NoRoomForHeader = 23,
    RpathTooLong = 24,
    SectionsOverlap = 25,
    SectionsTooLarge = 26,
    TooManyNames = 27,
    NameTooLong = 28,
    TableWouldBeTooLarge = 29,
    InterpreterTooLarge = 30,
}

pub type ElfResult<T> = Result<T, Stop<ElfProblem>>;

impl From<ElfProblem> for Stop<ElfProblem> {
    fn from(problem: ElfProblem) -> Self {
        Stop::Problem(problem)
    }
}
