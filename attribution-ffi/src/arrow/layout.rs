//! Arrays of others, looked at with care: what can be checked is checked before it is read.

use std::ffi::{CStr, c_void};

use super::{ArrowArray, ArrowSchema, Releasable};
use crate::border::{Failure, refused};

/// The types that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Int32,
    UInt32,
    Int64,
    UInt64,
    /// Of so many units a second.
    Timestamp(i64),
    /// With so many decimals.
    Decimal128(u32),
    List,
    LargeList,
    Struct,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "i" => Self::Int32,
            "I" => Self::UInt32,
            "l" => Self::Int64,
            "L" => Self::UInt64,
            "+l" => Self::List,
            "+L" => Self::LargeList,
            "+s" => Self::Struct,
            _ => {
                if let Some(decimal) = text.strip_prefix("d:") {
                    let mut parts = decimal.split(',');
                    let (precision, scale) = (parts.next()?, parts.next()?);
                    let wide = parts.next().is_none_or(|bits| bits == "128");
                    let precision = precision.parse::<u32>().ok()?;
                    let known = wide && parts.next().is_none() && (1..=38).contains(&precision);
                    return known.then(|| scale.parse().ok().map(Self::Decimal128)).flatten();
                }
                match text.split_once(':')?.0 {
                    "tss" => Self::Timestamp(1),
                    "tsm" => Self::Timestamp(1_000),
                    "tsu" => Self::Timestamp(1_000_000),
                    "tsn" => Self::Timestamp(1_000_000_000),
                    _ => return None,
                }
            }
        })
    }
}

/// An array with its schema, and where it is for people.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) place: String,
    pub(super) format: Format,
    array: &'a ArrowArray,
    schema: &'a ArrowSchema,
}

/// No array that fits in memory is longer; offsets and lengths below it add up without overflow.
const LONGEST: i64 = isize::MAX as i64 / 64;

impl<'a> Node<'a> {
    /// Looks at an array: its type is one of `allowed`, whose names are `names`.
    pub(super) fn new(
        array: &'a ArrowArray,
        schema: &'a ArrowSchema,
        place: String,
        allowed: impl Fn(Format) -> bool,
        names: &str,
    ) -> Result<Self, Failure> {
        for (released, what) in
            [(array.is_released(), "an array"), (schema.is_released(), "a schema")]
        {
            if released {
                let found = format!("found {what} that is released");
                return Err(refused(place, found, "one that is not"));
            }
        }
        // SAFETY: a schema that is not released has its format as text that ends with a NUL, or NULL.
        let text = (!schema.format.is_null()).then(|| unsafe { CStr::from_ptr(schema.format) });
        let text = text.map(CStr::to_string_lossy).unwrap_or_default();
        let format = Format::parse(&text).filter(|format| allowed(*format));
        let Some(format) = format.filter(|_| schema.dictionary.is_null()) else {
            let dictionary = if schema.dictionary.is_null() { "" } else { " with a dictionary" };
            let text: String = text.chars().take(60).collect();
            let found = format!("found the Arrow format \"{text}\"{dictionary}");
            return Err(refused(place, found, names));
        };
        let node = Self { place, format, array, schema };
        node.check()?;
        Ok(node)
    }

