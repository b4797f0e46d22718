//! Arrays for others: each owns what its buffers are in, and is freed by its own release callback.

use std::any::Any;
use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, null, null_mut};
use std::sync::Arc;

use super::{ArrowArray, ArrowSchema, Releasable};
use crate::border::{Failure, c_text, refused, value_or};

/// Money and stored credit: 64-bit counts of 0.00001 have up to 19 digits.
const DECIMAL: &str = "d:19,5";
const NULLABLE: i64 = 2;

/// What keeps buffers where they are.
pub(super) type Keeper = Arc<dyn Any + Send + Sync>;

/// A column on its way out.
pub(super) struct Outgoing {
    name: &'static str,
    format: &'static str,
    length: usize,
    null_count: usize,
    nullable: bool,
    buffers: Vec<*const c_void>,
    keepers: Vec<Keeper>,
    children: Vec<Outgoing>,
    dictionary: Option<Box<Outgoing>>,
}

/// Numbers of a type that Arrow knows.
pub(super) trait Primitive: Copy + Send + Sync + 'static {
    const FORMAT: &'static str;
}
impl Primitive for u32 {
    const FORMAT: &'static str = "I";
}
impl Primitive for i32 {
    const FORMAT: &'static str = "i";
}
impl Primitive for u64 {
    const FORMAT: &'static str = "L";
}
impl Primitive for i64 {
    const FORMAT: &'static str = "l";
}
impl Primitive for f64 {
    const FORMAT: &'static str = "g";
}

impl Outgoing {
    fn of(name: &'static str, format: &'static str, length: usize) -> Self {
        Self {
            name,
            format,
            length,
            null_count: 0,
            nullable: false,
            // The bitmap of nulls, of which there are none.
            buffers: vec![null()],
            keepers: Vec::new(),
            children: Vec::new(),
            dictionary: None,
        }
    }

