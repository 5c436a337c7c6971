//! The edits that relocate a Mach-O file (src/relocation/macho-patch.ts): names in load commands of every slice, and, once everything is
//! written, new hashes in the signatures of the slices that changed.

use crate::codesign::{
    fits_signature, read_code_signature, sign_ad_hoc, CodeSignature, SignatureProblem, SignatureResult,
};
use crate::macho::{read_macho, MachoSlice, Unsupported};
use crate::macho_names::{rename_macho, NameMap, NoRoom};
use crate::source::{Edit, Source, Stop};

/// Why a Mach-O file is not changed.
#[derive(Debug, PartialEq, Eq)]
pub enum MachoRefusal {
    Unsupported(Unsupported),
    NoRoom(NoRoom),
    BadSignature {
        problem: SignatureProblem,
        slice_offset: u64,
    },
    /// A real identity has signed it.
    Signed {
        identifier: Vec<u8>,
        slice_offset: u64,
    },
}

pub type MachoResult<T> = Result<T, Stop<MachoRefusal>>;

impl From<MachoRefusal> for Stop<MachoRefusal> {
    fn from(refusal: MachoRefusal) -> Self {
        Stop::Problem(refusal)
    }
}

/// The edits for the load commands; none for what is no Mach-O file, or is malformed. The file keeps its size.
pub fn patch_macho(source: &mut dyn Source, names: NameMap<'_>) -> MachoResult<Vec<Edit>> {
    let file = read_macho(source)?;
    if let Some(form) = file.unsupported {
        return Err(MachoRefusal::Unsupported(form).into());
    }
    let mut edits = Vec::new();
    for slice in &file.slices {
        match rename_macho(source, slice, names) {
            Ok(edit) => edits.extend(edit),
            Err(Stop::Unreadable) => return Err(Stop::Unreadable),
            Err(Stop::Problem(no_room)) => return Err(MachoRefusal::NoRoom(no_room).into()),
        }
    }
    Ok(edits)
}

/// Refuses a file whose signature would stand in the way of a change.
pub fn check_signable(source: &mut dyn Source, replaces_identity: bool) -> MachoResult<()> {
    for slice in &read_macho(source)?.slices {
        let signature = read_code_signature(source, slice);
        check_signature(signature, slice, replaces_identity)?;
    }
    Ok(())
}

/// The edits that make the signatures of a changed file fit again: those of slices whose bytes are others than were signed.
pub fn resign_macho(source: &mut dyn Source, replaces_identity: bool) -> MachoResult<Vec<Edit>> {
    let mut edits = Vec::new();
    for slice in &read_macho(source)?.slices {
        let signature = read_code_signature(source, slice);
        if let Ok(Some(signature)) = &signature {
            if fits_signature(source, slice, signature)? {
                continue;
            }
        }
        if let Some(signature) = check_signature(signature, slice, replaces_identity)? {
            edits.append(&mut sign_ad_hoc(source, slice, &signature)?);
        }
    }
    Ok(edits)
}

fn check_signature(
    signature: SignatureResult<Option<CodeSignature>>,
    slice: &MachoSlice,
    replaces_identity: bool,
) -> MachoResult<Option<CodeSignature>> {
    let slice_offset = slice.offset;
    match signature {
        Err(Stop::Unreadable) => Err(Stop::Unreadable),
        Err(Stop::Problem(problem)) => Err(MachoRefusal::BadSignature { problem, slice_offset }.into()),
        Ok(Some(signature)) if !signature.is_ad_hoc() && !replaces_identity => {
            let identifier = signature.identifier().to_vec();
            Err(MachoRefusal::Signed { identifier, slice_offset }.into())
        }
        Ok(signature) => Ok(signature),
    }
}
