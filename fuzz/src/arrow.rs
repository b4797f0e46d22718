//! Arrow arrays, schemas and streams of a producer that keeps its buffers' promises and no other.
//!
//! A [`Field`] says what an array and its schema tell. Buffers have exactly the entries that the array
//! tells, where that is a number that can be; a consumer has to refuse every other before it reads.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use attribution::arrow::{ArrowArray, ArrowArrayStream, ArrowSchema};

use crate::memory::Memory;

/// Numbers up to this are kept: so many entries are there.
pub const MOST: i64 = 1_024;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// How many arrays, schemas and streams of this module were not released yet.
pub fn live() -> i64 {
    LIVE.get()
}

/// A column, as an array and its schema tell of it.
#[derive(Debug, Clone, Default)]
pub struct Field {
    pub name: Option<&'static str>,
    pub format: &'static str,
    /// Entries from the first that counts on; offsets for lists, of which there is one more.
    pub values: Vec<i128>,
    pub children: Vec<Field>,
    pub length: i64,
    pub offset: i64,
    pub null_count: i64,
    /// Which entries are there, over and over.
    pub bitmap: Option<u8>,
    pub null_buffers: u8,
    pub misaligned: bool,
    pub array: Told,
    pub schema: Told,
}

/// What an array or a schema tells beside that.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Another number of children than there are.
    pub n_children: Option<i64>,
    /// Another number of buffers than there are.
    pub n_buffers: Option<i64>,
    pub null_lists: bool,
    pub null_child: bool,
    pub misaligned_child: bool,
    pub released: bool,
    pub dictionary: bool,
}

fn width(format: &str) -> usize {
    match format {
        "i" | "I" | "+l" => 4,
        "l" | "L" | "+L" => 8,
        _ if format.starts_with("ts") => 8,
        _ => 16,
    }
}

/// How many entries a buffer has, for what an array tells.
fn kept(number: i64) -> usize {
    if (0..=MOST).contains(&number) { number as usize } else { 0 }
}

impl Field {
    /// A column of numbers.
    pub fn numbers(name: &'static str, format: &'static str, values: Vec<i128>) -> Self {
        let length = values.len() as i64;
        Self { name: Some(name), format, values, length, ..Self::default() }
    }

    /// Rows of other columns.
    pub fn rows(length: usize, children: Vec<Self>) -> Self {
        Self { format: "+s", length: length as i64, children, ..Self::default() }
    }

    /// Lists of an item.
    pub fn lists(name: &'static str, format: &'static str, offsets: Vec<i128>, item: Self) -> Self {
        let length = offsets.len() as i64 - 1;
        Self { length, children: vec![item], ..Self::numbers(name, format, offsets) }
    }

    /// Itself and the columns within it.
    pub fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// One of those.
    pub fn at(&mut self, mut place: usize) -> &mut Self {
        if place == 0 {
            return self;
        }
        place -= 1;
        for child in &mut self.children {
            let count = child.count();
            if place < count {
                return child.at(place);
            }
            place -= count;
        }
        unreachable!("a place below the count")
    }

    /// Has the entries of another schema's types.
    pub fn adopt_formats(&mut self, other: &Self) {
        self.format = other.format;
        for (own, other) in self.children.iter_mut().zip(&other.children) {
            own.adopt_formats(other);
        }
    }

    /// How far its values are from an address that is aligned.
    fn shift(&self) -> usize {
        usize::from(self.misaligned && !self.is_struct())
    }

    fn is_struct(&self) -> bool {
        self.format == "+s"
    }

    /// The buffers: of nulls, and of values.
    fn memory(&self) -> [Memory; 2] {
        let before = kept(self.offset);
        let lists = usize::from(matches!(self.format, "+l" | "+L"));
        let entries = before + kept(self.length) + lists;
        let mut nulls = Memory::zeros((before + kept(self.length)).div_ceil(8));
        nulls.bytes().fill(self.bitmap.unwrap_or(0));
        let width = width(self.format);
        let shift = self.shift();
        let mut values = Memory::zeros(if self.is_struct() { 0 } else { entries * width + shift });
        // What comes before the first entry is rubbish.
        values.bytes().fill(0xa5);
        for (at, place) in values.bytes()[shift..].chunks_exact_mut(width).skip(before).enumerate()
        {
            let value = self.values.get(at).copied().unwrap_or(0);
            place.copy_from_slice(&value.to_le_bytes()[..width]);
        }
        [nulls, values]
    }

