//! The one integration test binary: one module a subject, so that the package is linked once.

// `cfg(test)` is always true here; it tells clippy that helpers of tests are tests as well.
#[cfg(test)]
mod providers;
