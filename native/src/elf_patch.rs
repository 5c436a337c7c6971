//! The edits that relocate an ELF file (src/relocation/elf-patch.ts): in place, padded with NULs, where the new strings fit; where one
//! does not, the file grows.

use std::convert::Infallible;

use crate::elf::{read_elf, ElfString, ElfStrings, Wanted};
use crate::elf_grow::{grow_elf, ElfGrowth, StringGrowth};
use crate::elf_problem::{ElfProblem, ElfResult};
use crate::elf_unused::erase_unused_strings;
use crate::prefix_mapping::{PrefixMapping, RpathTooLong};
use crate::relative_rpath::FileOrigin;
use crate::source::{Edit, Source, Stop, Unreadable};

/// A file that must grow, and cannot: what would change, and why not.
#[derive(Debug, PartialEq, Eq)]
pub struct CannotGrow {
    pub problem: ElfProblem,
    pub what: Changed,
    /// None where only names of libraries would change.
    pub change: Option<StringChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    Rpath = 0,
    Interpreter = 1,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringChange {
    pub old: ElfString,
    pub value: Vec<u8>,
}

impl StringChange {
    fn is_longer(&self) -> bool {
        self.value.len() > self.old.value.len()
    }

    /// Writes the new string over the old one, which is not shorter; NULs fill the rest.
    fn edit_in_place(&self) -> Edit {
        let mut bytes = self.value.clone();
        bytes.resize(self.old.value.len(), 0);
        Edit { offset: self.old.offset, bytes }
    }
}

/// The edits for an ELF file's strings, in place or by growth; none for what is no ELF file, and for one that must stay as it is.
pub fn patch_elf(
    source: &mut dyn Source,
    mapping: &PrefixMapping,
    rewrites_interpreter: bool,
    origin: Option<&FileOrigin>,
) -> Result<Vec<Edit>, Stop<CannotGrow>> {
    let can_lengthen = mapping.can_lengthen();
    let wanted = Wanted { interpreter: rewrites_interpreter || can_lengthen, names: can_lengthen };
    let Some(strings) = read_elf(source, wanted)? else {
        return Ok(Vec::new());
    };
    if rewrites_interpreter && strings.has_bad_interpreter {
        return Ok(Vec::new());
    }
    let ElfStrings { rpath, interpreter, names, .. } = strings;
    let rpath = change(rpath, |value| match origin {
        None => mapping.map_rpath(value),
        Some(origin) => origin.map_rpath(value, mapping),
    })
    .map_err(|RpathTooLong| {
        let problem = ElfProblem::RpathTooLong;
        Stop::Problem(CannotGrow { problem, what: Changed::Rpath, change: None })
    })?;
    let Ok(interpreter) = change(interpreter, |value| Ok::<_, Infallible>(mapping.map_path(value)));
    if !can_lengthen && origin.is_none() {
        return Ok(edits_in_place(&rpath, &interpreter));
    }
    let grows_strings = is_longer(&rpath) || names.iter().any(|name| mapping.makes_longer(name));
    let mut patch = ElfPatch { rpath, interpreter, mapping, grows_strings };
    if rewrites_interpreter {
        return patch.settle(source);
    }
    // The interpreter is left to the C string rule, but that cannot make it longer.
    if is_longer(&patch.interpreter) {
        if let Some(edits) = without_problem(patch.growth(source))? {
            return Ok(edits);
        }
    }
    patch.interpreter = None;
    patch.settle(source)
}

fn change<Problem>(
    old: Option<ElfString>,
    map: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>, Problem>,
) -> Result<Option<StringChange>, Problem> {
    let Some(old) = old else {
        return Ok(None);
    };
    Ok(map(&old.value)?.map(|value| StringChange { old, value }))
}

fn is_longer(change: &Option<StringChange>) -> bool {
    change.as_ref().is_some_and(StringChange::is_longer)
}

fn edits_in_place(rpath: &Option<StringChange>, interpreter: &Option<StringChange>) -> Vec<Edit> {
    [rpath, interpreter].into_iter().flatten().map(StringChange::edit_in_place).collect()
}

fn without_problem<T>(result: ElfResult<T>) -> Result<Option<T>, Unreadable> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Stop::Problem(_)) => Ok(None),
        Err(Stop::Unreadable) => Err(Unreadable),
    }
}

