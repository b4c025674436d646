//! A [`View`](super::View) as bashkit's filesystem.
