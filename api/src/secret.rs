//! What may be sent and must not be logged.

/// `Debug` for bodies that carry secrets or name people: their type's name alone.
macro_rules! without_what_a_log_must_not_have {
    ($($name:ident)+) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })+
    };
}
pub(crate) use without_what_a_log_must_not_have;
