//! The integration tests: one binary, since linking the SDK is slow; one module per subject.

mod lab;
mod program;
mod support;
mod tidy;
