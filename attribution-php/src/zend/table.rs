//! PHP's arrays, read and written without a call per entry.
//!
//! Since PHP 8.2 an array without string keys is a plain run of values (packed), any other a run of buckets
//! behind a hash; a deleted entry stays in its run as an undefined value.

use std::alloc::Layout;
use std::cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;

use ext_php_rs::alloc::emalloc;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::ffi::{
    _Bucket, _zend_new_array, GC_FLAGS_SHIFT, GC_IMMUTABLE, IS_ARRAY, IS_ARRAY_EX, IS_DOUBLE,
    IS_FALSE, IS_INDIRECT, IS_INTERNED_STRING_EX, IS_LONG, IS_NULL, IS_OBJECT_EX, IS_REFERENCE,
    IS_STRING, IS_STRING_EX, IS_TRUE, IS_UNDEF, zend_hash_find_known_hash,
    zend_hash_next_index_insert, zend_hash_update, zend_string, zval,
};
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendClassObject, ZendHashTable, ZendObject, Zval};

use super::globals::{Stop, poll};
use super::text::{Key, new_string};

/// An array that was made.
pub(crate) type Made = ZBox<ZendHashTable>;

/// For so many values at most room is asked for at once; beyond, PHP makes more as it is needed.
const MOST_AT_ONCE: usize = 1 << 18;

/// The flags of a table that is packed, and of one that has no run yet.
const PACKED: u32 = 1 << 2;
const UNINITIALIZED: u32 = 1 << 3;

/// A value by its type, references followed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a [u8]),
    Table(Table<'a>),
    /// An object or a resource.
    Other(&'a Zval),
}

/// What a value is.
#[inline]
pub(crate) fn value_of(value: &Zval) -> Value<'_> {
    // SAFETY: the type says which part of the union is valid.
    unsafe {
        match u32::from(value.u1.v.type_) {
            IS_LONG => Value::Int(value.value.lval),
            IS_DOUBLE => Value::Float(value.value.dval),
            IS_STRING => Value::Text(value.value.str_.as_ref().map_or(&[], |text| text.as_bytes())),
            IS_ARRAY => match value.value.arr.as_ref() {
                Some(table) => Value::Table(Table(table)),
                None => Value::Null,
            },
            IS_NULL | IS_UNDEF => Value::Null,
            IS_FALSE => Value::Bool(false),
            IS_TRUE => Value::Bool(true),
            IS_REFERENCE => match value.value.ref_.as_ref() {
                Some(reference) => value_of(&reference.val),
                None => Value::Null,
            },
            IS_INDIRECT => match value.value.zv.as_ref() {
                Some(value) => value_of(value),
                None => Value::Null,
            },
            _ => Value::Other(value),
        }
    }
}

#[inline]
fn is_undefined(value: &Zval) -> bool {
    // SAFETY: the type is always there.
    u32::from(unsafe { value.u1.v.type_ }) == IS_UNDEF
}

/// A share in a value, references followed: it stays as it is, whatever PHP's code does to what it was taken from.
pub(crate) fn share(value: &Zval) -> Zval {
    value.dereference().shallow_clone()
}

/// An array of PHP's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a>(pub(crate) &'a ZendHashTable);

/// The key of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKey<'a> {
    Index(i64),
    Name(&'a [u8]),
}