    fn with_buffer<T: Send + Sync + 'static>(mut self, values: Vec<T>) -> Self {
        let values = Arc::new(values);
        self.buffers.push(values.as_ptr().cast());
        self.keepers.push(values);
        self
    }

    /// Numbers of the column's own.
    pub(super) fn numbers<T: Primitive>(name: &'static str, values: Vec<T>) -> Self {
        Self::of(name, T::FORMAT, values.len()).with_buffer(values)
    }

    /// Numbers as they lie, where `keeper` keeps them.
    pub(super) fn shared<T: Primitive>(name: &'static str, values: &[T], keeper: &Keeper) -> Self {
        let mut column = Self::of(name, T::FORMAT, values.len());
        column.buffers.push(values.as_ptr().cast());
        column.keepers.push(Arc::clone(keeper));
        column
    }

    /// Counts of 0.00001.
    pub(super) fn decimals<T: Copy + Into<i128>>(name: &'static str, units: &[T]) -> Self {
        let values: Vec<i128> = units.iter().map(|units| (*units).into()).collect();
        Self::of(name, DECIMAL, values.len()).with_buffer(values)
    }

    /// Ids, 0 being null.
    pub(super) fn nullable_ids(name: &'static str, ids: &[u64]) -> Self {
        let mut bitmap = vec![0_u8; ids.len().div_ceil(8)];
        for (byte, ids) in bitmap.iter_mut().zip(ids.chunks(8)) {
            for (bit, id) in ids.iter().enumerate() {
                *byte |= u8::from(*id != 0) << bit;
            }
        }
        let mut column = Self::numbers(name, ids.to_vec());
        column.nullable = true;
        column.null_count = ids.iter().filter(|id| **id == 0).count();
        let bitmap = Arc::new(bitmap);
        if let Some(first) = column.buffers.first_mut() {
            *first = bitmap.as_ptr().cast();
        }
        column.keepers.push(bitmap);
        column
    }

    /// Texts by their places among a few.
    pub(super) fn texts(name: &'static str, places: Vec<i32>, texts: &[&str]) -> Self {
        let mut offsets = vec![0_i32];
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(text.as_bytes());
            // Names of models and scopes, some hundred bytes each.
            offsets.push(bytes.len() as i32);
        }
        let dictionary = Self::of("", "u", texts.len()).with_buffer(offsets).with_buffer(bytes);
        let mut column = Self::numbers(name, places);
        column.dictionary = Some(Box::new(dictionary));
        column
    }

    /// Lists, cut by offsets of which there is one more than there are lists.
    pub(super) fn lists(name: &'static str, offsets: Vec<i64>, mut item: Self) -> Self {
        item.name = "item";
        let mut column = Self::of(name, "+L", offsets.len().saturating_sub(1)).with_buffer(offsets);
        column.children.push(item);
        column
    }

    /// Rows of these columns.
    pub(super) fn rows(length: usize, children: Vec<Self>) -> Self {
        Self { children, ..Self::of("", "+s", length) }
    }

    /// No rows of a type, which may be one that is not understood: as many children as it says, down to the
    /// columns of lists of structs, which is as far as anyone looks.
    pub(super) fn nothing_of(schema: &ArrowSchema) -> Result<Self, Failure> {
        const DEEPEST: usize = 3;
        /// No table has more columns; a hostile schema may name one child again and again.
        const MOST: usize = 10_000;
        fn nothing(
            schema: &ArrowSchema,
            depth: usize,
            left: &mut usize,
        ) -> Result<Outgoing, Failure> {
            let mut column = Outgoing::of("", "", 0);
            // What is released says nothing; whoever looks at it refuses it.
            let live = !schema.is_released();
            // SAFETY: a schema that is not released has its format as text that ends with a NUL, or NULL.
            let format = (live && !schema.format.is_null())
                .then(|| unsafe { CStr::from_ptr(schema.format) });
            if format != Some(c"+s") {
                column.buffers.push(null());
            }
            let some =
                live && depth > 0 && !schema.children.is_null() && schema.children.is_aligned();
            let children = if some { usize::try_from(schema.n_children).unwrap_or(0) } else { 0 };
            *left = left.checked_sub(children).ok_or_else(|| {
                let found = format!("found {} columns and more before", schema.n_children);
                refused("schema", found, format!("at most {MOST} columns in all"))
            })?;
            for at in 0..children {
                // SAFETY: a schema has as many children as it says.
                let child = unsafe { *schema.children.add(at) };
                if child.is_null() || !child.is_aligned() {
                    let place = format!("schema.children[{at}]");
                    return Err(refused(place, "found NULL or a misaligned pointer", "a pointer"));
                }
                // SAFETY: not NULL and aligned; a parent that is not released has its children.
                column.children.push(nothing(unsafe { &*child }, depth - 1, left)?);
            }
            Ok(column)
        }
        nothing(schema, DEEPEST, &mut { MOST })
    }

    /// The type.
    pub(super) fn schema(&self) -> ArrowSchema {
        let children: Vec<*mut ArrowSchema> =
            self.children.iter().map(|child| Box::into_raw(Box::new(child.schema()))).collect();
        let dictionary =
            self.dictionary.as_ref().map(|values| Box::into_raw(Box::new(values.schema())));
        let mut own = Box::new(OwnSchema {
            format: c_text(self.format),
            name: c_text(self.name),
            children,
            dictionary,
        });
        ArrowSchema {
            format: own.format.as_ptr(),
            name: own.name.as_ptr(),
            metadata: null(),
            flags: if self.nullable { NULLABLE } else { 0 },
            n_children: own.children.len() as i64,
            children: own.children.as_mut_ptr(),
            dictionary: dictionary.unwrap_or(null_mut()),
            release: Some(release_schema),
            private_data: Box::into_raw(own).cast(),
        }
    }

    /// The array.
    pub(super) fn array(self) -> ArrowArray {
        let children: Vec<*mut ArrowArray> =
            self.children.into_iter().map(|child| Box::into_raw(Box::new(child.array()))).collect();
        let dictionary = self.dictionary.map(|values| Box::into_raw(Box::new(values.array())));
        let mut own = Box::new(OwnArray {
            buffers: self.buffers,
            children,
            dictionary,
            _keepers: self.keepers,
        });
        ArrowArray {
            length: self.length as i64,
            null_count: self.null_count as i64,
            offset: 0,
            n_buffers: own.buffers.len() as i64,
            n_children: own.children.len() as i64,
            buffers: own.buffers.as_mut_ptr(),
            children: own.children.as_mut_ptr(),
            dictionary: dictionary.unwrap_or(null_mut()),
            release: Some(release_array),
            private_data: Box::into_raw(own).cast(),
        }
    }
}

/// What a schema from here owns. Its children are released with it, unless they were moved away.
struct OwnSchema {
    format: CString,
    name: CString,
    children: Vec<*mut ArrowSchema>,
    dictionary: Option<*mut ArrowSchema>,
}

/// What an array from here owns. Its children are released with it, unless they were moved away.
struct OwnArray {
    buffers: Vec<*const c_void>,
    children: Vec<*mut ArrowArray>,
    dictionary: Option<*mut ArrowArray>,
    _keepers: Vec<Keeper>,
}

impl Drop for OwnSchema {
    fn drop(&mut self) {
        for child in self.children.drain(..).chain(self.dictionary.take()) {
            // SAFETY: made by `Outgoing::schema` and given back once; dropping it releases it, unless it was
            // moved away.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

impl Drop for OwnArray {
    fn drop(&mut self) {
        for child in self.children.drain(..).chain(self.dictionary.take()) {
            // SAFETY: made by `Outgoing::array` and given back once; dropping it releases it, unless it was
            // moved away.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    value_or((), || {
        // SAFETY: Arrow has a schema be released once, by itself.
        unsafe {
            let own = ptr::replace(&raw mut (*schema).private_data, null_mut());
            (*schema).release = None;
            if !own.is_null() {
                drop(Box::from_raw(own.cast::<OwnSchema>()));
            }
        }
        Ok(())
    });
}

unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    value_or((), || {
        // SAFETY: Arrow has an array be released once, by itself.
        unsafe {
            let own = ptr::replace(&raw mut (*array).private_data, null_mut());
            (*array).release = None;
            if !own.is_null() {
                drop(Box::from_raw(own.cast::<OwnArray>()));
            }
        }
        Ok(())
    });
}
