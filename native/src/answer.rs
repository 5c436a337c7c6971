//! What the host is told of a file that was patched: edits, or why there are none. Read by src/relocation/engines/native-patchers.ts.

use crate::elf_patch::{CannotGrow, StringChange};
use crate::macho_patch::{MachoRefusal, MachoResult};
use crate::source::{Edit, Stop};

/// The status where the function that a file is read with has failed.
pub const UNREADABLE: i32 = -1002;

/// What a call that patches a file answers with: a status, numbers that say more, and bytes.
pub struct Answer {
    pub status: i32,
    pub facts: Vec<f64>,
    /// Edits, one behind the other: offset and length, as `f64` with the low byte first, then the bytes. Or strings.
    pub bytes: Vec<u8>,
}

impl Answer {
    const DONE: Answer = Answer::failed(0);

    pub const fn failed(status: i32) -> Self {
        Answer { status, facts: Vec::new(), bytes: Vec::new() }
    }

    fn edits(edits: &[Edit]) -> Self {
        let mut bytes = Vec::with_capacity(edits.iter().map(|edit| 16 + edit.bytes.len()).sum());
        for edit in edits {
            bytes.extend_from_slice(&(edit.offset as f64).to_le_bytes());
            bytes.extend_from_slice(&(edit.bytes.len() as f64).to_le_bytes());
            bytes.extend_from_slice(&edit.bytes);
        }
        Answer { bytes, ..Answer::DONE }
    }

    /// Facts: 0 for the rpath or 1 for the interpreter; where it is (-1 for none) and how long. Bytes: the old value and the new one.
    fn cannot_grow(refusal: &CannotGrow) -> Self {
        let what = f64::from(refusal.what as i32);
        let mut answer = Answer { facts: vec![what, -1.0, 0.0], ..Answer::failed(refusal.problem as i32) };
        if let Some(StringChange { old, value }) = &refusal.change {
            answer.facts = vec![what, old.offset as f64, old.value.len() as f64];
            answer.bytes = [&old.value[..], value].concat();
        }
        answer
    }

    /// Status 1, a form: 2, missing bytes and the slice: 3, a problem and the slice: 4, the slice, with the identifier as bytes.
    fn macho_refusal(refusal: MachoRefusal) -> Self {
        let (status, facts, bytes) = match refusal {
            MachoRefusal::Unsupported(form) => (1, vec![f64::from(form as i32)], Vec::new()),
            MachoRefusal::NoRoom(no_room) => {
                (2, vec![no_room.missing as f64, no_room.slice_offset as f64], Vec::new())
            }
            MachoRefusal::BadSignature { problem, slice_offset } => {
                (3, vec![f64::from(problem as i32), slice_offset as f64], Vec::new())
            }
            MachoRefusal::Signed { identifier, slice_offset } => (4, vec![slice_offset as f64], identifier),
        };
        Answer { status, facts, bytes }
    }

    pub fn of_elf(result: Result<Vec<Edit>, Stop<CannotGrow>>) -> Self {
        match result {
            Ok(edits) => Answer::edits(&edits),
            Err(Stop::Unreadable) => Answer::failed(UNREADABLE),
            Err(Stop::Problem(refusal)) => Answer::cannot_grow(&refusal),
        }
    }

    pub fn of_macho(result: MachoResult<Vec<Edit>>) -> Self {
        match result {
            Ok(edits) => Answer::edits(&edits),
            Err(Stop::Unreadable) => Answer::failed(UNREADABLE),
            Err(Stop::Problem(refusal)) => Answer::macho_refusal(refusal),
        }
    }
}