impl<'a> Table<'a> {
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.0.nNumOfElements as usize
    }

    #[inline]
    fn is_packed(self) -> bool {
        // SAFETY: all of the union's parts are the same number.
        unsafe { self.0.u.flags & PACKED != 0 }
    }

    /// The run of a packed array; None for another.
    #[inline]
    fn packed(self) -> Option<&'a [Zval]> {
        let used = self.0.nNumUsed as usize;
        if used == 0 {
            return self.is_packed().then_some(&[]);
        }
        // SAFETY: a packed table's run has as many values as are used.
        self.is_packed().then(|| unsafe {
            std::slice::from_raw_parts(self.0.__bindgen_anon_1.arPacked.cast_const(), used)
        })
    }

    /// The run of an array that is not packed; empty for one that is.
    #[inline]
    fn buckets(self) -> &'a [_Bucket] {
        let used = self.0.nNumUsed as usize;
        if used == 0 || self.is_packed() {
            return &[];
        }
        // SAFETY: a table's run has as many buckets as are used.
        unsafe { std::slice::from_raw_parts(self.0.__bindgen_anon_1.arData.cast_const(), used) }
    }

    /// The value of a field. `slot` is where the last table had it, which is where the next has it, too, as
    /// rows of one list mostly have the same keys in the same order.
    #[inline]
    pub(crate) fn field(self, field: &Field) -> Option<&'a Zval> {
        let buckets = self.buckets();
        let string = field.key.string();
        if let Some(bucket) = buckets.get(field.slot.get() as usize)
            && (bucket.key == string || same_text(bucket.key, string))
            && !is_undefined(&bucket.val)
        {
            return Some(&bucket.val);
        }
        let first = buckets.first()?;
        // SAFETY: the table and the key, which has its hash, are there; what is found is in the table.
        let found = unsafe { zend_hash_find_known_hash(self.0, string).as_ref()? };
        let offset = std::ptr::from_ref(found) as usize - std::ptr::from_ref(&first.val) as usize;
        field.slot.set((offset / size_of::<_Bucket>()) as u32);
        Some(found)
    }

    /// The value of a field that is an integer and where the last table had it: the case of most rows, without
    /// what it takes to tell anything else.
    #[inline(always)]
    pub(crate) fn likely_integer(self, field: &Field) -> Option<i64> {
        let bucket = self.buckets().get(field.slot.get() as usize)?;
        // SAFETY: the type says that it is an integer.
        unsafe {
            (bucket.key == field.key.string() && u32::from(bucket.val.u1.v.type_) == IS_LONG)
                .then_some(bucket.val.value.lval)
        }
    }

    /// The entries in their order.
    pub(crate) fn entries(self) -> impl Iterator<Item = (EntryKey<'a>, &'a Zval)> {
        let packed = self.packed().unwrap_or_default().iter().enumerate();
        let packed = packed.map(|(index, value)| (EntryKey::Index(index as i64), value));
        let hashed = self.buckets().iter().map(|bucket| {
            // SAFETY: a key is a string or NULL.
            let key = match unsafe { bucket.key.as_ref() } {
                Some(name) => EntryKey::Name(name.as_bytes()),
                None => EntryKey::Index(bucket.h as i64),
            };
            (key, &bucket.val)
        });
        packed.chain(hashed).filter(|(_, value)| !is_undefined(value))
    }

    /// The values of a list, whose keys are 0, 1, 2 and so on; else the first key that is out of place.
    pub(crate) fn list(self) -> Result<List<'a>, EntryKey<'a>> {
        if let Some(values) = self.packed() {
            // As many entries as places: none is undefined.
            if values.len() == self.len() {
                return Ok(List::Packed(values));
            }
            return match values.iter().position(is_undefined) {
                // A run can be longer than the list where its end was cut off.
                Some(gap) if gap < self.len() => {
                    let next = values.iter().skip(gap).position(|value| !is_undefined(value));
                    Err(EntryKey::Index((gap + next.unwrap_or(0)) as i64))
                }
                _ => Ok(List::Packed(values.get(..self.len()).unwrap_or(values))),
            };
        }
        for (expected, (key, _)) in self.entries().enumerate() {
            if key != EntryKey::Index(expected as i64) {
                return Err(key);
            }
        }
        Ok(List::Hashed(self.buckets()))
    }
}

/// Whether two strings are the same text; both hashes are known.
#[inline]
fn same_text(one: *mut zend_string, other: *mut zend_string) -> bool {
    // SAFETY: both are strings or NULL.
    match unsafe { (one.as_ref(), other.as_ref()) } {
        (Some(one), Some(other)) => {
            one.h == other.h && one.len == other.len && one.as_bytes() == other.as_bytes()
        }
        _ => false,
    }
}

