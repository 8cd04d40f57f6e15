//! Where the time and random bytes come from. Both are arguments of the program, so
//! that tests can choose them, and can expect exact responses.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks this function. In the server, it is `Timestamp::now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, to the millisecond: the databases store no more than that, and so
    /// a value that was read is equal to the one that was stored.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// The time that is this much later, or the last one that a timestamp can be. (`+`
/// would panic then.)
pub fn later(time: Timestamp, duration: SignedDuration) -> Timestamp {
    shift(time, duration.as_millis()).unwrap_or(Timestamp::MAX)
}

/// The time that is this much earlier, or the first one that there is.
pub fn earlier(time: Timestamp, duration: SignedDuration) -> Timestamp {
    shift(time, -duration.as_millis()).unwrap_or(Timestamp::MIN)
}

fn shift(time: Timestamp, milliseconds: i128) -> Option<Timestamp> {
    let sum = i128::from(time.as_millisecond()) + milliseconds;
    Timestamp::from_millisecond(sum.try_into().ok()?).ok()
}

/// Gives random bytes, for secrets and for ids that nobody must guess.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> [u8; 32] + Send + Sync>);

impl Random {
    /// Random bytes from this function.
    pub fn new(bytes: impl Fn() -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }

    /// 32 bytes: nobody can guess them, and no two calls give the same ones.
    pub fn bytes(&self) -> [u8; 32] {
        (self.0)()
    }
}

/// Random bytes of the system.
///
/// # Panics
///
/// If the system has none: a secret that isn't random is worse than a failed
/// request. Linux always has some after its start, and the service asks for some
/// when it starts.
#[cfg(feature = "server")]
pub fn system_random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system should have random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_timestamp_can_be_becomes_the_last_or_the_first_one() {
        let hour = SignedDuration::from_hours(1);
        let time = Timestamp::constant(1_772_439_300, 0);
        assert_eq!(later(time, hour), time + hour);
        assert_eq!(earlier(time, hour), time - hour);
        assert_eq!(later(time, SignedDuration::MAX), Timestamp::MAX);
        assert_eq!(earlier(time, SignedDuration::MAX), Timestamp::MIN);
    }
}
