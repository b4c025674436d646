//! What AWS documents about the speed of EFS, as formulas that the lessons compare with measurements. The practice model
//! has figures of its own: comparing the two must mean something.
//!
//! Bytes are counted in powers of two where AWS does (GiB, TiB) and told as `dd` tells them (MB of 10^6 bytes).

use super::schema::Rule;

/// Bytes.
pub const KIB: f64 = 1024.0;
/// Bytes.
pub const MIB: f64 = 1024.0 * KIB;
/// Bytes.
pub const GIB: f64 = 1024.0 * MIB;
/// Bytes.
pub const TIB: f64 = 1024.0 * GIB;
/// Bytes, as `dd` counts.
pub const MB: f64 = 1e6;

/// Credits of a new filesystem in bytes: 2.1 TiB (EFS user guide, "Bursting throughput").
pub const INITIAL_CREDITS: f64 = 2.1 * TIB;
/// A read is metered as this part of a write (EFS user guide, "Metering throughput").
pub const READ_SHARE: f64 = 1.0 / 3.0;
/// What a volume of type gp3 does without paying for more, bytes a second (EBS user guide, "General Purpose SSD volumes").
pub const GP3: f64 = 125.0 * MIB;
/// The least time that an operation which changes something takes, in seconds (EFS user guide, "Performance summary").
pub const WRITE_LATENCY: f64 = 0.0027;

/// Bytes a second at which a filesystem of so many bytes earns credits: 50 KiB/s per GiB, at least 1 MiB/s.
#[must_use]
pub fn baseline(stored: f64) -> f64 {
    (stored / GIB * 50.0 * KIB).max(MIB)
}

/// Bytes a second that it may write while it has credits: 100 MiB/s, above 1 TiB so much for each TiB.
#[must_use]
pub fn burst(stored: f64) -> f64 {
    100.0 * MIB * (stored / TIB).max(1.0)
}

/// Seconds a day that it can write at the burst rate from what it earns in that day, if it rests otherwise.
#[must_use]
pub fn burst_a_day(stored: f64) -> f64 {
    const DAY: f64 = 86_400.0;
    DAY * (baseline(stored) / burst(stored)).min(1.0)
}

/// Seconds for which so many bytes of credits last while it writes at the burst rate and earns meanwhile.
#[must_use]
pub fn lasts(credits: f64, stored: f64) -> f64 {
    let drain = burst(stored) - baseline(stored);
    if drain > 0.0 {
        credits / drain
    } else {
        f64::INFINITY
    }
}

/// Seconds to move so many bytes at so many bytes a second.
#[must_use]
pub fn moves(bytes: f64, rate: f64) -> f64 {
    bytes / rate
}

/// Bytes a second when each block is sent only after the one before is safe.
#[must_use]
pub fn one_by_one(block: f64) -> f64 {
    block / (WRITE_LATENCY + block / burst(0.0))
}

/// A figure with as many digits as tell something.
#[must_use]
pub fn shown(figure: f64) -> String {
    if figure >= 10.0 {
        format!("{figure:.0}")
    } else if figure >= 1.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

impl Rule {
    /// The documented figure, in the unit of the measurements that it is for: MB/s, or files a second.
    #[must_use]
    pub fn figure(self) -> f64 {
        match self {
            Self::BurstWrite {} => burst(0.0) / MB,
            Self::BurstRead {} => burst(0.0) / READ_SHARE / MB,
            Self::FloorWrite {} => baseline(0.0) / MB,
            Self::OneByOne { kib } => one_by_one(f64::from(kib) * KIB) / MB,
            Self::Files { operations } => 1.0 / (f64::from(operations) * WRITE_LATENCY),
            Self::Gp3 {} => GP3 / MB,
        }
    }

    /// Where it comes from, in a few words.
    #[must_use]
    pub fn why(self) -> String {
        match self {
            Self::BurstWrite {} => "burst: 100 MiB/s".to_owned(),
            Self::BurstRead {} => "burst, reads metered at a third: 300 MiB/s".to_owned(),
            Self::FloorWrite {} => "floor: 1 MiB/s".to_owned(),
            Self::OneByOne { kib } => {
                format!("{kib} KiB a time, from 2.7 ms latency and 100 MiB/s")
            }
            Self::Files { operations: 1 } => "one operation a file, from 2.7 ms each".to_owned(),
            Self::Files { operations } => {
                format!("{operations} operations a file, from 2.7 ms each")
            }
            Self::Gp3 {} => "gp3 as it comes: 125 MiB/s".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64, within: f64) -> bool {
        (left - right).abs() <= within
    }

    #[test]
    fn the_chapters_table_holds() {
        // 51.2 KB/s per 1.1 GB, and 52.4 MB/s at 1100 GB.
        assert!(close(baseline(1024.0 * GIB) / MB, 52.4, 0.05));
        assert!(close(burst(0.0) / MB, 104.9, 0.05));
        assert!(close(burst(10.0 * TIB) / MB, 1048.6, 0.05));
        assert!(
            close(burst(TIB) / baseline(TIB), 2.0, 1e-9),
            "half of the time"
        );
    }

    #[test]
    fn a_small_filesystem_has_the_floor_and_one_of_100_gib_about_70_minutes_a_day() {
        assert!(close(baseline(GIB), MIB, 0.0));
        assert!(close(burst_a_day(100.0 * GIB) / 60.0, 70.3, 0.1));
        assert!(close(burst_a_day(TIB) / 3600.0, 12.0, 1e-9));
    }

    #[test]
    fn the_chapters_alarm_leaves_half_an_hour_or_an_hour_at_a_tebibyte() {
        let threshold = 192_416_666_667.0;
        assert!(close(lasts(threshold, GIB) / 60.0, 30.9, 0.1));
        assert!(close(lasts(threshold, TIB) / 60.0, 61.2, 0.1));
    }

    #[test]
    fn credits_of_a_new_filesystem_last_for_hours() {
        assert!(close(lasts(INITIAL_CREDITS, 0.0) / 3600.0, 6.2, 0.05));
    }

    #[test]
    fn a_tebibyte_at_the_burst_rate_takes_174_minutes_and_a_terabyte_167() {
        assert!(close(moves(TIB, 100.0 * MIB) / 60.0, 174.8, 0.1));
        assert!(close(moves(1e12, 100.0 * MB) / 60.0, 166.7, 0.1));
    }

    #[test]
    fn small_blocks_written_one_by_one_are_slow() {
        assert!(close(one_by_one(4.0 * KIB) / MB, 1.5, 0.05));
        assert!(close(one_by_one(MIB) / MB, 82.6, 0.5));
    }
}
