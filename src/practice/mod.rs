//! The practice account: an AWS of one's own on 127.0.0.1, reached only over HTTP and SSH.
//!
//! It speaks the AWS wire protocols (`aws`), runs stacks (`cfn`), boots instances as virtual Linux hosts (`compute`)
//! and keeps their files (`storage`). Nothing of the lab's own modules may enter here: the account knows AWS, not efslab.

pub mod cfn;
pub mod clock;
pub mod compute;
pub mod error;
pub mod world;
