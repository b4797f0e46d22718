//! The widest lanes that the processor has.
//!
//! The library is built for the oldest processor of its kind; a kernel is compiled once for each
//! newer kind too, and the best one is taken. Floats are added and multiplied one by one in the
//! order written, in lanes or not, so the results are the same.

use pulp::{Arch, Simd, WithSimd};

/// Work that is worth wide lanes. Its `run`, and all that it calls and wants widened, has to be
/// `#[inline(always)]`: lanes do not reach into a function of its own.
pub(crate) trait Kernel {
    fn run(self);
}

struct Widened<K>(K);

impl<K: Kernel> WithSimd for Widened<K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.run();
    }
}

/// Runs a kernel in the widest lanes that there are.
pub(crate) fn widened(kernel: impl Kernel) {
    Arch::new().dispatch(Widened(kernel));
}
