//! Paths as Python's `posixpath` treats them, without a file system (src/relocation/normalize-path.ts).

/// Python's `normpath`: no `.`, no empty component, `..` taken back; exactly two leading slashes stay two.
pub fn normalize(path: &[u8]) -> Vec<u8> {
    let root: &[u8] = match path.iter().take_while(|byte| **byte == b'/').count() {
        0 => b"",
        2 => b"//",
        _ => b"/",
    };
    let mut kept: Vec<&[u8]> = Vec::new();
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if !root.is_empty() => {}
            _ => kept.push(component),
        }
    }
    let normal = [root, &kept.join(&b'/')].concat();
    if normal.is_empty() {
        b".".into()
    } else {
        normal
    }
}

/// Python's `join` of two paths: an absolute second one stands alone.
pub fn join(first: &[u8], second: &[u8]) -> Vec<u8> {
    if second.first() == Some(&b'/') {
        return second.into();
    }
    let needs_slash = first.last().is_some_and(|last| *last != b'/');
    [first, if needs_slash { b"/" } else { b"" }, second].concat()
}

/// Python's `relpath` of two absolute paths.
pub fn relative(path: &[u8], start: &[u8]) -> Vec<u8> {
    let (path, start) = (normalize(path), normalize(start));
    let (to, from) = (components(&path), components(&start));
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| &b".."[..]);
    let parts: Vec<&[u8]> = up.chain(to[shared..].iter().copied()).collect();
    if parts.is_empty() {
        b".".into()
    } else {
        parts.join(&b'/')
    }
}

fn components(normal: &[u8]) -> Vec<&[u8]> {
    normal.split(|byte| *byte == b'/').filter(|component| !component.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes_as_python_does() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("/", "/"),
            ("//", "//"),
            ("///", "/"),
            ("//a", "//a"),
            ("///a//b/", "/a/b"),
            ("/../a/./b/../c", "/a/c"),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("a/..", "."),
            ("//..", "//"),
        ] {
            assert_eq!(normalize(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn joins_and_relates_as_python_does() {
        assert_eq!(join(b"$ORIGIN", b"../lib"), b"$ORIGIN/../lib");
        assert_eq!(join(b"a/", b"b"), b"a/b");
        assert_eq!(join(b"", b"b"), b"b");
        assert_eq!(join(b"a", b"/b"), b"/b");
        assert_eq!(relative(b"/a/b/c", b"/a/d"), b"../b/c");
        assert_eq!(relative(b"/a", b"/a/"), b".");
        assert_eq!(relative(b"/a/b", b"/a"), b"b");
    }
}
