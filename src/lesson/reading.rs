//! Figures that commands print: the throughput of `dd`, the time of `time`. Text in, numbers out.

use serde::Deserialize;

use super::throughput::MB;
use super::transcript::Typed;

/// Which figure a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reading {
    /// Throughput in MB/s, from the last line of `dd`.
    Dd {},
    /// So many files by the seconds that `time` counted: files a second.
    Files {
        /// How many.
        count: u32,
    },
}

impl Reading {
    /// The unit of the figure.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Dd {} => "MB/s",
            Self::Files { .. } => "files/s",
        }
    }

    /// The figure, if this command has printed it.
    #[must_use]
    pub fn read(self, typed: &Typed<'_>) -> Option<f64> {
        let lines = typed.output;
        match self {
            Self::Dd {} => {
                // What stands before it tells of the progress.
                let records = lines
                    .iter()
                    .rposition(|line| line.ends_with(" records out"))?;
                lines[records..].iter().find_map(|line| throughput(line))
            }
            Self::Files { count } => (lines.iter().rev())
                .find_map(|line| real_time(line))
                .map(|seconds| f64::from(count) / seconds),
        }
        .filter(|figure| figure.is_finite() && *figure > 0.0)
    }
}

/// `1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.2393 s, 105 MB/s`, in MB/s: from bytes and seconds, for the rate is
/// rounded.
fn throughput(line: &str) -> Option<f64> {
    let (bytes, rest) = line.split_once(" bytes ")?;
    let (_, copied) = rest.split_once("copied, ")?;
    let (seconds, rate) = copied.split_once(" s, ")?;
    rate.split_once(' ')?;
    let bytes: f64 = bytes.trim().parse().ok()?;
    let seconds: f64 = seconds.trim().parse().ok()?;
    Some(bytes / seconds / MB)
}

/// `real    0m1.234s` in seconds.
fn real_time(line: &str) -> Option<f64> {
    let time = line.trim().strip_prefix("real")?.trim();
    let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
    let minutes: f64 = minutes.parse().ok()?;
    let seconds: f64 = seconds.replace(',', ".").parse().ok()?;
    Some(minutes * 60.0 + seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(reading: Reading, output: &[&str]) -> Option<f64> {
        let output: Vec<String> = output.iter().map(|line| (*line).to_owned()).collect();
        reading.read(&Typed {
            command: "x",
            output: &output,
        })
    }

    #[test]
    fn the_last_line_of_dd_is_read_from_its_bytes_and_seconds() {
        let output = [
            "1024+0 records in",
            "1024+0 records out",
            "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.24 s, 105 MB/s",
        ];
        let rate = read(Reading::Dd {}, &output).unwrap();
        assert!((rate - 104.857_6).abs() < 1e-9, "{rate}");
    }

    #[test]
    fn progress_is_not_the_end() {
        let progress = "524288000 bytes (524 MB, 500 MiB) copied, 5 s, 105 MB/s";
        assert_eq!(read(Reading::Dd {}, &[progress]), None);
        let output = [
            progress,
            "1+0 records in",
            "1+0 records out",
            "1048576 bytes (1.0 MB, 1.0 MiB) copied, 2 s, 524 kB/s",
        ];
        let rate = read(Reading::Dd {}, &output).unwrap();
        assert!((rate - 0.524_288).abs() < 1e-9, "{rate}");
    }

    #[test]
    fn files_a_second_come_from_the_real_time() {
        let output = ["", "real\t0m2.500s", "user\t0m0.010s", "sys\t0m0.020s"];
        let rate = read(Reading::Files { count: 200 }, &output).unwrap();
        assert!((rate - 80.0).abs() < 1e-9, "{rate}");
        assert_eq!(
            read(Reading::Files { count: 200 }, &["real 0m0.000s"]),
            None
        );
    }

    proptest! {
        #[test]
        fn any_line_can_be_read(line in ".{0,60}") {
            for reading in [Reading::Dd {}, Reading::Files { count: 1 }] {
                if let Some(figure) = read(reading, &["1+0 records out", &line]) {
                    prop_assert!(figure > 0.0);
                }
            }
        }
    }
}
