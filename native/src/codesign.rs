//! The code signature of a Mach-O slice (`cs_blobs.h`: SuperBlob, CodeDirectory): who signed it, and new hashes of its pages. The
//! directory keeps its place and size, since a file keeps its size (src/binfmt/codesign.ts).

use crate::macho::{big_int, MachoSlice, Part};
use crate::page_hash::{hash_pages, Algorithm, PageRange};
use crate::source::{Edit, Source, Stop, Unreadable};

const CSMAGIC_EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
const CSMAGIC_CODEDIRECTORY: u32 = 0xfade_0c02;
const CSMAGIC_BLOBWRAPPER: u32 = 0xfade_0b01;
const CSSLOT_SIGNATURESLOT: u32 = 0x10000;
const CS_ADHOC: u32 = 0x2;
const LEAST_DIRECTORY: usize = 44;
const LARGEST_SIGNATURE: u64 = 64 << 20;
const MOST_BLOBS: usize = 64;
/// Offset and version from which there is a team identifier.
const TEAM_VERSION: u32 = 0x20200;
const TEAM_OFFSET: u64 = 48;

/// Why a signature cannot be used. The host has the texts, by these numbers (src/relocation/engines/binary-problems.ts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureProblem {
    TooLarge = 1,
    Malformed = 2,
    Incomplete = 3,
    NoDirectory = 4,
    DirectoryIncomplete = 5,
    UnknownForm = 6,
    DoesNotFit = 7,
}

pub type SignatureResult<T> = Result<T, Stop<SignatureProblem>>;