/// All that is to become of one file.
struct ElfPatch<'mapping> {
    rpath: Option<StringChange>,
    interpreter: Option<StringChange>,
    mapping: &'mapping PrefixMapping,
    /// Whether the string table must grow.
    grows_strings: bool,
}

impl ElfPatch<'_> {
    /// All changes, in place or by growth.
    fn settle(self, source: &mut dyn Source) -> Result<Vec<Edit>, Stop<CannotGrow>> {
        if !self.grows_strings && !is_longer(&self.interpreter) {
            let mut edits = erase_unused_strings(source, self.mapping)?;
            edits.append(&mut edits_in_place(&self.rpath, &self.interpreter));
            return Ok(edits);
        }
        match self.growth(source) {
            Ok(edits) => Ok(edits),
            Err(Stop::Unreadable) => Err(Stop::Unreadable),
            Err(Stop::Problem(problem)) => Err(Stop::Problem(self.refusal(problem))),
        }
    }

    fn growth(&self, source: &mut dyn Source) -> ElfResult<Vec<Edit>> {
        let ElfPatch { rpath, interpreter, mapping, grows_strings } = self;
        let grows_interpreter = is_longer(interpreter);
        let growth = ElfGrowth {
            strings: grows_strings.then(|| StringGrowth { rpath: value_of(rpath), mapping }),
            interpreter: value_of(interpreter).filter(|_| grows_interpreter),
        };
        let mut grown = grow_elf(source, growth)?;
        let mut edits = if *grows_strings { Vec::new() } else { erase_unused_strings(source, mapping)? };
        let in_place = |change: &Option<StringChange>, grows: bool| {
            change.iter().filter(|_| !grows).map(StringChange::edit_in_place).next()
        };
        edits.extend(in_place(rpath, *grows_strings));
        edits.extend(in_place(interpreter, grows_interpreter));
        edits.append(&mut grown);
        Ok(edits)
    }

    fn refusal(self, problem: ElfProblem) -> CannotGrow {
        let (what, change) = if is_longer(&self.interpreter) {
            (Changed::Interpreter, self.interpreter)
        } else {
            (Changed::Rpath, self.rpath)
        };
        CannotGrow { problem, what, change }
    }
}

