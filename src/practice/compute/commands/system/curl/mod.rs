//! curl: HTTP requests to the metadata service and to wait handles; everything else is unreachable from here.

mod options;
mod transfer;

use async_trait::async_trait;

use self::options::{Data, Options};
use self::transfer::{Request, Response};
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::storage::Use;

/// `curl`
pub struct Curl;

/// Exit statuses of curl(1).
const MISUSED: i32 = 2;
const CANNOT_WRITE: i32 = 23;
const HTTP_ERROR: i32 = 22;
const CANNOT_READ: i32 = 26;

#[async_trait]
impl Program for Curl {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let options = match Options::read(call.args) {
            Ok(options) => options,
            Err(misuse) => return call.fail(MISUSED, misuse).await,
        };
        if options.urls.is_empty() {
            let what = "curl: no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information";
            return call.fail(MISUSED, what).await;
        }
        let body = match body(seat, call, &options).await? {
            Ok(body) => body,
            Err((status, what)) => return call.fail(status, what).await,
        };
        let mut status = 0;
        for url in &options.urls {
            status = one(seat, call, &options, url, body.as_deref()).await?;
        }
        Ok(status)
    }
}

/// What is to be sent; `None` without any data option.
async fn body(
    seat: &Seat,
    call: &Call<'_>,
    options: &Options,
) -> bashkit::Result<Result<Option<Vec<u8>>, (i32, String)>> {
    let mut body: Option<Vec<u8>> = None;
    let upload = options.upload.iter().map(|file| Data::Bytes(file.clone()));
    for data in options.data.iter().cloned().chain(upload) {
        let (file, lines) = match data {
            Data::Text(text) => {
                join(&mut body, text.into_bytes());
                continue;
            }
            Data::Lines(file) => (file, true),
            Data::Bytes(file) => (file, false),
        };
        let mut bytes = if file == "-" {
            call.input().await?
        } else {
            let (view, path) = (seat.patient_view(), call.path(&file));
            view.pass(&path, Use::Look).await;
            match view.read(&path) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let what = format!("curl: Failed to open {file}: {error}");
                    return Ok(Err((CANNOT_READ, what)));
                }
            }
        };
        if lines {
            bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        }
        join(&mut body, bytes);
    }
    Ok(Ok(body))
}

/// Several data options become one, joined as in a form.
fn join(body: &mut Option<Vec<u8>>, more: Vec<u8>) {
    match body {
        Some(body) => {
            body.push(b'&');
            body.extend(more);
        }
        None => *body = Some(more),
    }
}

/// One transfer, with its retries.
async fn one(
    seat: &Seat,
    call: &Call<'_>,
    options: &Options,
    url: &str,
    body: Option<&[u8]>,
) -> Ended {
    let request = Request::new(options, url, body);
    let mut left = options.retries;
    // curl(1): one second, then twice as long each time, at most ten minutes.
    let mut pause = std::time::Duration::from_secs(1);
    let ended = loop {
        let ended = request.send(&seat.host, &seat.activity, options).await;
        let again = match &ended {
            Ok(response) => matches!(response.status, 408 | 429 | 500 | 502 | 503 | 504),
            Err(failure) => failure.transient(options.retry_more),
        };
        if !again || left == 0 {
            break ended;
        }
        left -= 1;
        let wait = options.retry_delay.unwrap_or(pause);
        pause = (pause * 2).min(std::time::Duration::from_mins(10));
        if !options.silent {
            let what = format!(
                "Warning: Problem: {}. Will retry in {} seconds. {left} retries left.",
                ended.as_ref().map_or("connection", |_| "HTTP error"),
                wait.as_secs()
            );
            call.complain(what).await?;
        }
        seat.activity.sleep(wait).await;
    };
    let shown = !options.silent || options.show_error;
    match ended {
        Ok(response) => {
            if options.verbose {
                call.err(request.told(&response)).await?;
            }
            deliver(seat, call, options, &request, &response, shown).await
        }
        Err(failure) => {
            if shown {
                call.complain(&failure).await?;
            }
            write_out(call, options, 0, 0, &request.url).await?;
            Ok(failure.status())
        }
    }
}

