//! Scratch trees as bytes.

use super::bounds::Bounds;
use super::bytes::{Reader, Writer};
use crate::error::Error;
use crate::path::{PATH_BYTES_MAX, is_component};
use crate::scratch::{Body, Content, Directory, Node, ROOTS, Times, Tree};

pub(super) fn write_tree(out: &mut Writer, tree: &Tree) {
    out.number(tree.next_id());
    out.number(tree.nodes().len() as u64);
    let mut before = 0;
    for (id, node) in tree.nodes() {
        out.number(id - before);
        before = id;
        for time in [
            node.times.accessed_ns,
            node.times.modified_ns,
            node.times.changed_ns,
        ] {
            out.0.extend_from_slice(&time.to_le_bytes());
        }
        match &node.body {
            Body::File(content) => {
                out.0.push(0);
                out.number(content.size());
                out.number(content.chunks().len() as u64);
                let mut next = 0;
                for (index, chunk) in content.chunks() {
                    out.number(index + 1 - next);
                    next = index + 1;
                    out.bytes(chunk);
                }
            }
            Body::Directory(directory) => {
                out.0.push(1);
                out.number(directory.next_place());
                out.number(directory.len() as u64);
                let mut next = 0;
                for (place, name, child) in directory.list(0) {
                    out.number(place + 1 - next);
                    next = place + 1;
                    out.number(child);
                    out.bytes(name.as_bytes());
                }
            }
            Body::Symlink(target) => {
                out.0.push(2);
                out.bytes(target.as_bytes());
            }
        }
    }
}

pub(super) fn read_tree(reader: &mut Reader<'_>, bounds: &mut Bounds) -> Result<Tree, Error> {
    let next_id = reader.number()?;
    let mut tree = Tree::bare();
    let mut id = 0;
    let count = reader.number()?;
    bounds.nodes(count)?;
    for _ in 0..count {
        id = reader.after(id)?;
        if id >= next_id {
            return Err(reader.damaged("a node's number is not below the next"));
        }
        let times = Times {
            accessed_ns: reader.u64()?,
            modified_ns: reader.u64()?,
            changed_ns: reader.u64()?,
        };
        let body = match reader.byte()? {
            0 => Body::File(read_content(reader, bounds)?),
            1 => Body::Directory(read_directory(reader, bounds)?),
            2 => Body::Symlink(read_target(reader, bounds)?.into()),
            _ => return Err(reader.damaged("unknown kind of node")),
        };
        let node = Node {
            links: 0,
            times,
            body,
        };
        if !tree.insert_decoded(id, node) {
            return Err(reader.damaged("sizes overflow"));
        }
    }
    if next_id <= ROOTS.len() as u64 {
        return Err(reader.damaged("the next node's number is a root's"));
    }
    tree.set_next_id(next_id);
    Ok(tree)
}

fn read_content(reader: &mut Reader<'_>, bounds: &mut Bounds) -> Result<Content, Error> {
    let mut content = Content::default();
    let size = reader.number()?;
    if i64::try_from(size).is_err() {
        return Err(reader.damaged("a file is too long"));
    }
    bounds.content(size)?;
    content.resize(size);
    let mut next = 0;
    for _ in 0..reader.number()? {
        next = reader.after(next)?;
        let bytes = reader.bytes()?;
        if !content.insert_chunk(next - 1, bytes) {
            return Err(reader.damaged("a chunk reaches out of its place"));
        }
    }
    Ok(content)
}

fn read_directory(reader: &mut Reader<'_>, bounds: &mut Bounds) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    let next_place = reader.number()?;
    let mut next = 0;
    let count = reader.number()?;
    bounds.names(count)?;
    for _ in 0..count {
        next = reader.after(next)?;
        let child = reader.number()?;
        let name = reader.text()?;
        if !is_component(name) {
            return Err(reader.damaged("an entry's name is not usable"));
        }
        if !directory.insert_at(next - 1, name, child) {
            return Err(reader.damaged("a directory has a name twice"));
        }
    }
    if next > next_place || i64::try_from(next_place).is_err() {
        return Err(reader.damaged("an entry's place is not below the next"));
    }
    directory.set_next_place(next_place);
    Ok(directory)
}

fn read_target<'a>(reader: &mut Reader<'a>, bounds: &mut Bounds) -> Result<&'a str, Error> {
    let target = reader.text()?;
    bounds.content(target.len() as u64)?;
    if target.is_empty() || target.len() > PATH_BYTES_MAX || target.contains('\0') {
        return Err(reader.damaged("a link's target is not usable"));
    }
    Ok(target)
}
