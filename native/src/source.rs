//! Random access to the bytes of a file that somebody else holds, and edits to them (src/core/byte-source.ts).

/// A read failed, for a reason that the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

pub trait Source {
    fn size(&self) -> u64;

    /// The bytes at `offset`, fewer than `length` only at the end of the file.
    fn read(&mut self, offset: u64, length: u64) -> Result<&[u8], Unreadable>;

    /// Whether `[offset, offset + size)` lies in the file.
    fn contains(&self, offset: u64, size: u64) -> bool {
        offset.checked_add(size).is_some_and(|end| end <= self.size())
    }
}

/// Bytes to write over a file. In a list a later one wins; one behind the file's end makes the file longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// Why a kernel gives no edits: the file cannot be read, or it must not be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop<Problem> {
    Unreadable,
    Problem(Problem),
}

impl<Problem> From<Unreadable> for Stop<Problem> {
    fn from(_: Unreadable) -> Self {
        Stop::Unreadable
    }
}

/// A number of `SIZE` bytes; zeros where a record is not complete, which readers rule out before.
pub fn bytes_at<const SIZE: usize>(bytes: &[u8], at: usize) -> [u8; SIZE] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; SIZE])
}
