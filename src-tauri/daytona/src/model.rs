//! How values are read from the wire: tolerantly, so that a newer or older server is understood as far as it goes.

pub(crate) mod lenient;
mod open;

pub(crate) use self::open::open_enum;
