//! New names in the load commands of a Mach-O slice (`mach-o/loader.h`): commands grow into the padding that linkers leave behind them
//! (`-headerpad`), and move up; no other part of the file moves (src/binfmt/macho-names.ts).

use std::borrow::Cow;
use std::collections::HashSet;

use crate::macho::{name_of, MachoCommand, MachoSlice, LC_ID_DYLIB, LC_RPATH, MACH_HEADER_SIZE};
use crate::prefix_mapping::PrefixMapping;
use crate::relative_rpath::FileOrigin;
use crate::source::{Edit, Source, Stop};

/// Commands are aligned to this in 64 bit files.
const ALIGNMENT: usize = 8;

/// How many bytes are missing behind the load commands of the slice at an offset.
#[derive(Debug, PartialEq, Eq)]
pub struct NoRoom {
    pub missing: u64,
    pub slice_offset: u64,
}

/// What becomes of names; `origin`: where those that are relative to the file are resolved, and all made relative.
#[derive(Clone, Copy)]
pub struct NameMap<'a> {
    pub mapping: &'a PrefixMapping,
    pub origin: Option<&'a FileOrigin>,
}

impl NameMap<'_> {
    fn map(self, command: u32, name: &[u8]) -> Option<Vec<u8>> {
        match self.origin {
            None => self.mapping.map_path(name),
            Some(origin) if command == LC_ID_DYLIB => origin.map_identity(name, self.mapping),
            Some(origin) => Some(origin.map_name(name, self.mapping)),
        }
    }
}

/// The edit that gives a slice its new names; none where nothing changes. A second rpath of one value is dropped, since `dyld` refuses
/// such files.
pub fn rename_macho(
    source: &mut dyn Source,
    slice: &MachoSlice,
    names: NameMap<'_>,
) -> Result<Option<Edit>, Stop<NoRoom>> {
    let commands: Vec<NewCommand<'_>> =
        slice.commands.iter().map(|command| rename_command(&slice.head, command, names)).collect();
    if !commands.iter().any(NewCommand::is_changed) {
        return Ok(None);
    }
    let mut bytes = slice.head[..MACH_HEADER_SIZE as usize].to_vec();
    let count = append_commands(&mut bytes, &commands);
    let body = bytes.len() - MACH_HEADER_SIZE as usize;
    check_room(source, slice, bytes.len() as u64)?;
    bytes[16..20].copy_from_slice(&count.to_le_bytes());
    bytes[20..24].copy_from_slice(&(body as u32).to_le_bytes());
    bytes.resize(bytes.len().max(slice.head.len()), 0);
    Ok(Some(Edit { offset: slice.offset, bytes }))
}

fn check_room(source: &mut dyn Source, slice: &MachoSlice, end: u64) -> Result<(), Stop<NoRoom>> {
    let no_room = |missing| Err(Stop::Problem(NoRoom { missing, slice_offset: slice.offset }));
    let old = slice.head.len() as u64;
    if end > slice.limit {
        return no_room(end - slice.limit);
    }
    if end > old {
        let padding = source.read(slice.offset + old, end - old)?;
        if padding.iter().any(|byte| *byte != 0) {
            return no_room(end - old);
        }
    }
    Ok(())
}

struct NewCommand<'head> {
    /// Owned where it has changed.
    bytes: Cow<'head, [u8]>,
    /// The value of an LC_RPATH.
    rpath: Option<Cow<'head, [u8]>>,
}

impl NewCommand<'_> {
    fn is_changed(&self) -> bool {
        matches!(self.bytes, Cow::Owned(_))
    }
}

fn rename_command<'head>(head: &'head [u8], command: &MachoCommand, names: NameMap<'_>) -> NewCommand<'head> {
    let bytes = &head[command.offset..command.offset + command.size];
    let Some((at, name)) = name_of(head, command) else {
        return NewCommand { bytes: bytes.into(), rpath: None };
    };
    let value = names.map(command.cmd, name).filter(|value| value != name);
    let bytes = match &value {
        Some(value) => renamed(bytes, at, value).into(),
        None => bytes.into(),
    };
    let rpath = (command.cmd == LC_RPATH).then(|| value.map_or(name.into(), Cow::from));
    NewCommand { bytes, rpath }
}

fn renamed(command: &[u8], at: usize, name: &[u8]) -> Vec<u8> {
    let mut bytes = command[..at].to_vec();
    bytes.extend_from_slice(name);
    let size = command.len().max((bytes.len() + 1).next_multiple_of(ALIGNMENT));
    bytes.resize(size, 0);
    bytes[4..8].copy_from_slice(&(size as u32).to_le_bytes());
    bytes
}

/// Without repeated rpaths; returns how many there are.
fn append_commands(bytes: &mut Vec<u8>, commands: &[NewCommand<'_>]) -> u32 {
    let mut seen = HashSet::new();
    let mut count = 0;
    for command in commands {
        if command.rpath.as_ref().is_none_or(|rpath| seen.insert(rpath)) {
            bytes.extend_from_slice(&command.bytes);
            count += 1;
        }
    }
    count
}