    fn check(&self) -> Result<(), Failure> {
        let array = self.array;
        let buffers = match self.format {
            Format::Struct => 1,
            _ => 2,
        };
        for (what, number, most) in [
            ("length", array.length, LONGEST),
            ("offset", array.offset, LONGEST),
            ("n_buffers", array.n_buffers, 1 << 20),
            ("n_children", array.n_children, 1 << 20),
        ] {
            if !(0..=most).contains(&number) {
                let place = format!("{}.{what}", self.place);
                return Err(refused(place, format!("found {number}"), format!("0 to {most}")));
            }
        }
        if array.null_count < -1 || array.null_count > array.length {
            let found = format!("found {}", array.null_count);
            return Err(refused(format!("{}.null_count", self.place), found, "-1 to the length"));
        }
        let misplaced = array.buffers.is_null() || !array.buffers.is_aligned();
        if array.n_buffers != buffers || misplaced {
            let found = format!("found {} buffers", array.n_buffers);
            return Err(refused(self.place.clone(), found, format!("{buffers}, as its type has")));
        }
        let children = match self.format {
            Format::Struct => self.schema.n_children,
            Format::List | Format::LargeList => 1,
            _ => 0,
        };
        if array.n_children != children || self.schema.n_children != children {
            let (found, schema) = (array.n_children, self.schema.n_children);
            let found = format!("found {found} children, and {schema} in its schema");
            return Err(refused(self.place.clone(), found, "as many as its type has"));
        }
        let misplaced = [
            array.children.is_null() || !array.children.is_aligned(),
            self.schema.children.is_null() || !self.schema.children.is_aligned(),
        ];
        if children > 0 && misplaced.contains(&true) {
            let found = "found NULL or a misaligned pointer for its children";
            return Err(refused(self.place.clone(), found, "pointers"));
        }
        if array.null_count > 0 && self.buffer(0).is_null() {
            let found = format!("found {} nulls and no bitmap of them", array.null_count);
            return Err(refused(self.place.clone(), found, "a bitmap"));
        }
        Ok(())
    }

    /// The number of entries.
    pub(super) const fn length(&self) -> usize {
        self.array.length as usize
    }

    /// How many entries of the buffers come before the first.
    pub(super) const fn offset(&self) -> usize {
        self.array.offset as usize
    }

    /// The children, each with its schema.
    fn children(&self) -> Result<Vec<(&'a ArrowArray, &'a ArrowSchema)>, Failure> {
        let mut children = Vec::new();
        for at in 0..self.array.n_children as usize {
            // SAFETY: both lists are not NULL and have so many entries, as `check` has seen.
            let (array, schema) =
                unsafe { (*self.array.children.add(at), *self.schema.children.add(at)) };
            for misfit in
                [array.is_null() || !array.is_aligned(), schema.is_null() || !schema.is_aligned()]
            {
                if misfit {
                    let place = format!("{}.children[{at}]", self.place);
                    return Err(refused(place, "found NULL or a misaligned pointer", "a pointer"));
                }
            }
            // SAFETY: not NULL and aligned; a parent that is not released has its children.
            children.push(unsafe { (&*array, &*schema) });
        }
        Ok(children)
    }

    /// The child of a list.
    pub(super) fn item(&self) -> Result<(&'a ArrowArray, &'a ArrowSchema), Failure> {
        self.children()?
            .first()
            .copied()
            .ok_or_else(|| refused(self.place.clone(), "found no child", "one"))
    }

    /// The field of a struct that has this name, `place` being its place; none where there is none.
    pub(super) fn field(
        &self,
        name: &str,
        place: &str,
    ) -> Result<Option<(&'a ArrowArray, &'a ArrowSchema)>, Failure> {
        let mut found = None;
        for child in self.children()? {
            if child.1.is_released() || child.1.name.is_null() {
                continue;
            }
            // SAFETY: a schema that is not released has its name as text that ends with a NUL.
            let own = unsafe { CStr::from_ptr(child.1.name) };
            if own.to_bytes() == name.as_bytes() && found.replace(child).is_some() {
                return Err(refused(place, "found two columns of this name", "one"));
            }
        }
        Ok(found)
    }

    fn buffer(&self, at: usize) -> *const c_void {
        // SAFETY: the list is not NULL and has as many entries as the type has buffers, as `check` has
        // seen.
        unsafe { *self.array.buffers.add(at) }
    }