    /// An array to hand over.
    pub fn array(&self) -> ArrowArray {
        let memory = self.memory();
        let children: Vec<*mut ArrowArray> =
            self.children.iter().map(|child| Box::into_raw(Box::new(child.array()))).collect();
        let dictionary =
            self.array.dictionary.then(|| Box::into_raw(Box::new(dictionary().array())));
        let shift = self.shift();
        let nulls = if self.bitmap.is_some() { memory[0].address().cast_const() } else { null() };
        let mut buffers = vec![nulls.cast::<c_void>()];
        if !self.is_struct() {
            buffers.push(memory[1].address().wrapping_add(shift).cast());
        }
        for (bit, buffer) in buffers.iter_mut().enumerate() {
            if self.null_buffers >> bit & 1 == 1 {
                *buffer = null();
            }
        }
        let n_buffers = self.array.n_buffers.unwrap_or(buffers.len() as i64);
        // A small number is kept here, too.
        buffers.resize(buffers.len().max(kept(n_buffers)), null());
        let told = listed(&children, &self.array);
        let mut own = Box::new(Own { children, dictionary, told, buffers, _memory: memory });
        let lists_null = self.array.null_lists;
        let mut array = ArrowArray {
            length: self.length,
            null_count: self.null_count,
            offset: self.offset,
            n_buffers,
            n_children: self.array.n_children.unwrap_or(own.children.len() as i64),
            buffers: if lists_null { null_mut() } else { own.buffers.as_mut_ptr() },
            children: if lists_null { null_mut() } else { own.told.as_mut_ptr() },
            dictionary: dictionary.unwrap_or(null_mut()),
            release: Some(release_array),
            private_data: Box::into_raw(own).cast(),
        };
        LIVE.set(LIVE.get() + 1);
        if self.array.released {
            // SAFETY: made above and released once: this takes the callback away.
            unsafe { release_array(&raw mut array) };
        }
        array
    }

    /// Its schema, to hand over.
    pub fn schema(&self) -> ArrowSchema {
        let children: Vec<*mut ArrowSchema> =
            self.children.iter().map(|child| Box::into_raw(Box::new(child.schema()))).collect();
        let dictionary =
            self.schema.dictionary.then(|| Box::into_raw(Box::new(dictionary().schema())));
        let told = listed(&children, &self.schema);
        let mut own = Box::new(OwnSchema {
            format: CString::new(self.format).expect("no NUL"),
            name: CString::new(self.name.unwrap_or_default()).expect("no NUL"),
            lists: Own { children, dictionary, told, buffers: Vec::new(), _memory: [] },
        });
        let mut schema = ArrowSchema {
            format: own.format.as_ptr(),
            name: if self.name.is_some() { own.name.as_ptr() } else { null() },
            metadata: null(),
            flags: 2,
            n_children: self.schema.n_children.unwrap_or(own.lists.children.len() as i64),
            children: if self.schema.null_lists { null_mut() } else { own.lists.told.as_mut_ptr() },
            dictionary: dictionary.unwrap_or(null_mut()),
            release: Some(release_schema),
            private_data: Box::into_raw(own).cast(),
        };
        LIVE.set(LIVE.get() + 1);
        if self.schema.released {
            // SAFETY: made above and released once: this takes the callback away.
            unsafe { release_schema(&raw mut schema) };
        }
        schema
    }
}

fn dictionary() -> Field {
    Field::numbers("", "L", vec![1, 2])
}

/// The children as they are told, of which there are as many as the number says, where it is small.
fn listed<T>(children: &[*mut T], told: &Told) -> Vec<*mut T> {
    let mut list = children.to_vec();
    list.resize(list.len().max(kept(told.n_children.unwrap_or(0))), null_mut());
    if told.null_child
        && let Some(child) = list.last_mut()
    {
        *child = null_mut();
    }
    if told.misaligned_child
        && let Some(child) = list.first_mut()
    {
        *child = child.wrapping_byte_add(1);
    }
    list
}

/// What an array or the lists of a schema are in. Its children are released with it, unless they were
/// moved away.
struct Own<T, const BUFFERS: usize> {
    children: Vec<*mut T>,
    dictionary: Option<*mut T>,
    told: Vec<*mut T>,
    buffers: Vec<*const c_void>,
    _memory: [Memory; BUFFERS],
}

struct OwnSchema {
    format: CString,
    name: CString,
    lists: Own<ArrowSchema, 0>,
}

