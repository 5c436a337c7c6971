//! The C string rule (FORMATS "C strings"; in TypeScript: src/relocation/strings/binary-rules.ts), in place.

use crate::prefix_search::{Hit, PrefixSearch};

/// How many bytes at the end of a string may be shared with other strings.
const SUFFIX_SAFETY: usize = 7;

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub struct Replaced {
    pub count: usize,
    /// Where the search ended.
    pub next: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    CannotGrow,
    CannotShrink,
}

/// A match that cannot be replaced. Bytes before it may already be changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub problem: Problem,
    pub offset: usize,
    pub index: usize,
    /// Bytes between the prefix and the NUL; 0 if there is none close enough.
    pub suffix: usize,
}

/// Replaces every match that begins in `[start, limit)`.
pub fn replace(
    bytes: &mut [u8],
    start: usize,
    limit: usize,
    search: &PrefixSearch,
    replacements: &[Box<[u8]>],
) -> Result<Replaced, Failure> {
    let mut cursor = search.cursor();
    let mut position = start;
    let mut count = 0;
    while let Some(Hit { offset, index }) = cursor.advance(bytes, position, limit) {
        let old = search.prefix(index);
        let new = replacements.get(index).map_or(old, |new| new);
        let end = offset + old.len();
        let suffix = suffix_length(bytes, end);
        // The match includes the NUL.
        let window = end + suffix.map_or(0, |suffix| suffix + 1);
        let result = match bytes.get_mut(offset..window) {
            Some(matched) => replace_match(matched, old, new, suffix),
            None => Ok(()),
        };
        if let Err(problem) = result {
            let suffix = suffix.unwrap_or(0);
            return Err(Failure { problem, offset, index, suffix });
        }
        position = window;
        count += 1;
    }
    Ok(Replaced { count, next: position.max(limit) })
}

/// Bytes up to the NUL; none if there is none within the safety window.
fn suffix_length(bytes: &[u8], end: usize) -> Option<usize> {
    let window = bytes.get(end..)?;
    window.iter().take(SUFFIX_SAFETY + 1).position(|byte| *byte == 0)
}

fn replace_match(matched: &mut [u8], old: &[u8], new: &[u8], suffix: Option<usize>) -> Result<(), Problem> {
    let Some(shorter) = old.len().checked_sub(new.len()) else {
        return Err(Problem::CannotGrow);
    };
    let terminated = suffix.filter(|suffix| *suffix < SUFFIX_SAFETY);
    if terminated.is_none_or(|suffix| last(old, SUFFIX_SAFETY - suffix) == last(new, SUFFIX_SAFETY - suffix))
    {
        matched[..shorter].fill(b'/');
        matched[shorter..old.len()].copy_from_slice(new);
        return Ok(());
    }
    if shorter <= SUFFIX_SAFETY {
        return Err(Problem::CannotShrink);
    }
    matched.copy_within(old.len().., new.len());
    matched[..new.len()].copy_from_slice(new);
    Ok(())
}

/// The last `count` bytes; all of a shorter slice.
fn last(bytes: &[u8], count: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(count)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mapping: &[(&str, &str)], text: &str) -> Result<String, Failure> {
        let search = PrefixSearch::new(mapping.iter().map(|(old, _)| old.as_bytes().into()).collect());
        let new: Vec<Box<[u8]>> = mapping.iter().map(|(_, new)| new.as_bytes().into()).collect();
        let mut bytes = text.as_bytes().to_vec();
        let limit = bytes.len();
        replace(&mut bytes, 0, limit, &search, &new)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn pads_in_front_where_the_end_must_stay() {
        assert_eq!(run(&[("/old/store", "/n")], "/old/store/long/tail\0").unwrap(), "/////////n/long/tail\0");
        assert_eq!(run(&[("/long/opt/old", "/l/opt/old")], "/long/opt/old\0").unwrap(), "////l/opt/old\0");
        assert_eq!(run(&[("/old", "/n")], "/old").unwrap(), "///n");
    }

    #[test]
    fn terminates_early_where_the_end_may_change() {
        assert_eq!(
            run(&[("/old/store/zlib", "/n/z")], "/old/store/zlib/a\0x").unwrap(),
            "/n/z/a\0ore/zlib/a\0x"
        );
    }

    #[test]
    fn refuses_to_grow_and_to_shrink_a_little() {
        let failure = run(&[("/old", "/longer")], "ab/old/lib\0").unwrap_err();
        assert_eq!(failure, Failure { problem: Problem::CannotGrow, offset: 2, index: 0, suffix: 4 });
        let failure = run(&[("/opt/x", "/y")], "/opt/x/ab\0").unwrap_err();
        assert_eq!(failure, Failure { problem: Problem::CannotShrink, offset: 0, index: 0, suffix: 3 });
    }

    #[test]
    fn a_match_consumes_its_window() {
        let mut bytes = b"/old/old\0/old".to_vec();
        let search = PrefixSearch::new(vec![b"/old"[..].into()]);
        let new = vec![b"/old"[..].into()];
        let replaced = replace(&mut bytes, 0, 5, &search, &new).unwrap();
        assert_eq!(replaced, Replaced { count: 1, next: 9 });
        let nothing = replace(&mut bytes, 20, 5, &search, &new).unwrap();
        assert_eq!(nothing, Replaced { count: 0, next: 20 });
    }
}
