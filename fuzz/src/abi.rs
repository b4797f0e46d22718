//! Handles of the C ABI, freed when they are dropped.

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use attribution::batch::{attribution_batch, attribution_batch_free};
use attribution::calculate::attribution_engine_options;
use attribution::error::{
    attribution_error, attribution_error_code, attribution_error_defect, attribution_error_defects,
    attribution_error_free, attribution_error_message, attribution_error_new,
    attribution_error_place, attribution_status,
};
use attribution::model::{attribution_model, attribution_model_free, attribution_model_from_spec};
use attribution::result::{attribution_result, attribution_result_free};

/// A model of each kind.
pub const SPECS: [&str; 6] = [
    "last_touch",
    "first_touch",
    "linear",
    "time_decay:half_life_hours=1",
    "position_based:first_touch_weight=0.4,last_touch_weight=0.3",
    "assisted",
];

/// A kind of handle.
pub trait Handle {
    /// Its own function.
    const FREE: unsafe extern "C" fn(*mut *mut Self);
}
impl Handle for attribution_batch {
    const FREE: unsafe extern "C" fn(*mut *mut Self) = attribution_batch_free;
}
impl Handle for attribution_model {
    const FREE: unsafe extern "C" fn(*mut *mut Self) = attribution_model_free;
}
impl Handle for attribution_result {
    const FREE: unsafe extern "C" fn(*mut *mut Self) = attribution_result_free;
}

/// A variable for a handle.
pub struct Variable<H: Handle>(*mut H);

impl<H: Handle> Variable<H> {
    /// One that nothing was put into.
    pub fn new() -> Self {
        Self(null_mut())
    }

    /// For a call to put a handle into.
    pub fn out(&mut self) -> *mut *mut H {
        &raw mut self.0
    }

    /// The handle.
    pub fn handle(&self) -> *mut H {
        self.0
    }

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        !self.0.is_null()
    }
}

impl<H: Handle> Default for Variable<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Handle> Drop for Variable<H> {
    fn drop(&mut self) {
        // SAFETY: NULL or a handle of the library's; the second call finds NULL.
        unsafe {
            H::FREE(&raw mut self.0);
            assert!(self.0.is_null());
            H::FREE(&raw mut self.0);
        }
    }
}

/// An error object.
#[derive(Debug)]
pub struct Told(*mut attribution_error);

impl Told {
    /// A new one.
    pub fn new() -> Self {
        Self(attribution_error_new())
    }

    /// For a call to tell something.
    pub fn handle(&self) -> *mut attribution_error {
        self.0
    }

    /// What it says.
    pub fn message(&self) -> String {
        // SAFETY: a live object, whose texts end with a NUL.
        unsafe { CStr::from_ptr(attribution_error_message(self.0)) }.to_string_lossy().into_owned()
    }

    /// Whether a call was done. No input may make the library panic or contradict itself, and what the
    /// object says has to fit the status.
    pub fn is_ok(&self, status: attribution_status) -> bool {
        let broken = [
            attribution_status::ATTRIBUTION_STATUS_PANIC,
            attribution_status::ATTRIBUTION_STATUS_INTERNAL,
        ];
        assert!(!broken.contains(&status), "{}", self.message());
        // SAFETY: a live object.
        assert_eq!(unsafe { attribution_error_code(self.0) }, status);
        let ok = status == attribution_status::ATTRIBUTION_STATUS_OK;
        assert_eq!(ok, self.message().is_empty(), "{}", self.message());
        // SAFETY: a live object, whose texts end with a NUL.
        unsafe {
            assert!(CStr::from_ptr(attribution_error_place(self.0)).to_str().is_ok());
            let shown = attribution_error_defects(self.0).min(20) as usize;
            for index in 0..shown {
                let mut found = std::ptr::null();
                let (place, allowed) = (null_mut(), null_mut());
                let told = attribution_error_defect(self.0, index, place, &raw mut found, allowed);
                assert!(told && CStr::from_ptr(found).to_str().is_ok());
            }
        }
        ok
    }

    /// Fails where a call was not done.
    pub fn expect_ok(&self, status: attribution_status) {
        assert!(self.is_ok(status), "{}", self.message());
    }
}

impl Default for Told {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // SAFETY: a live object that no one else has.
        unsafe { attribution_error_free(&raw mut self.0) };
    }
}

/// Models, of which a call takes pointers.
pub struct Models(Vec<Variable<attribution_model>>);

// SAFETY: models never change; threads may share them.
unsafe impl Send for Models {}
// SAFETY: as above.
unsafe impl Sync for Models {}

impl Models {
    /// One of each kind.
    pub fn all() -> Self {
        let told = Told::new();
        let model = |spec: &str| {
            let text = CString::new(spec).expect("no NUL");
            let mut model = Variable::new();
            // SAFETY: a text, a variable and a live object.
            let status =
                unsafe { attribution_model_from_spec(text.as_ptr(), model.out(), told.handle()) };
            told.expect_ok(status);
            model
        };
        Self(SPECS.into_iter().map(model).collect())
    }

    /// Their handles.
    pub fn handles(&self) -> Vec<*const attribution_model> {
        self.0.iter().map(|model| model.handle().cast_const()).collect()
    }
}

/// Options for all scopes of a set of bits, with touchpoints.
pub fn options(scopes: u32, threads: u32) -> attribution_engine_options {
    let size = size_of::<attribution_engine_options>();
    attribution_engine_options { size, scopes, threads, touchpoints: 1, reserved: [0; 7] }
}
