//! Models.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{ConfigValue, Model, ModelKind};

use crate::border::{
    Failure, Growing, Handle, borrow, c_text, clear, free, give, guard, read_growing, text,
    text_or_none, value_or,
};
use crate::error::{attribution_error, attribution_status};

/// The kind of a model.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_kind {
    /// All credit to the converting click.
    ATTRIBUTION_KIND_LAST_TOUCH = 1,
    /// All credit to the first touch.
    ATTRIBUTION_KIND_FIRST_TOUCH = 2,
    /// The same credit to every touch.
    ATTRIBUTION_KIND_LINEAR = 3,
    /// Credit that halves with each half-life before the newest touch. Takes half_life_hours.
    ATTRIBUTION_KIND_TIME_DECAY = 4,
    /// Fixed shares to the first and last touch, the rest between. Takes first_touch_weight and
    /// last_touch_weight.
    ATTRIBUTION_KIND_POSITION_BASED = 5,
    /// The same credit to every touch but the last.
    ATTRIBUTION_KIND_ASSISTED = 6,
    /// Data-driven. Known, and refused: it is not yet available.
    ATTRIBUTION_KIND_ALGORITHMIC = 7,
}

/// Each kind at the place of its number, from 1.
const KINDS: [ModelKind; 7] = [
    ModelKind::LastTouch,
    ModelKind::FirstTouch,
    ModelKind::Linear,
    ModelKind::TimeDecay,
    ModelKind::PositionBased,
    ModelKind::Assisted,
    ModelKind::Algorithmic,
];

/// A model: a kind with its weighting config, checked, and a name and slug.
///
/// Made by one of the attribution_model_from_ functions, owned by the caller and freed with
/// attribution_model_free. It never changes; threads may share it. The texts that it gives are its own
/// and stay until it is freed.
pub struct attribution_model {
    _private: (),
}

/// A model and its texts for C.
#[derive(Debug)]
pub(crate) struct ModelValue {
    pub(crate) model: Model,
    name: CString,
    slug: CString,
    json: CString,
}

impl Handle for attribution_model {
    type Value = ModelValue;
    const NAME: &'static str = "attribution_model";
    const TAG: u64 = u64::from_le_bytes(*b"attr:mod");
}

/// A model as fields. To be begun with ATTRIBUTION_MODEL_FIELDS_INIT. What a kind does not take has to
/// be 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_model_fields {
    /// sizeof(attribution_model_fields)
    pub size: usize,
    /// One of the ATTRIBUTION_KIND_ numbers.
    pub kind: u32,
    /// The half-life of ATTRIBUTION_KIND_TIME_DECAY in hours, from 1 to 4294967295.
    pub half_life_hours: u64,
    /// The first touch's share under ATTRIBUTION_KIND_POSITION_BASED, from 0 to 1.
    pub first_touch_weight: f64,
    /// The last touch's share under ATTRIBUTION_KIND_POSITION_BASED, from 0 to 1; the two together are
    /// at most 1.
    pub last_touch_weight: f64,
    /// The name, 1 to 255 characters; NULL for that of the kind.
    pub name: *const c_char,
    /// The slug, 1 to 191 of a-z, 0-9, - and _; NULL for one that is made from the name.
    pub slug: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_model_fields {
    const NAME: &'static str = "attribution_model_fields";
}

/// Makes one handle of a model.
///
/// # Safety
/// `out` was passed to [`clear`].
unsafe fn give_model(out: *mut *mut attribution_model, model: Model) -> Result<(), Failure> {
    let json = model.to_json()?;
    let value = ModelValue {
        name: c_text(model.name()),
        slug: c_text(model.slug()),
        json: c_text(&json),
        model,
    };
    // SAFETY: the caller's promise.
    unsafe { give(out, value) };
    Ok(())
}

/// A model from a JSON object, such as
///
///     {"type": "time_decay", "weighting_config": {"half_life_hours": 48}, "name": "Two days"}
///
/// `weighting_config`, `name` and `slug` may be left out. Numbers are read as the decimals they are
/// written as, and may be strings. A field that is unknown, missing, there twice or out of range is
/// refused with ATTRIBUTION_STATUS_INVALID_MODEL, its name being the error's place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_from_json(
    json: *const c_char,
    model: *mut *mut attribution_model,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(model, "model")?;
            give_model(model, Model::from_json(text(json, "json")?)?)
        }
    })
}

/// A model from a short text: `kind` or `kind:key=value,key=value`, optionally `name=kind:...`, such as
/// "time_decay:half_life_hours=48".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_from_spec(
    spec: *const c_char,
    model: *mut *mut attribution_model,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        unsafe {
            clear(model, "model")?;
            give_model(model, Model::from_spec(text(spec, "spec")?)?)
        }
    })
}

/// A model from fields. Shares are taken by their shortest decimal text: 0.4 means 0.4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_from_fields(
    fields: *const attribution_model_fields,
    model: *mut *mut attribution_model,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (fields, name, slug) = unsafe {
            clear(model, "model")?;
            let fields = read_growing(fields)?;
            let name = text_or_none(fields.name, "name")?;
            (fields, name, text_or_none(fields.slug, "slug")?)
        };
        let kind = (fields.kind as usize).checked_sub(1).and_then(|place| KINDS.get(place));
        let Some(&kind) = kind else {
            let found = format!("found {}", fields.kind);
            return Err(Failure::argument("kind", found, "one of the ATTRIBUTION_KIND_ numbers"));
        };
        // What a kind takes is given as it is, what it does not take where it says something: the core
        // knows which is which.
        let mut config: Vec<(&str, ConfigValue)> = Vec::new();
        if kind == ModelKind::TimeDecay || fields.half_life_hours != 0 {
            config.push(("half_life_hours", fields.half_life_hours.into()));
        }
        for (key, share) in [
            ("first_touch_weight", fields.first_touch_weight),
            ("last_touch_weight", fields.last_touch_weight),
        ] {
            if kind == ModelKind::PositionBased || share != 0.0 {
                config.push((key, share.into()));
            }
        }
        let mut made = Model::new(kind.name(), &config)?;
        if let Some(name) = name {
            made = made.with_name(name)?;
        }
        if let Some(slug) = slug {
            made = made.with_slug(slug)?;
        }
        // SAFETY: cleared above.
        unsafe { give_model(model, made) }
    })
}

/// The kind, one of the ATTRIBUTION_KIND_ numbers; 0 for what is no model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_kind(model: *const attribution_model) -> u32 {
    value_or(0, || {
        // SAFETY: the caller's promise.
        let kind = unsafe { borrow(model)? }.model.kind();
        Ok((1..).zip(KINDS).find(|(_, known)| *known == kind).map_or(0, |(number, _)| number))
    })
}

/// The name; NULL for what is no model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_name(model: *const attribution_model) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(model)? }.name.as_ptr()))
}

/// The slug; NULL for what is no model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_slug(model: *const attribution_model) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(model)? }.slug.as_ptr()))
}

/// The model as a JSON object that attribution_model_from_json takes, its config normalised; NULL for
/// what is no model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_json(model: *const attribution_model) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(model)? }.json.as_ptr()))
}

/// Frees a model and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
/// Results do not need the models that they were calculated with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_model_free(model: *mut *mut attribution_model) {
    // SAFETY: the caller's promise.
    unsafe { free(model) }
}