impl<T, const BUFFERS: usize> Drop for Own<T, BUFFERS> {
    fn drop(&mut self) {
        for child in self.children.drain(..).chain(self.dictionary.take()) {
            // SAFETY: boxed in this module and given back once; dropping it releases it.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

/// # Safety
/// `private_data` is a box of `T` from this module.
unsafe fn released<T>(private_data: &mut *mut c_void) {
    let own = std::mem::replace(private_data, null_mut());
    assert!(!own.is_null(), "released twice");
    // SAFETY: the caller's promise; it is gone from there.
    drop(unsafe { Box::from_raw(own.cast::<T>()) });
    LIVE.set(LIVE.get() - 1);
}

unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    // SAFETY: Arrow has an array be released by itself.
    unsafe {
        (*array).release = None;
        released::<Own<ArrowArray, 2>>(&mut (*array).private_data);
    }
}

unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    // SAFETY: Arrow has a schema be released by itself.
    unsafe {
        (*schema).release = None;
        released::<OwnSchema>(&mut (*schema).private_data);
    }
}

/// What a stream gives.
#[derive(Debug, Default)]
pub struct Stream {
    pub schema: Field,
    pub arrays: Vec<Field>,
    /// The call that fails, 0 being that for the schema.
    pub fails: Option<usize>,
    pub error: Option<CString>,
    pub lacks: u8,
    /// Calls so far.
    pub calls: usize,
}

impl Stream {
    /// A stream to hand over.
    pub fn stream(self) -> ArrowArrayStream {
        let lacks = self.lacks;
        LIVE.set(LIVE.get() + 1);
        ArrowArrayStream {
            get_schema: (lacks & 1 == 0).then_some(get_schema as _),
            get_next: (lacks & 2 == 0).then_some(get_next as _),
            get_last_error: (lacks & 4 == 0).then_some(get_last_error as _),
            release: Some(release_stream),
            private_data: Box::into_raw(Box::new(self)).cast(),
        }
    }
}

/// # Safety
/// The stream is one from this module that is not released.
unsafe fn call<'a>(stream: *mut ArrowArrayStream) -> (&'a mut Stream, bool) {
    // SAFETY: the caller's promise.
    let own = unsafe { (*stream).private_data.cast::<Stream>().as_mut() };
    let own = own.expect("a stream that is not released");
    let fails = own.fails == Some(own.calls);
    own.calls += 1;
    (own, fails)
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    // SAFETY: Arrow's promise.
    unsafe {
        let (own, fails) = call(stream);
        if fails {
            return 5;
        }
        out.write(own.schema.schema());
    }
    0
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    // SAFETY: Arrow's promise; zeros are an array that is released.
    unsafe {
        let (own, fails) = call(stream);
        if fails {
            return 22;
        }
        let array = own.arrays.get(own.calls - 2).map(Field::array);
        out.write(array.unwrap_or_else(|| std::mem::zeroed()));
    }
    0
}

unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
    // SAFETY: Arrow's promise.
    let own = unsafe { (*stream).private_data.cast::<Stream>().as_ref() };
    let own = own.expect("a stream that is not released");
    own.error.as_ref().map_or(null(), |error| error.as_ptr())
}

unsafe extern "C" fn release_stream(stream: *mut ArrowArrayStream) {
    // SAFETY: Arrow has a stream be released by itself.
    unsafe {
        (*stream).release = None;
        released::<Stream>(&mut (*stream).private_data);
    }
}

/// Reads all that an array of the library's has, so that the sanitizer sees what is not there. Gives the
/// number of entries that were read.
///
/// # Safety
/// The array and its schema are the library's, and not released.
pub unsafe fn walk(array: &ArrowArray, schema: &ArrowSchema) -> usize {
    assert!(array.release.is_some() && schema.release.is_some());
    assert_eq!(array.n_children, schema.n_children);
    assert_eq!(array.dictionary.is_null(), schema.dictionary.is_null());
    // SAFETY: Arrow's promise of what a producer's structs have.
    unsafe {
        let format = std::ffi::CStr::from_ptr(schema.format).to_str().expect("a format");
        assert!(std::ffi::CStr::from_ptr(schema.name).to_str().is_ok());
        let length = array.length as usize;
        let buffers = std::slice::from_raw_parts(array.buffers, array.n_buffers as usize);
        let sum = |buffer: *const c_void, bytes: usize| {
            let bytes: &[u8] = if bytes == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(buffer.cast::<u8>(), bytes)
            };
            std::hint::black_box(bytes.iter().fold(0_u8, |sum, byte| sum ^ byte));
        };
        if !buffers[0].is_null() {
            sum(buffers[0], length.div_ceil(8));
            let bits = std::slice::from_raw_parts(buffers[0].cast::<u8>(), length.div_ceil(8));
            let nulls = (0..length).filter(|at| bits[at / 8] >> (at % 8) & 1 == 0).count();
            assert_eq!(nulls as i64, array.null_count);
        } else {
            assert_eq!(array.null_count, 0);
        }
        match format {
            "+s" => assert_eq!(buffers.len(), 1),
            "u" => {
                let offsets = std::slice::from_raw_parts(buffers[1].cast::<i32>(), length + 1);
                sum(buffers[2], offsets[length] as usize);
            }
            "+L" => sum(buffers[1], (length + 1) * 8),
            "g" => sum(buffers[1], length * 8),
            _ => sum(buffers[1], length * width(format)),
        }
        let mut walked = length;
        for at in 0..array.n_children as usize {
            walked += walk(&**array.children.add(at), &**schema.children.add(at));
        }
        if !array.dictionary.is_null() {
            walked += walk(&*array.dictionary, &*schema.dictionary);
        }
        walked
    }
}
