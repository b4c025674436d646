//! curl's command line. Nothing is sent here.

use std::time::Duration;

use super::super::time::interval;

/// What curl is told to do.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `-X`
    pub method: Option<String>,
    /// `-H`, as given.
    pub headers: Vec<String>,
    /// `-d` and its like, in order.
    pub data: Vec<Data>,
    /// `-T`
    pub upload: Option<String>,
    /// `-G`: data goes into the address.
    pub data_in_url: bool,
    /// `-s`
    pub silent: bool,
    /// `-S`
    pub show_error: bool,
    /// `-f`
    pub fail: bool,
    /// `-i`
    pub include: bool,
    /// `-I`
    pub head: bool,
    /// `-v`
    pub verbose: bool,
    /// `-o`
    pub output: Option<String>,
    /// `-O`
    pub remote_name: bool,
    /// `-w`
    pub write_out: Option<String>,
    /// `--retry`
    pub retries: u32,
    /// `--retry-delay`
    pub retry_delay: Option<Duration>,
    /// `--retry-connrefused`, `--retry-all-errors`
    pub retry_more: bool,
    /// `-m`
    pub max_time: Option<Duration>,
    /// `--connect-timeout`
    pub connect_timeout: Option<Duration>,
    /// Addresses.
    pub urls: Vec<String>,
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Sent as it is.
    Text(String),
    /// Content of a file (`-`: standard input) without its line ends.
    Lines(String),
    /// Content of a file (`-`: standard input) as it is.
    Bytes(String),
}

/// Why the command line is wrong; `Display` is curl's line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// No option of curl that is practised here.
    #[error("curl: option {0}: is unknown\ncurl: try 'curl --help' for more information")]
    Unknown(String),
    /// The value is missing.
    #[error("curl: option {0}: requires parameter\ncurl: try 'curl --help' for more information")]
    NoValue(String),
    /// The value is no number.
    #[error(
        "curl: option {0}: expected a proper numerical parameter\ncurl: try 'curl --help' for more information"
    )]
    NoNumber(String),
}

impl Options {
    /// Reads the command line.
    pub fn read(args: &[String]) -> Result<Self, Misuse> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if let Some(name) = arg.strip_prefix("--") {
                let long = long(name).ok_or_else(|| Misuse::Unknown(arg.clone()))?;
                options.take(arg, long, || args.next().cloned())?;
            } else if arg.len() > 1 && arg.starts_with('-') {
                for (at, letter) in arg.char_indices().skip(1) {
                    let rest = &arg[at + letter.len_utf8()..];
                    let name = format!("-{letter}");
                    let mut used = false;
                    options.take(&name, letter_option(letter), || {
                        used = true;
                        if rest.is_empty() {
                            args.next().cloned()
                        } else {
                            Some(rest.to_owned())
                        }
                    })?;
                    if used {
                        break;
                    }
                }
            } else {
                options.urls.push(arg.clone());
            }
        }
        Ok(options)
    }

    fn take(
        &mut self,
        name: &str,
        option: Known,
        value: impl FnOnce() -> Option<String>,
    ) -> Result<(), Misuse> {
        let text = || value().ok_or_else(|| Misuse::NoValue(name.to_owned()));
        let wrong = || Misuse::NoNumber(name.to_owned());
        match option {
            Known::Unknown => return Err(Misuse::Unknown(name.to_owned())),
            Known::Nothing => {}
            Known::Silent => self.silent = true,
            Known::ShowError => self.show_error = true,
            Known::Fail => self.fail = true,
            Known::Include => self.include = true,
            Known::Head => self.head = true,
            Known::Verbose => self.verbose = true,
            Known::RemoteName => self.remote_name = true,
            Known::DataInUrl => self.data_in_url = true,
            Known::RetryMore => self.retry_more = true,
            Known::Request => self.method = Some(text()?),
            Known::Header => self.headers.push(text()?),
            Known::Url => self.urls.push(text()?),
            Known::Output => self.output = Some(text()?),
            Known::WriteOut => self.write_out = Some(text()?),
            Known::Upload => self.upload = Some(text()?),
            Known::Agent => {
                let agent = text()?;
                self.headers.push(format!("User-Agent: {agent}"));
            }
            Known::Data => {
                let data = text()?;
                self.data.push(match data.strip_prefix('@') {
                    Some(file) => Data::Lines(file.to_owned()),
                    None => Data::Text(data),
                });
            }
            Known::DataBinary => {
                let data = text()?;
                self.data.push(match data.strip_prefix('@') {
                    Some(file) => Data::Bytes(file.to_owned()),
                    None => Data::Text(data),
                });
            }
            Known::DataRaw => self.data.push(Data::Text(text()?)),
            Known::Retry => self.retries = text()?.parse().map_err(|_| wrong())?,
            Known::RetryDelay => self.retry_delay = Some(seconds(&text()?).ok_or_else(wrong)?),
            Known::MaxTime => self.max_time = Some(seconds(&text()?).ok_or_else(wrong)?),
            Known::ConnectTimeout => {
                self.connect_timeout = Some(seconds(&text()?).ok_or_else(wrong)?);
            }
        }
        Ok(())
    }
}