impl From<SignatureProblem> for Stop<SignatureProblem> {
    fn from(problem: SignatureProblem) -> Self {
        Stop::Problem(problem)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct CodeDirectory {
    /// In the slice.
    offset: u64,
    version: u32,
    flags: u32,
    identifier: Vec<u8>,
    algorithm: Algorithm,
    /// Where the hash of the first page is, in the slice.
    hashes_at: u64,
    pages: u64,
    page_size: u64,
    /// How much of the slice is hashed.
    code_limit: u64,
}

impl CodeDirectory {
    fn is_ad_hoc(&self) -> bool {
        self.flags & CS_ADHOC != 0
    }

    fn hash_pages(&self, source: &mut dyn Source, slice: &MachoSlice) -> Result<Vec<u8>, Unreadable> {
        let range = PageRange { offset: slice.offset, size: self.code_limit, page_size: self.page_size };
        hash_pages(source, range, self.algorithm)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct CodeSignature {
    directories: Vec<CodeDirectory>,
    /// In the slice: what a real identity has added.
    identity: Option<Part>,
}

impl CodeSignature {
    /// Signed by nobody: its hashes are all that counts.
    pub fn is_ad_hoc(&self) -> bool {
        self.identity.is_none() && self.directories.iter().all(CodeDirectory::is_ad_hoc)
    }

    pub fn identifier(&self) -> &[u8] {
        self.directories.first().map_or(&[], |directory| &directory.identifier)
    }
}

/// The signature of a slice; none where there is none.
pub fn read_code_signature(
    source: &mut dyn Source,
    slice: &MachoSlice,
) -> SignatureResult<Option<CodeSignature>> {
    let Some(place) = slice.signature else {
        return Ok(None);
    };
    if place.size > LARGEST_SIGNATURE {
        return Err(SignatureProblem::TooLarge.into());
    }
    let bytes = source.read(slice.offset + place.offset, place.size)?;
    Ok(Some(parse_signature(bytes, place)?))
}

fn parse_signature(bytes: &[u8], place: Part) -> Result<CodeSignature, SignatureProblem> {
    if bytes.len() < 12 || big_int(bytes, 0) != CSMAGIC_EMBEDDED_SIGNATURE {
        return Err(SignatureProblem::Malformed);
    }
    let count = big_int(bytes, 8) as usize;
    if count > MOST_BLOBS || 12 + 8 * count > bytes.len() {
        return Err(SignatureProblem::Malformed);
    }
    let mut signature = CodeSignature { directories: Vec::new(), identity: None };
    let mut total = 0;
    for entry in 0..count {
        let (slot, at) = (big_int(bytes, 12 + 8 * entry), big_int(bytes, 16 + 8 * entry) as usize);
        let blob = blob_at(bytes, at).ok_or(SignatureProblem::Incomplete)?;
        let offset = place.offset + at as u64;
        match big_int(bytes, at) {
            CSMAGIC_CODEDIRECTORY => {
                signature.directories.push(read_directory(blob, offset, place.offset)?);
                total += blob.len();
                // Directories that lie in each other would hold more hashes than the file has bytes.
                if total > bytes.len() {
                    return Err(SignatureProblem::Malformed);
                }
            }
            CSMAGIC_BLOBWRAPPER if slot == CSSLOT_SIGNATURESLOT && blob.len() > 8 => {
                signature.identity = Some(Part { offset, size: blob.len() as u64 });
            }
            _ => {}
        }
    }
    if signature.directories.is_empty() {
        return Err(SignatureProblem::NoDirectory);
    }
    Ok(signature)
}

/// A blob says how long it is; none where it is not complete.
fn blob_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..).filter(|rest| rest.len() >= 8)?;
    rest.get(..big_int(rest, 4) as usize)
}

/// Reads the directory that is at `offset` of the slice; the signature begins at `signature_at`.
fn read_directory(blob: &[u8], offset: u64, signature_at: u64) -> Result<CodeDirectory, SignatureProblem> {
    let version = big_int(blob, 8);
    let least = if version >= TEAM_VERSION { TEAM_OFFSET as usize + 4 } else { LEAST_DIRECTORY };
    if blob.len() < least {
        return Err(SignatureProblem::DirectoryIncomplete);
    }
    let int = |at| u64::from(big_int(blob, at));
    let algorithm = Algorithm::of(blob[37]).filter(|algorithm| algorithm.size == usize::from(blob[36]));
    let identifier = blob.get(big_int(blob, 20) as usize..).filter(|rest| !rest.is_empty());
    let (Some(algorithm), Some(identifier)) = (algorithm, identifier) else {
        return Err(SignatureProblem::UnknownForm);
    };
    let (hash_offset, pages, code_limit) = (int(16), int(28), int(32));
    let is_whole =
        hash_offset + pages * algorithm.size as u64 <= blob.len() as u64 && code_limit <= signature_at;
    if !is_whole || !(9..=24).contains(&blob[39]) || code_limit.div_ceil(1 << blob[39]) != pages {
        return Err(SignatureProblem::DoesNotFit);
    }
    Ok(CodeDirectory {
        offset,
        version,
        flags: big_int(blob, 12),
        identifier: identifier[..memchr::memchr(0, identifier).unwrap_or(identifier.len())].to_vec(),
        algorithm,
        hashes_at: offset + hash_offset,
        pages,
        page_size: 1 << blob[39],
        code_limit,
    })
}

/// Whether the pages of a slice are what its signature says.
pub fn fits_signature(
    source: &mut dyn Source,
    slice: &MachoSlice,
    signature: &CodeSignature,
) -> Result<bool, Unreadable> {
    for directory in &signature.directories {
        let hashes = directory.hash_pages(source, slice)?;
        if source.read(slice.offset + directory.hashes_at, hashes.len() as u64)? != hashes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The edits that make a signature fit the bytes of its slice, as they are now, again: as one of nobody.
pub fn sign_ad_hoc(
    source: &mut dyn Source,
    slice: &MachoSlice,
    signature: &CodeSignature,
) -> Result<Vec<Edit>, Unreadable> {
    let mut edits = Vec::new();
    for directory in &signature.directories {
        edits.append(&mut disown_directory(slice, directory));
        let bytes = directory.hash_pages(source, slice)?;
        edits.push(Edit { offset: slice.offset + directory.hashes_at, bytes });
    }
    if let Some(Part { offset, size }) = signature.identity {
        // The wrapper stays, empty.
        let mut bytes = vec![0; size as usize];
        bytes[..4].copy_from_slice(&CSMAGIC_BLOBWRAPPER.to_be_bytes());
        bytes[4..8].copy_from_slice(&8u32.to_be_bytes());
        edits.push(Edit { offset: slice.offset + offset, bytes });
    }
    Ok(edits)
}

/// Marks a directory as nobody's: the flag, and no team.
fn disown_directory(slice: &MachoSlice, directory: &CodeDirectory) -> Vec<Edit> {
    if directory.is_ad_hoc() {
        return Vec::new();
    }
    let at = slice.offset + directory.offset;
    let flags = directory.flags | CS_ADHOC;
    let mut edits = vec![Edit { offset: at + 12, bytes: flags.to_be_bytes().into() }];
    if directory.version >= TEAM_VERSION {
        edits.push(Edit { offset: at + TEAM_OFFSET, bytes: vec![0; 4] });
    }
    edits
}