fn value_of(change: &Option<StringChange>) -> Option<&[u8]> {
    change.as_ref().map(|change| &change.value[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged, edited, fixture, Bytes, Random};

    const FILES: [&str; 7] = [
        "libgreet.so.1",
        "libplain-32-little.so",
        "libplain-32-big.so",
        "libplain-64-big.so",
        "hello-pie",
        "hello-exec",
        "hello-lld",
    ];
    const OLD: &[u8] = b"/old/store/greet";
    const LONG: &[u8] = b"/a/much/longer/root/of/another/store/greet";

    fn mapping(pairs: &[(&[u8], &[u8])]) -> PrefixMapping {
        PrefixMapping::new(
            pairs.iter().map(|(from, _)| (*from).into()).collect(),
            pairs.iter().map(|(_, to)| (*to).into()).collect(),
        )
    }

    fn patched(bytes: &[u8], mapping: &PrefixMapping) -> Result<Vec<u8>, Stop<CannotGrow>> {
        Ok(edited(bytes, &patch_elf(&mut Bytes::new(bytes), mapping, true, None)?))
    }

    fn rpath_of(bytes: &[u8]) -> Vec<u8> {
        let wanted = Wanted { interpreter: true, names: true };
        let found = read_elf(&mut Bytes::new(bytes), wanted).expect("bytes in memory can be read");
        found.and_then(|found| found.rpath).expect("it has an rpath").value
    }

    #[test]
    fn a_shorter_rpath_stays_in_place() {
        for name in FILES {
            let good = fixture(name);
            let new = patched(&good, &mapping(&[(OLD, b"/n")])).expect("it fits");
            assert_eq!((rpath_of(&new), new.len()), (b"/n/lib".to_vec(), good.len()), "{name}");
        }
    }

    #[test]
    fn a_longer_rpath_makes_the_file_grow_again_and_again() {
        for name in FILES {
            let mut file = fixture(name);
            for (from, to) in [(OLD, LONG), (LONG, &[LONG, LONG].concat())] {
                let size = file.len();
                file = patched(&file, &mapping(&[(from, to)])).expect("it can grow");
                assert_eq!(rpath_of(&file), [to, b"/lib"].concat(), "{name}");
                assert!(file.len() > size && !file.windows(OLD.len()).any(|window| window == OLD));
            }
        }
    }

    #[test]
    fn relative_rpaths_are_resolved_and_made_relative_again() {
        let origin = FileOrigin {
            old: (*b"/old/store/greet/bin").into(),
            new: (*b"/new/greet-1/bin").into(),
            root: (*b"/new").into(),
        };
        let mapping = mapping(&[(OLD, b"/new/greet-1"), (b"/old/store/other", b"/new/o")]);
        let rpath = b"$ORIGIN/../lib::/old/store/other/lib:/usr/lib:${ORIGIN}/../lib:$ORIGINAL";
        let new = origin.map_rpath(rpath, &mapping);
        let expected = b"$ORIGIN/../lib:$ORIGIN/../../o/lib:/usr/lib:$ORIGINAL";
        assert_eq!(new, Ok(Some(expected.to_vec())));
        assert_eq!(origin.map_rpath(b"$ORIGIN/../lib:/usr/lib", &mapping), Ok(None));
        assert_eq!(origin.map_name(b"@loader_path/../lib/x", &mapping), b"@loader_path/../lib/x");
        assert_eq!(origin.map_identity(b"/old/store/greet/lib/x", &mapping), Some(b"@rpath/x".to_vec()));
    }

    #[test]
    fn says_what_stands_in_the_way() {
        let mut file = fixture("libgreet.so.1");
        // e_phentsize
        file[54] = 57;
        let refusal = patched(&file, &mapping(&[(OLD, LONG)])).expect_err("it cannot grow");
        let Stop::Problem(CannotGrow { problem, what, change }) = refusal else {
            panic!("bytes in memory can be read");
        };
        assert_eq!((problem, what), (ElfProblem::ProgramHeaderSize, Changed::Rpath));
        assert_eq!(change.map(|change| change.value), Some([LONG, b"/lib"].concat()));
    }

    #[test]
    fn gives_up_where_the_file_cannot_be_read() {
        let file = fixture("hello-pie");
        let mapping = mapping(&[(OLD, LONG)]);
        for reads in 0..14 {
            let source = &mut Bytes::failing_after(&file, reads);
            assert_eq!(patch_elf(source, &mapping, true, None), Err(Stop::Unreadable), "{reads} reads");
        }
    }

    #[test]
    fn takes_any_damage() {
        let mut random = Random::new(7);
        let mapping = mapping(&[(OLD, LONG), (b"/lib64/", b"/lib64/../lib64/"), (b"lib", b"/x/lib")]);
        let files = FILES.map(fixture);
        let mut outcomes = [0; 2];
        for round in 0..20_000 {
            let file = damaged(&files[round % files.len()], &mut random);
            let result = patch_elf(&mut Bytes::new(&file), &mapping, round % 2 == 0, None);
            outcomes[usize::from(result.is_ok())] += 1;
        }
        assert!(outcomes.iter().all(|count| *count > 1000), "{outcomes:?}");
    }
}
