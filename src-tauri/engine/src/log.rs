//! What a run printed, on its way to disk and back.

pub mod mask;
