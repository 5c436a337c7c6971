//! Finds the first listed prefix at each place: each common root is searched once with SIMD, then a radix tree decides,
//! so the cost does not depend on how many prefixes share a root. The rule: src/relocation/prefixes/prefix-search.ts.

use memchr::memmem::Finder;

/// Prefixes that share fewer bytes than this get separate roots: a shorter root would be found everywhere.
const SHORTEST_SHARED_ROOT: usize = 4;

/// A prefix at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub offset: usize,
    /// The first listed prefix there.
    pub index: usize,
}

/// A list of prefixes, prepared for searching.
pub struct PrefixSearch {
    prefixes: Vec<Box<[u8]>>,
    roots: Vec<Finder<'static>>,
    nodes: Vec<Node>,
}

/// A node of the radix tree. The path to a node spells what all prefixes below it start with.
struct Node {
    label: Box<[u8]>,
    /// The first listed prefix that ends here.
    prefix: Option<usize>,
    children: Vec<usize>,
}

impl PrefixSearch {
    /// Empty prefixes are left out: they are never found.
    pub fn new(prefixes: Vec<Box<[u8]>>) -> Self {
        let roots = common_roots(&prefixes).into_iter().map(|root| Finder::new(root).into_owned()).collect();
        let mut search = PrefixSearch { nodes: vec![Node::leaf(&[], None)], roots, prefixes: Vec::new() };
        for (index, prefix) in prefixes.iter().enumerate() {
            if !prefix.is_empty() {
                search.insert(prefix, index);
            }
        }
        search.prefixes = prefixes;
        search
    }

    /// The prefix with this index; empty if there is none.
    pub fn prefix(&self, index: usize) -> &[u8] {
        self.prefixes.get(index).map_or(&[], |prefix| prefix)
    }

    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { search: self, next: vec![None; self.roots.len()] }
    }

    fn insert(&mut self, prefix: &[u8], index: usize) {
        let mut node = 0;
        let mut rest = prefix;
        while let Some(first) = rest.first() {
            let Some(child) = self.child(node, *first) else {
                self.nodes.push(Node::leaf(rest, Some(index)));
                let leaf = self.nodes.len() - 1;
                self.nodes[node].children.push(leaf);
                return;
            };
            let shared = shared_length(&self.nodes[child].label, rest);
            self.split_label(child, shared);
            rest = &rest[shared..];
            node = child;
        }
        self.nodes[node].prefix.get_or_insert(index);
    }

    /// Splits a node in two, so that its label has the given length.
    fn split_label(&mut self, at: usize, length: usize) {
        let tail_index = self.nodes.len();
        let node = &mut self.nodes[at];
        if length == node.label.len() {
            return;
        }
        let tail = Node {
            label: node.label[length..].into(),
            prefix: node.prefix.take(),
            children: std::mem::replace(&mut node.children, vec![tail_index]),
        };
        node.label = node.label[..length].into();
        self.nodes.push(tail);
    }

    fn child(&self, node: usize, first: u8) -> Option<usize> {
        let children = &self.nodes[node].children;
        children.iter().copied().find(|child| self.nodes[*child].label.first() == Some(&first))
    }

    /// The first listed prefix that `bytes` starts with.
    fn look_up(&self, bytes: &[u8]) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut node = 0;
        let mut rest = bytes;
        while let Some(child) = rest.first().and_then(|first| self.child(node, *first)) {
            let Node { label, prefix, .. } = &self.nodes[child];
            let Some(after) = rest.strip_prefix(&label[..]) else {
                break;
            };
            if let Some(index) = prefix {
                best = Some(best.map_or(*index, |known| known.min(*index)));
            }
            rest = after;
            node = child;
        }
        best
    }
}

impl Node {
    fn leaf(label: &[u8], prefix: Option<usize>) -> Self {
        Node { label: label.into(), prefix, children: Vec::new() }
    }
}

/// Walks over the hits in one piece of bytes. Bytes before the next search may change in between.
pub struct Cursor<'search> {
    search: &'search PrefixSearch,
    /// For each root: its next offset; `usize::MAX` if there is none.
    next: Vec<Option<usize>>,
}

