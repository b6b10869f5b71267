//! The Worker's wasm module: the library, linked, and nothing else. `scripts/build.mjs` has worker-build make it.
//!
//! It is a package of its own because cargo optimises across crates at link time only where a package is nothing but a
//! `cdylib`, while tests and the host command link the library as an `rlib`. That is a tenth of the Worker's size.

extern crate wend as _;