/// A field of rows that are read one after the other.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: &'static Key,
    slot: cell::Cell<u32>,
}

impl Field {
    pub(crate) const fn new(key: &'static Key) -> Self {
        Self { key, slot: cell::Cell::new(0) }
    }
}

/// The values of a list in their order.
#[derive(Clone, Copy)]
pub(crate) enum List<'a> {
    Packed(&'a [Zval]),
    Hashed(&'a [_Bucket]),
}

impl<'a> List<'a> {
    /// How many values there are at most.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Packed(values) => values.len(),
            Self::Hashed(buckets) => buckets.len(),
        }
    }

    /// The integers of a packed list that has nothing else, and none with a bit of `forbidden`.
    #[inline]
    pub(crate) fn integers(self, forbidden: u64) -> Option<impl ExactSizeIterator<Item = i64>> {
        let Self::Packed(values) = self else { return None };
        // SAFETY: the type is always there, and what is beside it is read as the bits it is.
        let all = values.iter().fold((0, 0), |(types, bits), value| unsafe {
            (types | u32::from(value.u1.v.type_) ^ IS_LONG, bits | value.value.lval as u64)
        });
        // SAFETY: all are integers.
        (all.0 == 0 && all.1 & forbidden == 0)
            .then(|| values.iter().map(|value| unsafe { value.value.lval }))
    }

    /// Hands out the values with their places, up to the first that is refused.
    #[inline]
    pub(crate) fn each<E>(
        self,
        mut take: impl FnMut(usize, &'a Zval) -> Result<(), E>,
    ) -> Result<(), E> {
        // Two loops, for one over both kinds costs more than what most of its rounds do.
        match self {
            Self::Packed(values) => {
                for (place, value) in values.iter().enumerate() {
                    take(place, value)?;
                }
            }
            Self::Hashed(buckets) => {
                let values = buckets.iter().map(|bucket| &bucket.val);
                for (place, value) in values.filter(|value| !is_undefined(value)).enumerate() {
                    take(place, value)?;
                }
            }
        }
        Ok(())
    }
}

unsafe extern "C" {
    fn zend_hash_real_init_packed(table: *mut ZendHashTable);
}

/// A list that is being made, of PHP's memory.
#[derive(Debug)]
pub(crate) struct NewList(ZBox<ZendHashTable>);

impl NewList {
    /// An empty list with room for so many values. More than 2^31 are ended by PHP itself.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        // SAFETY: a new table, which is nobody else's, made packed before it has entries.
        unsafe {
            let table = _zend_new_array(capacity);
            if capacity > 0 {
                zend_hash_real_init_packed(table);
            }
            Self(ZBox::from_raw(table))
        }
    }

    /// Adds a value.
    #[inline]
    pub(crate) fn push(&mut self, value: NewValue) {
        let table = &mut *self.0;
        // SAFETY: a packed run has as many places as the table's size; what is beyond those that are used is
        // free. The table takes over what the value owns.
        unsafe {
            if table.u.flags & UNINITIALIZED == 0 && table.nNumUsed < table.nTableSize {
                let place = table.__bindgen_anon_1.arPacked.add(table.nNumUsed as usize);
                place.cast::<Plain>().write(value.0);
                table.nNumUsed += 1;
                table.nNumOfElements += 1;
                table.nNextFreeElement = i64::from(table.nNumUsed);
            } else {
                let mut value = value.0;
                zend_hash_next_index_insert(table, (&raw mut value).cast());
            }
        }
    }

    /// A list of values, of which as many as are said are expected. Looks now and then whether PHP wants the call to
    /// end, its `memory_limit` being reached, say.
    pub(crate) fn filled(
        expected: usize,
        values: impl Iterator<Item = NewValue>,
    ) -> Result<Self, Stop> {
        const BETWEEN_LOOKS: usize = 16_384;
        let mut list = Self::with_capacity(expected.min(MOST_AT_ONCE));
        for (place, value) in values.enumerate() {
            if place % BETWEEN_LOOKS == 0 {
                poll()?;
            }
            list.push(value);
        }
        Ok(list)
    }

    pub(crate) fn into_made(self) -> Made {
        self.0
    }

    pub(crate) fn into_new_value(self) -> NewValue {
        NewValue::table(self.0.into_raw())
    }
}