    /// Refuses entries beyond the length.
    pub(super) fn check_range(&self, start: usize, count: usize) -> Result<(), Failure> {
        match start.checked_add(count) {
            Some(end) if end <= self.length() => Ok(()),
            _ => {
                let found = format!("found {} entries", self.length());
                let allowed = format!("at least {}", start.saturating_add(count));
                Err(refused(self.place.clone(), found, allowed))
            }
        }
    }

    /// The address of an entry in the second buffer, where so many of `T` are.
    fn values<T>(&self, start: usize) -> Result<*const T, Failure> {
        let buffer = self.buffer(1).cast::<T>();
        if buffer.is_null() {
            return Err(refused(self.place.clone(), "found NULL for its buffer", "a pointer"));
        }
        // Offsets and lengths are below `LONGEST`, so this stays within memory's range.
        Ok(buffer.wrapping_add(self.offset() + start))
    }

    /// Entries as they lie in the buffer. The rows have been checked with [`Node::check_range`].
    ///
    /// # Safety
    /// The buffer has entries of `T`, which stay for `'s`.
    pub(super) unsafe fn slice<'s, T>(
        &self,
        start: usize,
        count: usize,
    ) -> Result<&'s [T], Failure> {
        if count == 0 {
            return Ok(&[]);
        }
        let values = self.values::<T>(start)?;
        if !values.is_aligned() {
            let allowed = format!("an address that is a multiple of {}", align_of::<T>());
            return Err(refused(self.place.clone(), "found a misaligned buffer", allowed));
        }
        // SAFETY: not NULL, aligned, within the length; the producer has so many entries there.
        Ok(unsafe { std::slice::from_raw_parts(values, count) })
    }

    /// Entries of 16 bytes, which need not be aligned to that.
    ///
    /// # Safety
    /// The buffer has such entries.
    pub(super) unsafe fn wide(
        &self,
        start: usize,
        count: usize,
    ) -> Result<impl ExactSizeIterator<Item = i128> + use<>, Failure> {
        let values = if count == 0 { std::ptr::null() } else { self.values::<i128>(start)? };
        // SAFETY: not NULL, within the length; the producer has so many entries there.
        Ok((0..count).map(move |at| unsafe { values.add(at).read_unaligned() }))
    }

    /// Whether each of some entries is there; nothing where all are. The rows have been checked.
    pub(super) fn present(
        &self,
        start: usize,
        count: usize,
    ) -> Option<impl Fn(usize) -> bool + use<>> {
        let bitmap = self.buffer(0).cast::<u8>();
        if bitmap.is_null() || self.array.null_count == 0 || count == 0 {
            return None;
        }
        let first = self.offset() + start;
        let bit = move |at: usize| {
            let at = first + at;
            // SAFETY: not NULL, within the length; the producer has a bit for each entry there.
            unsafe { *bitmap.add(at / 8) >> (at % 8) & 1 == 1 }
        };
        (0..count).any(|at| !bit(at)).then_some(bit)
    }

    /// Refuses nulls.
    pub(super) fn all_present(&self, start: usize, count: usize) -> Result<(), Failure> {
        let Some(present) = self.present(start, count) else { return Ok(()) };
        let row = (0..count).find(|at| !present(*at)).unwrap_or(0);
        Err(refused(format!("{}[{row}]", self.place), "found null", "a value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_arrows_strings() {
        for (text, format) in [
            ("L", Some(Format::UInt64)),
            ("d:38,5", Some(Format::Decimal128(5))),
            ("d:19,5,128", Some(Format::Decimal128(5))),
            ("d:38,5,256", None),
            ("d:0,5", None),
            ("d:38", None),
            ("d:38,-2", None),
            ("d:1,2,128,9", None),
            ("tss:", Some(Format::Timestamp(1))),
            ("tsu:UTC", Some(Format::Timestamp(1_000_000))),
            ("tdD", None),
            ("+vl", None),
            ("u", None),
            ("", None),
        ] {
            assert_eq!(Format::parse(text), format, "{text}");
        }
    }
}