impl Cursor<'_> {
    /// The first hit in `[from, limit)`. `from` must never decrease from one call to the next.
    pub fn advance(&mut self, bytes: &[u8], from: usize, limit: usize) -> Option<Hit> {
        let mut start = from;
        loop {
            let offset = self.nearest_root(bytes, start)?;
            if offset >= limit {
                return None;
            }
            if let Some(index) = self.search.look_up(bytes.get(offset..)?) {
                return Some(Hit { offset, index });
            }
            start = offset + 1;
        }
    }

    fn nearest_root(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut nearest = usize::MAX;
        for (root, next) in self.search.roots.iter().zip(&mut self.next) {
            let offset = match *next {
                Some(known) if known >= from => known,
                _ => find_from(root, bytes, from),
            };
            *next = Some(offset);
            nearest = nearest.min(offset);
        }
        (nearest != usize::MAX).then_some(nearest)
    }
}

fn find_from(root: &Finder<'_>, bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).and_then(|rest| root.find(rest)).map_or(usize::MAX, |found| from + found)
}

/// Common roots, none of which begins another: every prefix begins with exactly one of them.
fn common_roots(prefixes: &[Box<[u8]>]) -> Vec<&[u8]> {
    let mut sorted: Vec<&[u8]> =
        prefixes.iter().map(|prefix| &prefix[..]).filter(|prefix| !prefix.is_empty()).collect();
    sorted.sort_unstable();
    let mut roots: Vec<&[u8]> = Vec::new();
    for prefix in sorted {
        if let Some(root) = roots.last_mut() {
            let shared = shared_length(root, prefix);
            if shared >= SHORTEST_SHARED_ROOT.min(root.len()) {
                *root = &root[..shared];
                continue;
            }
        }
        roots.push(prefix);
    }
    roots
}

fn shared_length(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn search(prefixes: &[&[u8]]) -> PrefixSearch {
        PrefixSearch::new(prefixes.iter().map(|prefix| (*prefix).into()).collect())
    }

    fn hits(search: &PrefixSearch, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut cursor = search.cursor();
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(hit) = cursor.advance(bytes, from, bytes.len()) {
            found.push((hit.offset, hit.index));
            from = hit.offset + 1;
        }
        found
    }

    fn naive(prefixes: &[&[u8]], bytes: &[u8]) -> Vec<(usize, usize)> {
        (0..bytes.len())
            .filter_map(|at| {
                let index = prefixes.iter().position(|p| bytes[at..].starts_with(p))?;
                Some((at, index))
            })
            .collect()
    }

    #[test]
    fn the_first_listed_prefix_wins() {
        assert_eq!(hits(&search(&[b"/a", b"/ab"]), b"x/ab"), [(1, 0)]);
        assert_eq!(hits(&search(&[b"/ab", b"/a"]), b"/ab/a/ab"), [(0, 0), (3, 1), (5, 0)]);
        assert_eq!(hits(&search(&[b"/a", b"/a"]), b"/a"), [(0, 0)]);
    }

    #[test]
    fn overlaps_and_cut_off_prefixes() {
        assert_eq!(hits(&search(&[b"/a/a"]), b"/a/a/a/a"), [(0, 0), (2, 0), (4, 0)]);
        assert_eq!(hits(&search(&[b"/abcd", b"/ab"]), b"/abc"), [(0, 1)]);
        assert_eq!(hits(&search(&[]), b"abc"), []);
    }

    #[test]
    fn roots_are_shared_where_that_pays() {
        let roots = |list: &[&[u8]]| {
            let owned: Vec<Box<[u8]>> = list.iter().map(|p| (*p).into()).collect();
            common_roots(&owned).iter().map(|r| r.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(roots(&[b"/opt/b", b"/opt/a", b"/tmp"]), [b"/opt/".to_vec(), b"/tmp".to_vec()]);
        assert_eq!(roots(&[b"/ab", b"/a"]), [b"/a".to_vec()]);
    }

    #[test]
    fn equals_the_naive_search() {
        let mut random = Random::new(3);
        let words: [&[u8]; 9] = [
            b"/opt/store",
            b"/opt/store/",
            b"/opt/store/zlib",
            b"/opt",
            b"/o",
            b"#!/bin/sh /x",
            b"a",
            b"//",
            b"/opt/sx",
        ];
        for _ in 0..3000 {
            let prefixes: Vec<&[u8]> = (0..random.below(6) + 1).map(|_| words[random.below(9)]).collect();
            let mut bytes = Vec::new();
            for _ in 0..random.below(20) {
                let word = words[random.below(9)];
                bytes.extend_from_slice(&word[..random.below(word.len() + 1)]);
                bytes.extend(std::iter::repeat_n(b'.', random.below(3)));
            }
            assert_eq!(hits(&search(&prefixes), &bytes), naive(&prefixes, &bytes));
        }
    }
}