/// A value on its way into a table. It owns what it points to and, being written down at once, has no drop.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct NewValue(Plain);

/// A value of PHP's without a drop.
#[repr(C)]
#[derive(Clone, Copy)]
struct Plain {
    value: u64,
    type_info: u32,
    extra: u32,
}

const _: () = assert!(size_of::<Plain>() == size_of::<zval>());

impl NewValue {
    const fn new(value: u64, type_info: u32) -> Self {
        Self(Plain { value, type_info, extra: 0 })
    }

    pub(crate) const NULL: Self = Self::new(0, IS_NULL);

    #[inline]
    pub(crate) const fn int(value: i64) -> Self {
        Self::new(value as u64, IS_LONG)
    }

    #[inline]
    pub(crate) const fn float(value: f64) -> Self {
        Self::new(value.to_bits(), IS_DOUBLE)
    }

    pub(crate) const fn bool(value: bool) -> Self {
        Self::new(0, if value { IS_TRUE } else { IS_FALSE })
    }

    /// A whole number: as a string of digits where it is beyond PHP's integers.
    #[inline]
    pub(crate) fn unsigned(value: u64) -> Self {
        match i64::try_from(value) {
            Ok(value) => Self::int(value),
            Err(_) => Self::text(value.to_string().as_bytes()),
        }
    }

    #[inline]
    pub(crate) fn text(bytes: &[u8]) -> Self {
        let string = new_string(bytes);
        // PHP has the shortest strings once for all, and those count no shares.
        // SAFETY: a string, which has its flags.
        let once = bytes.len() < 2
            && unsafe { (*string).gc.u.type_info } & (GC_IMMUTABLE << GC_FLAGS_SHIFT) != 0;
        Self::new(string as u64, if once { IS_INTERNED_STRING_EX } else { IS_STRING_EX })
    }

    /// A key's own string.
    pub(crate) fn key(key: &'static Key) -> Self {
        Self::new(key.string() as u64, IS_INTERNED_STRING_EX)
    }

    fn table(table: *mut ZendHashTable) -> Self {
        Self::new(table as u64, IS_ARRAY_EX)
    }

    /// An object of a class of this extension.
    pub(crate) fn object<T: RegisteredClass>(object: ZBox<ZendClassObject<T>>) -> Self {
        let object = ZendObject::from_class_object(object).into_raw();
        Self::new(object as u64, IS_OBJECT_EX)
    }
}

/// An array with names as its keys, of PHP's memory.
#[derive(Debug)]
pub(crate) struct NewRow(ZBox<ZendHashTable>);

impl NewRow {
    pub(crate) fn new(capacity: usize) -> Self {
        // SAFETY: a new table, which is nobody else's; its size is only a hint.
        Self(unsafe { ZBox::from_raw(_zend_new_array(u32::try_from(capacity).unwrap_or(0))) })
    }

    /// Sets the value of a key.
    pub(crate) fn set(&mut self, key: &'static Key, value: NewValue) {
        let mut value = value.0;
        // SAFETY: the table takes over what the value owns; the key is there as long as the module.
        unsafe { zend_hash_update(&raw mut *self.0, key.string(), (&raw mut value).cast()) };
    }

    /// Sets the value of a key that is not known beforehand.
    pub(crate) fn set_named(&mut self, name: &[u8], value: NewValue) {
        let mut value = value.0;
        let string = new_string(name);
        // SAFETY: the table takes over what the value owns, and a share in the key.
        unsafe {
            zend_hash_update(&raw mut *self.0, string, (&raw mut value).cast());
            ext_php_rs::ffi::ext_php_rs_zend_string_release(string);
        }
    }

