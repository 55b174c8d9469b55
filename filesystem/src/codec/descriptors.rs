//! Descriptors as bytes.

use super::bounds::Bounds;
use super::bytes::{Reader, Writer};
use crate::descriptor::FIRST_FD;
use crate::error::Error;
use crate::open::FDFLAGS_ALL;
use crate::path::is_normal;
use crate::state::{Kind, Saved};

pub(super) fn write_open(out: &mut Writer, open: &[Saved]) {
    out.number(open.len() as u64);
    let mut before = FIRST_FD - 1;
    for saved in open {
        out.number(u64::from(saved.fd - before));
        before = saved.fd;
        match saved.kind {
            Kind::Scratch(node) => {
                out.0.push(0);
                out.number(node);
            }
            Kind::File => out.0.push(1),
            Kind::Directory => out.0.push(2),
            Kind::Lost => out.0.push(3),
        }
        out.number(u64::from(saved.flags));
        out.number(saved.offset);
        out.number(saved.rights_base);
        out.number(saved.rights_inheriting);
        out.bytes(saved.path.as_bytes());
    }
}

pub(super) fn read_open(reader: &mut Reader<'_>, bounds: &mut Bounds) -> Result<Vec<Saved>, Error> {
    let mut open = Vec::new();
    let mut fd = u64::from(FIRST_FD - 1);
    let count = reader.number()?;
    bounds.open(count)?;
    for _ in 0..count {
        fd = reader.after(fd)?;
        let kind = match reader.byte()? {
            0 => Kind::Scratch(reader.number()?),
            1 => Kind::File,
            2 => Kind::Directory,
            3 => Kind::Lost,
            _ => return Err(reader.damaged("unknown kind of descriptor")),
        };
        let flags = reader.number()?;
        let saved = Saved {
            fd: u32::try_from(fd).map_err(|_| reader.damaged("a descriptor is too high"))?,
            kind,
            flags: u16::try_from(flags)
                .ok()
                .filter(|flags| flags & !FDFLAGS_ALL == 0)
                .ok_or_else(|| reader.damaged("unknown descriptor flags"))?,
            offset: reader.number()?,
            rights_base: reader.number()?,
            rights_inheriting: reader.number()?,
            path: reader.text()?.into(),
        };
        if !is_normal(&saved.path) {
            return Err(reader.damaged("a descriptor's path is not normal"));
        }
        open.push(saved);
    }
    Ok(open)
}