async fn deliver(
    seat: &Seat,
    call: &Call<'_>,
    options: &Options,
    request: &Request,
    response: &Response,
    shown: bool,
) -> Ended {
    let mut ended = 0;
    let mut received = 0;
    if options.fail && response.status >= 400 {
        if shown {
            let what = format!(
                "curl: ({HTTP_ERROR}) The requested URL returned error: {}",
                response.status
            );
            call.complain(what).await?;
        }
        ended = HTTP_ERROR;
    } else {
        let mut bytes = Vec::new();
        if options.include || options.head {
            bytes.extend(response.head().into_bytes());
        }
        if !options.head {
            received = response.body.len();
            bytes.extend(&response.body);
        }
        let remote = request
            .path
            .split('?')
            .next()
            .and_then(|path| path.rsplit('/').next());
        let file = match &options.output {
            Some(file) if file == "-" => None,
            Some(file) => Some(file.as_str()),
            None if options.remote_name => remote,
            None => None,
        };
        match file {
            None => call.out(bytes).await?,
            Some("") => {
                let what = format!("curl: ({CANNOT_WRITE}) Remote file name has no length");
                return call.fail(CANNOT_WRITE, what).await;
            }
            Some(file) => {
                let (view, path) = (seat.patient_view(), call.path(file));
                view.pass(&path, Use::Change).await;
                let written = view.write(&path, &bytes);
                if let Err(error) = written {
                    if !options.silent {
                        call.complain(format!("Warning: Failed to open the file {file}: {error}"))
                            .await?;
                    }
                    if shown {
                        let what = format!(
                            "curl: ({CANNOT_WRITE}) client returned ERROR on write, {} bytes lost",
                            bytes.len()
                        );
                        call.complain(what).await?;
                    }
                    ended = CANNOT_WRITE;
                }
            }
        }
    }
    write_out(call, options, response.status, received, &request.url).await?;
    Ok(ended)
}

async fn write_out(
    call: &Call<'_>,
    options: &Options,
    status: u16,
    received: usize,
    url: &str,
) -> bashkit::Result<()> {
    match &options.write_out {
        Some(format) => call.out(written_out(format, status, received, url)).await,
        None => Ok(()),
    }
}

/// Text of `-w` with its variables and escapes replaced; an unknown variable is empty.
fn written_out(format: &str, status: u16, received: usize, url: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((name, after)) = rest
            .strip_prefix("%{")
            .and_then(|name| name.split_once('}'))
        {
            match name {
                "http_code" | "response_code" => text.extend([format!("{status:03}")]),
                "size_download" => text.push_str(&received.to_string()),
                "url" | "url_effective" => text.push_str(url),
                _ => {}
            }
            rest = after;
            continue;
        }
        let (seen, taken) = match rest.get(..2) {
            Some("\\n") => ('\n', 2),
            Some("\\t") => ('\t', 2),
            Some("\\r") => ('\r', 2),
            Some("%%") => ('%', 2),
            _ => (first, first.len_utf8()),
        };
        text.push(seen);
        rest = &rest[taken..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{join, written_out};

    #[test]
    fn what_is_written_out_has_variables_and_escapes() {
        assert_eq!(written_out("%{http_code}\\n", 200, 5, "u"), "200\n");
        assert_eq!(
            written_out("%{size_download} 100%% %{no}é", 0, 5, "u"),
            "5 100% é"
        );
        assert_eq!(written_out("%{http_code}", 0, 0, "u"), "000");
    }

    #[test]
    fn data_is_joined_as_in_a_form() {
        let mut body = None;
        join(&mut body, b"a=1".to_vec());
        join(&mut body, b"b=2".to_vec());
        assert_eq!(body.as_deref(), Some(&b"a=1&b=2"[..]));
    }
}