    pub(crate) fn into_made(self) -> Made {
        self.0
    }

    pub(crate) fn into_new_value(self) -> NewValue {
        NewValue::table(self.0.into_raw())
    }
}

/// Rows of the same keys, each a copy of one that was made once.
#[derive(Debug)]
pub(crate) struct Shape<const N: usize> {
    template: ZBox<ZendHashTable>,
    keys: PhantomData<[(); N]>,
}

impl<const N: usize> Shape<N> {
    pub(crate) fn new(keys: [&'static Key; N]) -> Self {
        let mut row = NewRow::new(N);
        for key in keys {
            row.set(key, NewValue::NULL);
        }
        Self { template: row.0, keys: PhantomData }
    }

    /// A row with these values, in the order of the keys.
    #[inline]
    pub(crate) fn row(&self, values: [NewValue; N]) -> NewValue {
        let template = &*self.template;
        // The hash, as many 32-bit places as the mask says when it is negated, stands before the buckets.
        let hash = template.nTableMask.wrapping_neg() as usize * size_of::<u32>();
        let room = hash + template.nTableSize as usize * size_of::<_Bucket>();
        let used = hash + N * size_of::<_Bucket>();
        // SAFETY: a copy of a table of N buckets with its hash, which is nobody else's. Its keys live as long as
        // the module, its values own nothing yet and take over what the new ones own.
        unsafe {
            let table = _zend_new_array(0);
            let data = emalloc(Layout::from_size_align_unchecked(room, align_of::<_Bucket>()));
            let from = template.__bindgen_anon_1.arData.cast::<u8>().sub(hash);
            std::ptr::copy_nonoverlapping(from, data, used);
            // The hash is of a power of two of 4 bytes, 8 at least, and PHP's memory is aligned to 8.
            #[allow(clippy::cast_ptr_alignment)]
            let first = data.add(hash).cast::<_Bucket>();
            (*table).u.flags = template.u.flags;
            (*table).nTableMask = template.nTableMask;
            (*table).__bindgen_anon_1.arData = first;
            (*table).nNumUsed = template.nNumUsed;
            (*table).nNumOfElements = template.nNumOfElements;
            (*table).nTableSize = template.nTableSize;
            (*table).nNextFreeElement = template.nNextFreeElement;
            for (place, value) in values.into_iter().enumerate() {
                // What chains the buckets of one hash stands behind the value, in the same 16 bytes.
                let cell = (&raw mut (*first.add(place)).val).cast::<Plain>();
                (&raw mut (*cell).value).write(value.0.value);
                (&raw mut (*cell).type_info).write(value.0.type_info);
            }
            NewValue::table(table)
        }
    }
}

/// An array that an object keeps and others have a share in. Whoever changes theirs gets a copy, as PHP does it.
#[derive(Debug)]
pub struct Kept(Zval);

impl Kept {
    pub(crate) fn new(table: Made) -> Self {
        let mut value = Zval::new();
        value.set_hashtable(table);
        Self(value)
    }

    /// The array; none where it is not one, which it always is.
    pub(crate) fn table(&self) -> Option<&ZendHashTable> {
        match value_of(&self.0) {
            Value::Table(Table(table)) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> i64 {
        self.table().map_or(0, |table| i64::from(table.nNumOfElements))
    }

    /// A share in the array.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.shallow_clone())
    }

    /// A share in the array as a value of another.
    pub(crate) fn share_value(&self) -> NewValue {
        let share = ManuallyDrop::new(self.share());
        // SAFETY: both are a value of PHP's as it is in memory; the share is now the new one's.
        NewValue(unsafe { std::mem::transmute_copy::<Zval, Plain>(&share.0) })
    }
}

impl IntoZval for Kept {
    const TYPE: DataType = DataType::Array;
    const NULLABLE: bool = false;

    fn set_zval(self, value: &mut Zval, _persistent: bool) -> ext_php_rs::error::Result<()> {
        *value = self.0;
        Ok(())
    }
}