/// curl takes plain seconds, with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    text.ends_with(|last: char| last.is_ascii_digit())
        .then(|| interval(text))
        .flatten()
}

#[derive(Clone, Copy)]
enum Known {
    Unknown,
    Nothing,
    Silent,
    ShowError,
    Fail,
    Include,
    Head,
    Verbose,
    RemoteName,
    DataInUrl,
    RetryMore,
    Request,
    Header,
    Url,
    Output,
    WriteOut,
    Upload,
    Agent,
    Data,
    DataBinary,
    DataRaw,
    Retry,
    RetryDelay,
    MaxTime,
    ConnectTimeout,
}

fn long(name: &str) -> Option<Known> {
    Some(match name {
        "silent" => Known::Silent,
        "show-error" => Known::ShowError,
        "fail" => Known::Fail,
        "include" => Known::Include,
        "head" => Known::Head,
        "verbose" => Known::Verbose,
        "remote-name" => Known::RemoteName,
        "get" => Known::DataInUrl,
        "retry-connrefused" | "retry-all-errors" => Known::RetryMore,
        "request" => Known::Request,
        "header" => Known::Header,
        "url" => Known::Url,
        "output" => Known::Output,
        "write-out" => Known::WriteOut,
        "upload-file" => Known::Upload,
        "user-agent" => Known::Agent,
        "data" | "data-ascii" => Known::Data,
        "data-binary" => Known::DataBinary,
        "data-raw" => Known::DataRaw,
        "retry" => Known::Retry,
        "retry-delay" => Known::RetryDelay,
        "max-time" => Known::MaxTime,
        "connect-timeout" => Known::ConnectTimeout,
        // Nothing redirects here, nothing is encrypted, and no progress is shown.
        "location" | "no-progress-meter" | "progress-bar" | "insecure" | "ipv4" | "http1.1"
        | "no-buffer" | "noproxy" | "compressed" => Known::Nothing,
        _ => return None,
    })
}

fn letter_option(letter: char) -> Known {
    match letter {
        's' => Known::Silent,
        'S' => Known::ShowError,
        'f' => Known::Fail,
        'i' => Known::Include,
        'I' => Known::Head,
        'v' => Known::Verbose,
        'O' => Known::RemoteName,
        'G' => Known::DataInUrl,
        'X' => Known::Request,
        'H' => Known::Header,
        'o' => Known::Output,
        'w' => Known::WriteOut,
        'T' => Known::Upload,
        'A' => Known::Agent,
        'd' => Known::Data,
        'm' => Known::MaxTime,
        'L' | 'k' | '4' | '#' | 'N' | '0' => Known::Nothing,
        _ => Known::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Data, Misuse, Options};

    fn read(words: &[&str]) -> Result<Options, Misuse> {
        let args: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Options::read(&args)
    }

    #[test]
    fn the_call_of_the_user_data_is_understood() {
        let options = read(&[
            "--fail",
            "--silent",
            "--show-error",
            "--retry",
            "5",
            "-X",
            "PUT",
            "-H",
            "Content-Type:",
            "--data-binary",
            "{}",
            "http://127.0.0.1:1/x",
        ])
        .unwrap();
        assert!(options.fail && options.silent && options.show_error);
        assert_eq!(options.retries, 5);
        assert_eq!(options.method.as_deref(), Some("PUT"));
        assert_eq!(options.headers, ["Content-Type:"]);
        assert_eq!(options.data, [Data::Text("{}".to_owned())]);
        assert_eq!(options.urls, ["http://127.0.0.1:1/x"]);
    }

    #[test]
    fn letters_stand_together_with_a_value_at_the_end() {
        let options = read(&["-sSfo/dev/null", "-w", "%{http_code}", "-m1.5", "u"]).unwrap();
        assert!(options.silent && options.show_error && options.fail);
        assert_eq!(options.output.as_deref(), Some("/dev/null"));
        assert_eq!(options.max_time, Some(Duration::from_millis(1500)));
        assert_eq!(options.urls, ["u"]);
    }

    #[test]
    fn data_may_come_from_files() {
        let options = read(&["-d", "@-", "--data-binary", "@x", "--data-raw", "@y"]).unwrap();
        assert_eq!(
            options.data,
            [
                Data::Lines("-".to_owned()),
                Data::Bytes("x".to_owned()),
                Data::Text("@y".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read(&["--frob"]), Err(Misuse::Unknown("--frob".to_owned())));
        assert_eq!(read(&["-sZ"]), Err(Misuse::Unknown("-Z".to_owned())));
        assert_eq!(
            read(&["--retry"]),
            Err(Misuse::NoValue("--retry".to_owned()))
        );
        assert_eq!(read(&["-m", "2m"]), Err(Misuse::NoNumber("-m".to_owned())));
    }
}
