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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prefix_mapping::PrefixMapping;
    use crate::testing::{damaged, edited, fixture, Bytes, Random};

    const FILES: [&str; 3] = ["hello-macho", "libgreet-arm64.dylib", "libgreet-x86_64.dylib"];

    fn mapping(from: &[u8], to: &[u8]) -> PrefixMapping {
        PrefixMapping::new(vec![from.into()], vec![to.into()])
    }

    fn patch(bytes: &[u8], mapping: &PrefixMapping) -> MachoResult<Vec<Edit>> {
        patch_macho(&mut Bytes::new(bytes), NameMap { mapping, origin: None })
    }

    fn has(bytes: &[u8], text: &[u8]) -> bool {
        bytes.windows(text.len()).any(|window| window == text)
    }

    /// Two slices in a fat file.
    fn fat(slices: [&[u8]; 2]) -> Vec<u8> {
        let mut file = [0xcafe_babe, 2].map(u32::to_be_bytes).concat();
        let second = (0x4000 + slices[0].len()).next_multiple_of(0x4000);
        for (slice, at) in slices.iter().zip([0x4000, second]) {
            file.extend([0, 0, at as u32, slice.len() as u32, 14].map(u32::to_be_bytes).concat());
        }
        for (slice, at) in slices.iter().zip([0x4000, second]) {
            file.resize(at, 0);
            file.extend_from_slice(slice);
        }
        file
    }

    #[test]
    fn names_change_and_signatures_follow() {
        let [_, arm, intel] = FILES.map(fixture);
        for file in [fat([&arm, &intel]), arm, intel] {
            assert_eq!(resign_macho(&mut Bytes::new(&file), false), Ok(Vec::new()));
            let edits = patch(&file, &mapping(b"/old/store", b"/n")).expect("it fits");
            let named = edited(&file, &edits);
            assert!(has(&named, b"/n/greet/lib/libgreet.dylib") && named.len() == file.len());
            let edits = resign_macho(&mut Bytes::new(&named), false).expect("nobody has signed it");
            assert!(!edits.is_empty());
            let signed = edited(&named, &edits);
            assert_eq!(resign_macho(&mut Bytes::new(&signed), false), Ok(Vec::new()));
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let result = patch(&fixture("hello-macho"), &mapping(b"/old", &[b'/'; 9000]));
        assert!(matches!(result, Err(Stop::Problem(MachoRefusal::NoRoom(NoRoom { missing: 1000.., .. })))));
    }

    #[test]
    fn other_forms_are_refused() {
        let form = |magic: u32| patch(&[&magic.to_le_bytes()[..], &[0; 60]].concat(), &mapping(b"/", b"/n"));
        for (magic, expected) in [
            (0xfeed_face, Unsupported::Narrow),
            (0xcefa_edfe, Unsupported::NarrowBigEndian),
            (0xcffa_edfe, Unsupported::BigEndian),
        ] {
            assert_eq!(form(magic), Err(MachoRefusal::Unsupported(expected).into()));
        }
        assert_eq!(form(0x1234_5678), Ok(Vec::new()));
    }

    #[test]
    fn takes_any_damage() {
        let mut random = Random::new(11);
        let mapping = mapping(b"/old/store", b"/a/longer/store");
        let [program, arm, intel] = FILES.map(fixture);
        let files = [fat([&arm, &intel]), program, arm, intel];
        for round in 0..8000 {
            let file = damaged(&files[round % files.len()], &mut random);
            for edits in [patch(&file, &mapping), resign_macho(&mut Bytes::new(&file), round % 3 == 0)] {
                let result = edited(&file, &edits.unwrap_or_default());
                assert_eq!(result.len(), file.len(), "round {round}");
            }
        }
    }
}
