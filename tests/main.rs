//! The integration tests: one binary, since linking the SDK is slow; one module per subject.

mod lab;
mod peers;
mod program;
mod support;
mod tidy;
